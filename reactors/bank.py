"""Banks: learners that make every update together, wherever they are.

The learners of one worker run one after another, so none of them can wait for another. One of them makes the update for
all that are here, step by step in order of their indices; what they need of learners on other workers comes through a
`ProcessGroup`. Where all of them share a worker there is none, and torch is not loaded.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from weakref import WeakValueDictionary

from rlreactor.algos.sharing import Part, Shared
from rlreactor.reactors.invitation import Door, Invitation
from rlreactor.reactors.process_group import Bounds, BrokenOff, ProcessGroup

__all__ = ["Bank"]

Metrics = Mapping[str, float]
Update = Shared[Metrics]

_here: WeakValueDictionary[str, Bank] = WeakValueDictionary()  # of this process, by the name in the invitation


class Bank:
    """The learners of one bank that are on this worker.

    For every update all of them `bring` their part of it, then all of them call `update`, and then `outcome`.
    """

    def __init__(self, invitation: Invitation, learners: int, name: Callable[[int], str], bounds: Bounds) -> None:
        self._invitation = invitation
        self._learners = learners
        self._name = name
        self._bounds = bounds
        self._door: Door | None = None
        self._members: set[int] = set()
        self._group: ProcessGroup | None = None
        self._brought: dict[int, Update] = {}
        self._calls = 0
        self._outcomes: dict[int, Metrics | Exception] = {}

    @classmethod
    def join(
        cls, index: int, invitation: Invitation, learners: int, name: Callable[[int], str], bounds: Bounds,
        door: Door | None,
    ) -> Bank:  # fmt: skip
        """The bank of learner `index`; everybody joins before the first update."""
        bank = _here.get(invitation.bank)
        if bank is None:
            bank = _here[invitation.bank] = cls(invitation, learners, name, bounds)
        bank._members.add(index)
        bank._door = bank._door or door
        return bank

    def leave(self, index: int) -> None:
        """The last one puts everything away."""
        self._members.discard(index)
        if not self._members:
            self._put_away()

    def bring(self, index: int, update: Update) -> None:
        """What learner `index` adds to the next update."""
        self._brought[index] = update

    def update(self) -> None:
        """Make the update for all that are here, if it is the caller's turn.

        Turns go round, so that on average each spends its share of the time, as it would on a worker of its own: what
        a profile finds is what a plan needs. Raises RunError when another worker does not come.
        """
        updates, position = divmod(self._calls, len(self._members))
        self._calls += 1
        if position == updates % len(self._members):
            self._make()

    def outcome(self, index: int) -> Metrics:
        """What the update has come to for learner `index`.

        Raises what it raised, and BrokenOff where it was ended because of another learner.
        """
        outcome = self._outcomes.pop(index)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _make(self) -> None:
        """Every update of this worker, side by side."""
        updates, self._brought = dict(sorted(self._brought.items())), {}
        self._meet()  # before anything can fail: who fails leaves the group, and nobody waits for it
        try:
            parts = self._next(updates, None)
            while parts:
                parts = self._next(updates, self._gather(list(parts.values())))
        except BrokenOff as broken:
            self._break_off(updates, broken)

    def _next(self, updates: dict[int, Update], sent: list[Part] | None) -> dict[int, Part]:
        """What every learner yields next; those that have ended yield nothing. Raises BrokenOff when one fails."""
        parts: dict[int, Part] = {}
        for index, update in updates.items():
            try:
                parts[index] = update.send(sent)  # type: ignore[arg-type]  # a generator begins with None
            except StopIteration as end:
                self._outcomes[index] = end.value
            except Exception as error:
                self._outcomes[index] = error
                raise BrokenOff(f"{self._name(index)} failed") from error
        return parts

    def _gather(self, own: list[Part]) -> list[Part]:
        if self._group is None:
            return copy.deepcopy(own)  # each goes on, and overwrites its own, before the next one has read it
        return self._group.gather(own)

    def _meet(self) -> None:
        """Before the first update; where all are here, nobody has to come."""
        if len(self._members) == self._learners:
            self._close_door()
        elif self._group is None:
            here, door, self._door = sorted(self._members), self._door, None
            self._group = ProcessGroup(self._invitation, door, here, self._learners, self._name, self._bounds)

    def _break_off(self, updates: dict[int, Update], broken: BrokenOff) -> None:
        """Nothing comes of this update any more; leaving the group tells the other workers."""
        for index, update in updates.items():
            update.close()
            self._outcomes.setdefault(index, broken)
        self._put_away()

    def _put_away(self) -> None:
        if self._group is not None:
            self._group.close()
        self._group = None
        self._close_door()
        _here.pop(self._invitation.bank, None)

    def _close_door(self) -> None:
        if self._door is not None:
            self._door.close()
        self._door = None
