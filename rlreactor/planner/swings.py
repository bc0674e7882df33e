"""When a core is slower than on average, and when faster: no two cores keep the same pace all the time.

A virtual machine has neighbours, a processor has a budget of power, caches have been filled by others. On average it is
nothing; but of workers that wait for each other at every tag, the one that happens to be slow holds up the rest.
"""

from __future__ import annotations

from functools import cache
from random import Random

__all__ = ["SWINGS", "swings"]

SWINGS = 512
_BLOCK = 8


@cache
def swings(core: int) -> tuple[int, ...]:
    """+1 where a core is slow and -1 where it is fast, at so many tags: as many of these as of those in every eight.

    Like chance, so that no program keeps in step with it, and still the same every time.
    """
    chance = Random(core)
    found: list[int] = []
    for _ in range(SWINGS // _BLOCK):
        block = [1, -1] * (_BLOCK // 2)
        chance.shuffle(block)
        found += block
    return tuple(found)
