"""Logical time: tags, delays and durations. Time is an int of nanoseconds."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FOREVER", "NO_DELAY", "TICK", "Delay", "Point", "Tag", "earlier", "moved", "ms", "ns", "sec", "us"]

TICK = 1
"""The logical step of topologies that train: one nanosecond of logical time."""


class Tag(NamedTuple):
    """A point of logical time: nanoseconds since the start, then the microstep. Totally ordered."""

    time: int
    microstep: int

    def __str__(self) -> str:
        return f"({self.time} ns, {self.microstep})"


Point = tuple[int, int]
"""A tag as the scheduler handles it: equal to the Tag of the same numbers, and made in a tenth of the time."""


def earlier(one: Point, other: Point) -> bool:
    """`one < other`, in a tenth of the time where it is compiled: no object is made for either."""
    return one[0] < other[0] or (one[0] == other[0] and one[1] < other[1])


def moved(tag: Point, origin: Point, to: Point) -> Point:
    """The tag that is as far from `to` as `tag` is from `origin`."""
    time, microstep = tag
    if time == origin[0]:
        microstep = max(0, to[1] + microstep - origin[1])
    return time + to[0] - origin[0], microstep


class Delay(NamedTuple):
    """What a connection adds to a tag: `time` > 0 restarts the microsteps, otherwise they are counted on.

    `physical` is empty, or the path of a port whose events get their tag from the receiver's wall clock plus `time`.
    """

    time: int
    microsteps: int
    physical: str = ""

    @staticmethod
    def of(after: int | None, physical: str = "") -> Delay:
        """The delay that `after=` means: none, one microstep (0) or a duration in ns."""
        if physical:
            return Delay(after or 0, 0, physical)
        if after is None:
            return NO_DELAY
        return Delay(after, 0) if after else Delay(0, 1)

    def then(self, later: Delay) -> Delay:
        """Two delays in a row."""
        physical = later.physical or self.physical
        if later.time:
            return Delay(self.time + later.time, later.microsteps, physical)
        return Delay(self.time, self.microsteps + later.microsteps, physical)

    def added_to(self, tag: Point) -> Point:
        """The tag at which something sent at `tag` arrives."""
        if self.time:
            return tag[0] + self.time, self.microsteps
        return tag[0], tag[1] + self.microsteps


NO_DELAY = Delay(0, 0)
FOREVER = Tag(2**63 - 1, 0)
"""Later than every tag of a run."""


def _duration(amount: float, unit: int, name: str) -> int:
    exact = round(amount * unit)
    if abs(exact - amount * unit) > 1e-3:
        raise ValueError(f"{name}({amount!r}) is not a whole number of nanoseconds")
    return exact


def ns(amount: int) -> int:
    """Nanoseconds, the unit of logical time."""
    return _duration(amount, 1, "ns")


def us(amount: float) -> int:
    """Microseconds as nanoseconds."""
    return _duration(amount, 1_000, "us")


def ms(amount: float) -> int:
    """Milliseconds as nanoseconds."""
    return _duration(amount, 1_000_000, "ms")


def sec(amount: float) -> int:
    """Seconds as nanoseconds."""
    return _duration(amount, 1_000_000_000, "sec")
