"""How a worker rests until anything may let it go on, where all workers see each other's memory.

As it stands nobody rests here: `Waiting` does the same for any carrier. `rest.c` is for those who have a `Gatekeeper`:
between the news and the reaction that waited for it lie then no more than some hundreds of instructions, and they are
cold, after a rest.
"""

from __future__ import annotations

from rlreactor.links.words import Words
from rlreactor.runtime.arrivals import Arrivals

__all__ = ["Rest"]


class Rest:
    """Of one worker.

    Args:
        watched: words of the others; what changes there since `note` ends a rest.
        asleep: the word in which this worker says that it sleeps.
        bell: its eventfd.
        arrivals: what comes there ends a rest too.
        looks: before it sleeps; 0 where others may want the core.

    Attributes:
        sleeps: how often it has slept.
    """

    sleeps: int

    def __init__(self, watched: tuple[Words, ...], asleep: Words, bell: int, arrivals: Arrivals, looks: int, /) -> None:
        pass

    def note(self) -> None:
        """What changes from now on ends the rest."""
        raise NotImplementedError

    def until_news(self) -> bool:
        """Rest until anything has changed or come, or somebody rings; False: nothing did for a while."""
        raise NotImplementedError
