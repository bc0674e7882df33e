"""Sequences: the reactions that may run at a tag, as straight-line code.

Which events start a tag decides which reactions can run at it and in which order: the graph is fixed. For a set of
events that comes again and again, that order is written down once as a Python function, in which a reaction costs a
test and a call instead of its way through a heap. Two reactions of one timer become

    def sequence():
        execution.reaction = reaction_0  # a.count
        method_0()
        if cell_0.present:
            execution.reaction = reaction_1  # b.add
            method_1()
        execution.reaction = None

What it saves over the loop of the scheduler, per reaction: a push and a pop of the heap (60 ns), two writes to the
table of queued reactions (40 ns), the loops over triggered ranks (50 ns) and a call between (40 ns).
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rlreactor.access import Cell
from rlreactor.scheduler.outlet import Outlet
from rlreactor.scheduler.queue import Events
from rlreactor.scheduler.steady import start_of

if TYPE_CHECKING:
    from rlreactor.scheduler.scheduler import Scheduler

__all__ = ["Sequence", "Sequences"]

Sequence = Callable[[], bool | None]
"""Runs the reactions of the current tag. True: interrupted while it waited for another worker."""

warm_up = 32  # how often a set of events has to start a tag before its sequence is written
_MOST_SETS = 1024  # sets that are watched; a program with more of them has no steady state
_DENSITY = 4  # one reaction in so many has to run on average: a test of those that do not is not free either


class Sequences:
    """The sequences of one worker.

    Args:
        scheduler: whose reactions they run.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.written: dict[object, Sequence | None] = {}
        self._seen: dict[object, tuple[int, int]] = {}  # how often, and how many reactions ran in all
        self._enabled = scheduler.binding.modes.scopes == {}

    def find(self, events: Events) -> Sequence | None:
        """The sequence of a tag that begins with `events`; None if it has none (yet)."""
        return self.written.get(start_of(events))

    def note(self, events: Events, ran: int) -> None:
        """A tag that begins with `events` went through the scheduler's own loop, and `ran` reactions ran."""
        key = start_of(events)
        if not self._enabled or key in self.written:
            return
        times, before = self._seen.get(key, (0, 0))
        if times < warm_up:
            if times or len(self._seen) < _MOST_SETS:
                self._seen[key] = times + 1, before + ran
            return
        ranks = self._scheduler.binding.reachable(target for target, _ in events)
        dense = len(ranks) * times <= _DENSITY * before
        self.written[key] = written(self._scheduler, events, ranks) if dense else None


def written(scheduler: Scheduler, events: Events, ranks: Iterable[int]) -> Sequence:
    """The sequence of a tag that begins with `events` and at which nothing but `ranks` can run."""
    return _Writer(scheduler, {rank for target, _ in events for rank in target.ranks}, sorted(ranks)).sequence()


class _Writer:
    """Writes one sequence down."""

    def __init__(self, scheduler: Scheduler, started: set[int], ranks: list[int]) -> None:
        self._scheduler = scheduler
        self._started = started
        self._ranks = ranks
        self._names: dict[str, Any] = {"execution": scheduler.binding.execution, "is_late": scheduler.is_late}
        self._cells: dict[int, str] = {}
        self._lines: list[str] = []

    def sequence(self) -> Sequence:
        neighbours = self._scheduler.neighbours
        if neighbours is None:
            for rank in self._ranks:
                self._reaction(rank)
        else:
            passage = neighbours.passage
            self._names |= {"at_gate": passage.at_gate, "done": passage.done}
            self._names |= {"send": neighbours.send, "enter": neighbours.enter}
            self._linked(neighbours.gates, neighbours.announced)
        self._lines.append("execution.reaction = None")
        return self._compiled()

    def _compiled(self) -> Sequence:
        body = "".join(f"    {line}\n" for line in self._lines)
        source = f"def sequence():\n{body}"
        name = f"{__file__}:{hash(source):x}"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # for tracebacks
        exec(compile(source, name, "exec"), self._names)
        sequence: Sequence = self._names["sequence"]
        return sequence

    def _linked(self, gates: Iterable[int], announced: Iterable[int]) -> None:
        """Gates come before the reaction that they guard; a port is sent after the last one that may set it."""
        binding = self._scheduler.binding
        effects = {effect for rank in self._ranks for effect in binding.graph.reactions[rank].effects}
        outlets = [outlet for path, outlet in binding.outlets.items() if outlet.remote and path in effects]
        steps: list[tuple[int, int, Any]] = [(rank, 0, None) for rank in gates]
        steps += [(rank, 1, None) for rank in self._ranks]
        steps += [(outlet.last_writer, 2, outlet) for outlet in outlets]
        last = max((rank for rank, _, _ in steps), default=0)  # what comes after that is the promise of the next tag
        steps += [(rank, 3, None) for rank in announced if rank < last]
        steps.sort(key=lambda step: step[:2])
        for rank, kind, outlet in steps:
            if kind == 0:
                self._lines += ["execution.reaction = None", f"if not at_gate({rank}): return True"]
            elif kind == 1:
                self._reaction(rank)
            elif kind == 2:
                self._send(outlet)
            else:
                self._lines += ["execution.reaction = None", f"done({rank})"]

    def _send(self, outlet: Outlet) -> None:
        name = self._named(f"outlet_{outlet.index}", outlet)
        self._lines += [f"if {self._cell(outlet.cell)}.present:", "    execution.reaction = None", f"    send({name})"]

    def _reaction(self, rank: int) -> None:
        reaction = self._scheduler.binding.reactions[rank]
        assert reaction is not None
        name = self._named(f"reaction_{rank}", reaction)
        method = self._named(f"method_{rank}", reaction.method)
        lines = [f"execution.reaction = {name}  # {reaction.path}"]
        neighbours = self._scheduler.neighbours
        if neighbours is not None and neighbours.is_told:
            lines.append(f"enter({rank})")
        if self._scheduler.before_reaction is not None:
            self._names["before"] = self._scheduler.before_reaction
            lines.append(f"before({name})")
        if reaction.deadline is None:
            lines.append(f"{method}()")
        else:
            handler = self._named(f"late_{rank}", reaction.late)
            lines.append(f"({handler} if is_late({name}) else {method})()")
        self._when(rank, lines)

    def _when(self, rank: int, lines: list[str]) -> None:
        """These lines where the reaction of `rank` runs: always, or if one of its triggers is present."""
        if rank not in self._started:
            present = " or ".join(f"{self._cell(cell)}.present" for cell in self._scheduler.binding.triggers[rank])
            self._lines.append(f"if {present}:")
            lines = [f"    {line}" for line in lines]
        self._lines += lines

    def _cell(self, cell: Cell) -> str:
        name = self._cells.setdefault(id(cell), f"cell_{len(self._cells)}")
        return self._named(name, cell)

    def _named(self, name: str, value: Any) -> str:
        self._names[name] = value
        return name
