"""Updates that several learners share: each has a share of the data, and all of them take the same steps.

An update is a generator. Where a learner needs what all of them have, it yields its own part, and is sent the parts of
all in order of their indices. Who carries them is decided elsewhere. What comes of them is decided here, by arithmetic
in a fixed order: floating point addition is not associative, and the order in which a network adds up (as all-reduce
does) depends on how many processes there are, and on who is whose neighbour.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Part: TypeAlias = Any
"""An array, or a tensor on the learner's device: of equal shape and dtype from every learner."""

Shared: TypeAlias = Generator[Part, Sequence[Part], T]
"""Something to be done together that comes to a T, the same one for all."""


@dataclass(frozen=True, slots=True)
class Share:
    """Whose share this is: that of learner `index` among `of`."""

    index: int = 0
    of: int = 1

    def parts(self, own: Part) -> Shared[Sequence[Part]]:
        """The parts of all, in order of their indices; of a learner that is alone, its own."""
        if self.of == 1:
            return [own]
        return (yield own)

    def portion(self, name: str, total: int) -> int:
        """The same part of `total` for everybody. Raises ValueError."""
        if total % self.of:
            raise ValueError(f"{name}: expected a multiple of the {self.of} learners that share it, received {total}")
        return total // self.of


ALONE = Share()


def mean_in_order(parts: Sequence[Part]) -> Part:
    """The mean of `parts`, added up from the first to the last; a new array unless there is but one.

    Every learner does this for itself, from the same bits: additions and one division, which IEEE 754 defines to the
    last bit, on processors and GPUs alike.
    """
    if len(parts) == 1:
        return parts[0]
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    total /= len(parts)
    return total


def outcome(shared: Shared[T]) -> T:
    """What `shared` comes to where nothing has to be exchanged, because the learner is alone."""
    try:
        next(shared)
    except StopIteration as end:
        result: T = end.value
        return result
    raise ValueError("a learner that is not alone needs the parts of the others")
