"""The other workers, as a scheduler sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rlreactor.scheduler.outlet import Outlet
from rlreactor.tag import Point

__all__ = ["Neighbours", "Passage"]


class Passage(Protocol):
    """What is asked and told at every tag."""

    def clear(self, tag: Point, /) -> bool:
        """Whether `tag` may start by what is known already, without a look at anybody."""
        ...

    def approach(self) -> bool:
        """Whether anything has come, at once or within a moment, that may let a tag start or bring an earlier one."""
        ...

    def at_gate(self, rank: int, /) -> bool:
        """Wait until everything that the reaction of `rank` reads is known at the current tag. False: interrupted."""
        ...

    def done(self, rank: int, /) -> None:
        """Every reaction up to `rank`, which is announced, has run at the current tag."""
        ...

    def reacted(self) -> None:
        """Every reaction of the current tag has run: what they set may leave before anything else is done with it."""
        ...

    def tag_done(self) -> None:
        """The current tag is finished."""
        ...


class Neighbours(Passage, Protocol):
    """The other workers, as a scheduler sees them."""

    gates: tuple[int, ...]  # ranks of local reactions that read other workers' ports
    announced: tuple[int, ...]  # ranks of local reactions after which others may go on, in order
    is_told: bool  # by `enter` which reaction runs; if not, it looks for itself now and then
    passage: Passage  # does the same as this does, perhaps without a detour

    def before(self, tag: Callable[[], Point]) -> bool:
        """Wait until nothing can arrive before `tag()`, which falls when messages come in. False: interrupted."""
        ...

    def sleep(self, candidate: Point, duration: int) -> None:
        """Sleep for `duration` ns or until there is news; `candidate` comes next if nothing earlier does."""
        ...

    def wake(self) -> None:
        """End the sleep; from any thread."""
        ...

    @property
    def send(self) -> Callable[[Outlet], None]:
        """Sends a port's value to the workers that read it."""
        ...

    def enter(self, rank: int) -> None:
        """The reaction of `rank` runs now."""
        ...

    def stop_at(self, tag: Point) -> None:
        """A reaction of this worker asked for a stop."""
        ...
