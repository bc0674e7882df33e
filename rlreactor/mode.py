"""Modes: parts of a reactor of which one is active at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlreactor.errors import RunError, TopologyError
from rlreactor.execution import IDLE, Execution
from rlreactor.port import Element
from rlreactor.tag import Tag

if TYPE_CHECKING:
    from rlreactor.reactions import BoundReaction
    from rlreactor.reactor import Reactor

__all__ = ["Mode"]


class Mode(Element):
    """Reactions, timers, actions and contained reactors of a reactor that act only while the mode is active.

    What belongs to a mode says so with `mode=`; contained reactors are given to it by `contain` in `compose()`. Local
    time inside an inactive mode stands still. A reaction that lists a mode among its effects may `enter` it.

    Args:
        initial: whether the reactor starts in this mode; exactly one mode of a reactor does.
    """

    kind = "mode"

    def __init__(self, *, initial: bool = False) -> None:
        super().__init__()
        self.initial = initial
        self.contained: list[Reactor] = []
        self._attach(IDLE, frozenset())

    def _attach(self, execution: Execution, writers: frozenset[BoundReaction]) -> None:
        self._execution = execution
        self._writers = writers

    def bound(self, owner: Reactor) -> Mode:
        twin = super().bound(owner)
        twin.contained = []
        return twin

    def contain(self, *reactors: Reactor) -> None:
        """Put contained reactors into this mode; called in `compose()`."""
        for reactor in reactors:
            if reactor in self.contained:
                raise TopologyError([f"{reactor!r} is in mode {self.name} already"])
            self.contained.append(reactor)

    def enter(self, *, history: bool = False) -> None:
        """Switch to this mode one microstep from now; of several switches at one tag the last one counts.

        Args:
            history: resume where the mode was left; otherwise its timers start anew, what was pending in it is
                dropped, and fields declared with `reset` get their initial values.

        Raises RunError outside a reaction that declared the mode as an effect.
        """
        execution = self._execution
        reaction = execution.reaction
        if reaction is None:
            raise RunError(f"{self.path}: a mode is entered inside a reaction, while the topology runs")
        if reaction not in self._writers:
            raise RunError(
                f"reaction {reaction} enters {self.path} at {Tag(*execution.tag)} without having declared it; "
                f"add it to effects=[...] of the decorator at {reaction.where}"
            )
        execution.switch(self, history)
