"""The loop of one worker: take the next tag, run its reactions in order, hand on what they set."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop
from typing import Any

from rlreactor.action import Action
from rlreactor.execution import Execution
from rlreactor.reactions import BoundReaction
from rlreactor.scheduler.binding import Binding
from rlreactor.scheduler.clock import Clock
from rlreactor.scheduler.failure import ReactionFailure
from rlreactor.scheduler.inbox import Inbox
from rlreactor.scheduler.neighbours import Neighbours
from rlreactor.scheduler.outlet import Outlet
from rlreactor.scheduler.queue import Events, Target
from rlreactor.scheduler.sequence import Sequence, Sequences
from rlreactor.scheduler.steady import SteadyLoop
from rlreactor.tag import FOREVER, Point, Tag

__all__ = ["IsLate", "Scheduler"]

IsLate = Callable[[BoundReaction], bool]
"""Whether the deadline of a reaction is missed at the current tag."""

NOWHERE = FOREVER.time + 1  # a logical time that is never reached
LONGEST_SLEEP = 50_000_000  # ns; a sleeping worker looks up this often to see whether it was told to stop


class Scheduler(SteadyLoop):
    """Runs one worker's share of a graph from tag (0, 0) to the stop.

    Args:
        binding: the reactors of this worker.
        clock: paces logical time.
        timeout: ns of logical time after which the program stops; None runs until it stops by itself.
        neighbours: the other workers; None when there are none.
    """

    def __init__(
        self, binding: Binding, clock: Clock, timeout: int | None = None, neighbours: Neighbours | None = None
    ) -> None:
        super().__init__()
        self.binding = binding
        self.clock = clock
        self.neighbours = neighbours
        self.timeout: Point = FOREVER if timeout is None else (timeout, 0)
        self.stop = self.timeout
        self._boundary = NOWHERE
        self._at_boundary: Callable[[], None] = _nothing
        self._bound = self.stop  # whichever of the two comes first
        self._calls: deque[Callable[[], None]] = deque()
        self.interrupted = False
        self._modes = binding.modes if binding.modes.scopes else None
        self._queue = binding.queue
        self._push = binding.queue.push if self._modes is None else self._modes.push
        self._execution = binding.execution
        self.keepalive = binding.graph.keepalive
        self.inbox = Inbox(clock.now, clock.wake if neighbours is None else neighbours.wake)
        self.before_reaction: Callable[[BoundReaction], None] | None = None
        self.is_late: IsLate = self._is_late  # a replay knows it from the recording
        self._sequences = Sequences(self)
        for outlet in binding.outlets.values():
            outlet.deliver_later = self._deliver_later
        execution = binding.execution
        execution.schedule = self._schedule
        execution.request_stop = self._request_stop
        execution.clock = clock.now
        execution.inbox = self.inbox

    # From outside

    def interrupt(self) -> None:
        """Return from `run` at the next tag boundary; also from a signal handler."""
        self.interrupted = self._called = True

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have the scheduler's own thread call this between two reactions; from any thread."""
        self._calls.append(call)
        self._called = True
        if self.neighbours is None:
            self.clock.wake()
        else:
            self.neighbours.wake()

    def call_at(self, time: int, call: Callable[[], None]) -> None:
        """Call this once between two tags: when nothing can happen any more before `time`, and before what comes then.

        Only from the scheduler's own thread, one call at a time.
        """
        assert self._boundary == NOWHERE
        self._boundary, self._at_boundary = time, call
        self._bound = min(self.stop, (time, 0))

    def make(self, ranks: Iterable[int]) -> None:
        """Run reactions between two tags for what they make: whatever they set, schedule or log is ignored.

        Raises ReactionFailure.
        """
        execution = self._execution
        kept = execution.schedule, execution.request_stop, execution.switch, execution.log
        execution.schedule = execution.request_stop = execution.switch = execution.log = _ignore
        try:
            for rank in ranks:
                self._react(rank, execution)
        finally:
            execution.schedule, execution.request_stop, execution.switch, execution.log = kept
            for cell in execution.present:
                cell.present = False
            execution.present.clear()

    @property
    def is_called_at(self) -> bool:
        """Whether a call that `call_at` was given is still to come."""
        return self._boundary != NOWHERE

    def run(self) -> Tag:
        """Process tags until the program stops; returns the last one.

        Raises ReactionFailure when a reaction raises. After `interrupted` was set it returns at the next tag boundary.
        """
        self._execution.thread = threading.get_ident()
        following = self._next_paced if self.clock.paced else self._next_unpaced
        free = not self.clock.paced
        while not self.interrupted and self.last != self.stop:
            if free:
                self._run_free()
            tag = following()
            if tag is None:
                break
            if tag[0] >= self._boundary:
                self._pass_boundary()
                continue
            if free and self._is_usual(tag):  # but for the wait before it
                continue
            self._process(tag)
            self.last = tag
            self.tags += 1
        self.inbox.closed = True
        return Tag(*self.last)

    def _run_free(self) -> None:
        """Process tags for as long as their sequences are written and nobody has to be waited for before they start."""
        try:
            passage = None if self.neighbours is None else self.neighbours.passage
            if self._run_steadily(self._queue, self._execution, self._sequences.written, passage):
                self.interrupt()
        except Exception as error:
            raise self._failure(error) from error

    def _is_usual(self, tag: Point) -> bool:
        """Whether `_run_free` can process `tag`, which nothing can arrive before."""
        events = self._queue.first
        if tag != self._queue.head or tag >= self._bound or self._sequences.find(events) is None:
            return False
        return self.neighbours is None or self.neighbours.passage.clear(tag)

    def _hash(self) -> None:
        self._unhashed = 0
        for outlet in self.binding.outlets.values():
            outlet.recorder.flush()

    # Which tag comes next

    def candidate(self) -> Point:
        """The tag this worker would process next, if nothing earlier arrives."""
        if self._called:
            self._answer()
        head, bound = self._queue.head, self._bound
        return head if head < bound else bound

    def _answer(self) -> None:
        self._called = False
        if self.interrupted:  # now: a signal may have come between
            self._called = True
        while self._calls:
            self._calls.popleft()()

    def _pass_boundary(self) -> None:
        call, self._at_boundary = self._at_boundary, _nothing
        self._boundary, self._bound = NOWHERE, self.stop
        call()

    def starved(self, last: Point) -> None:
        """Nothing is queued anywhere; `last` was the last tag of the whole program."""
        self.stop_by((last[0], last[1] + 1))

    def stop_by(self, tag: Point) -> None:
        """Stop at `tag`, unless the program stops earlier."""
        self.stop = min(self.stop, tag)
        self._bound = min(self._bound, tag)

    def take_in(self) -> int:
        """Queue what came from outside; returns a wall-clock time that everything still to come lies after."""
        events, now = self.inbox.take()
        for event in events:
            self._admit(max(event.tag, self._successor()), event.target, event.stored)
        return now

    def _admit(self, tag: Point, target: Any, stored: Any) -> None:
        if isinstance(target, Action):
            target.admit(tag, stored)
        else:
            self._push(tag, target, stored)

    def _successor(self) -> Point:
        """The earliest tag that has not been begun."""
        last = max(self.last, self.binding.execution.tag) if self.tags else self.last
        return (last[0], last[1] + 1)

    def _next_unpaced(self) -> Point | None:
        """The next tag, as soon as the neighbours allow it; None when interrupted."""
        tag = self.candidate()
        neighbours = self.neighbours
        if neighbours is not None:
            if neighbours.clear(tag):
                return tag
            return self.candidate() if neighbours.before(self.candidate) else None
        if tag == self.stop and self._run_dry():
            self.starved(self.last)
        return min(tag, self.stop)

    def _next_paced(self) -> Point | None:
        """The next tag, once the wall clock has reached it; None when interrupted.

        First comes the clock, then the neighbours: those that are not there yet can still tell of something earlier
        while this worker sleeps.
        """
        while not self.interrupted:
            pause = self._pause()
            if pause > 0:
                self._sleep(pause)
            elif self.neighbours is None:
                return self.candidate()
            elif not self.neighbours.before(self.candidate):
                return None
            elif self._pause() <= 0:
                return self.candidate()
        return None

    def _run_dry(self) -> bool:
        return self.binding.queue.head == FOREVER and not self.keepalive

    def _pause(self) -> int:
        """ns to wait for the wall clock. At 0 or less, what came from outside before the next tag is queued."""
        now = self.take_in()
        if self._run_dry():  # nothing to wait for by the clock: the neighbours, if any, know how it goes on
            if self.neighbours is None:
                self.starved(self.last)
            return 0
        tag = self.candidate()
        return tag[0] - now if tag[0] else 0

    def _sleep(self, pause: int) -> None:
        pause = min(pause, LONGEST_SLEEP)
        if self.neighbours is not None:
            self.neighbours.sleep(self.candidate(), pause)
        else:
            self.clock.sleep(pause)

    def _schedule(
        self, tag: Point, target: Target, stored: Any, *, replace: bool = False, remove: bool = False
    ) -> None:
        if self.binding.execution.tag >= self.stop:
            return  # what shutdown reactions schedule is ignored
        queue = self._queue if self._modes is None else self._modes.queue_of(target)
        if replace:
            queue.replace(tag, target, stored)
        elif remove:
            queue.remove(tag, target)
        else:
            queue.push(tag, target, stored)

    def _request_stop(self) -> None:
        execution = self.binding.execution
        tag = (execution.tag[0], execution.tag[1] + 1)
        if execution.tag < self.stop:
            self.stop_by(tag)
            if self.neighbours is not None:
                self.neighbours.stop_at(tag)

    # One tag

    def _process(self, tag: Point) -> None:
        """Run everything that happens at `tag`."""
        execution = self._execution
        execution.tag = tag
        self._react_to(self._events_at(tag), execution)  # in no variable: what refers to a value keeps its slot
        if not self.interrupted:
            self._finish(execution)

    def _events_at(self, tag: Point) -> Events:
        events = self._queue.pop(tag)
        return events if self._modes is None else self._modes.begin(events, tag)

    def _react_to(self, events: Events, execution: Execution) -> None:
        for target, stored in events:
            target.fire(stored, execution)
        sequence = self._sequences.find(events) if execution.tag != self.stop else None
        if sequence is None:
            ran = self._run_ready(events, execution)
            self._sequences.note(events, ran)
        else:
            self._run_sequence(sequence)

    def _run_sequence(self, sequence: Sequence) -> None:
        try:
            if sequence():
                self.interrupt()
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Exception:
        """What to raise for `error`: the failure of the reaction that was running, if one was."""
        reaction, self._execution.reaction = self._execution.reaction, None
        return error if reaction is None else ReactionFailure.of(reaction, self._execution.tag, error)

    def _run_ready(self, events: Events, execution: Execution) -> int:
        """Run what `events` trigger, and what that triggers, in order; returns how many reactions ran."""
        for target, _ in events:
            execution.trigger_all(target.ranks)
        if execution.tag == self.stop:
            self._trigger_shutdown(execution)
        return self._run_alone(execution) if self.neighbours is None else self._run_linked(execution, self.neighbours)

    def _run_alone(self, execution: Execution) -> int:
        ready = execution.ready
        ran, seen = 0, len(execution.present)
        while ready:
            self._react(heappop(ready), execution)
            seen = execution.trigger_from(seen)
            ran += 1
        return ran

    def _run_linked(self, execution: Execution, neighbours: Neighbours) -> int:
        ready = execution.ready
        gates = iter(neighbours.gates)
        gate = next(gates, None)
        announced = iter(neighbours.announced)
        final = next(announced, None)
        ran, seen = 0, len(execution.present)
        while ready or gate is not None:
            if gate is not None and (not ready or gate <= ready[0]):
                self._send(gate - 1, execution)  # what waiting here promises to be sent
                if not neighbours.at_gate(gate):
                    self.interrupt()
                    return ran
                seen = execution.trigger_from(seen)
                gate = next(gates, None)
                continue
            rank = heappop(ready)
            while final is not None and final < rank:
                self._send(final, execution)
                neighbours.done(final)
                final = next(announced, None)
            if neighbours.is_told:
                neighbours.enter(rank)
            self._react(rank, execution)
            seen = execution.trigger_from(seen)
            ran += 1
            self._send(rank, execution)
        self._send(len(self.binding.reactions), execution)
        return ran

    def _trigger_shutdown(self, execution: Execution) -> None:
        if self._modes is not None:
            self._modes.before_shutdown()
        execution.trigger_all(self.binding.shutdown.ranks)

    def _react(self, rank: int, execution: Execution) -> None:
        reaction = self.binding.reactions[rank]
        assert reaction is not None
        execution.queued[rank] = 0
        method = reaction.method
        if reaction.deadline is not None and self.is_late(reaction):
            assert reaction.late is not None
            method = reaction.late
        if self.before_reaction is not None:
            self.before_reaction(reaction)
        execution.reaction = reaction
        try:
            method()
        except Exception as error:
            raise ReactionFailure.of(reaction, execution.tag, error) from error
        finally:
            execution.reaction = None

    def _is_late(self, reaction: BoundReaction) -> bool:
        """Whether the deadline of a reaction that is about to start has passed."""
        assert reaction.deadline is not None
        return reaction.deadline == 0 or self.clock.now() > self._execution.tag[0] + reaction.deadline

    def _send(self, rank: int, execution: Execution) -> None:
        """Send what is final: no reaction after `rank` may set it again."""
        assert self.neighbours is not None
        for cell in execution.present:
            outlet = cell.outlet
            if outlet is not None and outlet.remote and not outlet.sent and outlet.last_writer <= rank:
                outlet.sent = True
                self.neighbours.send(outlet)

    def _finish(self, execution: Execution) -> None:
        """What was set goes into the recorders and to later tags; nothing is present any more."""
        for cell in execution.present:
            cell.present = False
            if cell.outlet is not None:
                cell.outlet.sent = False
                cell.outlet.finish(execution.tag)
        execution.present.clear()
        if self.neighbours is not None:
            self.neighbours.tag_done()

    def _deliver_later(self, outlet: Outlet, tag: Point) -> None:
        value = outlet.cell.value
        for delay, group in outlet.delayed:
            if delay.physical:
                self.inbox.put(group, value, delay.time)
            elif tag < self.stop:
                self._push(delay.added_to(tag), group, value)


def _nothing() -> None:
    pass


def _ignore(*_: Any, **__: Any) -> None:
    pass
