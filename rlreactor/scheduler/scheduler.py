"""The loop of one worker: take the next tag, run its reactions in order, hand on what they set."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from heapq import heappop
from typing import Any, Protocol

from rlreactor.action import Action
from rlreactor.errors import AbsentError, LinkError, RunError, SpecError
from rlreactor.execution import Execution
from rlreactor.port import Port
from rlreactor.reactions import BoundReaction
from rlreactor.scheduler.binding import Binding, Outlet
from rlreactor.scheduler.clock import Clock
from rlreactor.scheduler.inbox import Inbox
from rlreactor.scheduler.queue import Target
from rlreactor.source import is_engine_file
from rlreactor.tag import FOREVER, Tag

__all__ = ["Neighbours", "ReactionFailure", "Scheduler"]


LONGEST_SLEEP = 50_000_000  # ns; a sleeping worker looks up this often to see whether it was told to stop


class ReactionFailure(RunError):
    """A reaction raised: which, at which tag, with the user's traceback.

    Where the reaction broke a rule of rlreactor itself, the failure is also an error of that kind: a RunError that
    can be caught as SpecError or AbsentError, on every placement.
    """

    def __init__(self, path: str, tag: Tag, kind: str, text: str, user_traceback: str, rank: int = 0) -> None:
        self.path = path
        self.tag = tag
        self.rank = rank
        self.kind = kind
        self.text = text
        self.user_traceback = user_traceback
        self.headline = f"reaction {path} failed at {tag}: {kind}: {text}"
        super().__init__(f"{self.headline}\n{user_traceback}".rstrip())

    @staticmethod
    def of(reaction: BoundReaction, tag: Tag, error: BaseException) -> ReactionFailure:
        """The failure that `error` is, with the frames of its traceback that are the user's own."""
        user = [f for f in traceback.extract_tb(error.__traceback__) if not is_engine_file(f.filename)]
        frames = "".join(["Traceback (most recent call last):\n", *traceback.format_list(user)]) if user else ""
        earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if earlier is not None:  # a story of several: tell the whole
            frames = "".join(traceback.format_exception(error))
        return ReactionFailure.named(str(reaction), tag, type(error).__name__, str(error), frames, reaction.rank)

    @staticmethod
    def named(path: str, tag: Tag, kind: str, text: str, user_traceback: str, rank: int) -> ReactionFailure:
        """A failure from its parts, as another worker reports it."""
        own = {"SpecError": SpecFailure, "AbsentError": AbsentFailure, "LinkError": LinkFailure}
        return own.get(kind, ReactionFailure)(path, tag, kind, text, user_traceback, rank)


class SpecFailure(ReactionFailure, SpecError):
    """A reaction set a value that does not fit its port."""


class AbsentFailure(ReactionFailure, AbsentError):
    """A reaction read a port that carried nothing."""


class LinkFailure(ReactionFailure, LinkError):
    """A link failed under a reaction."""


for _failure in (ReactionFailure, SpecFailure, AbsentFailure, LinkFailure):
    _failure.__module__ = "rlreactor"  # what a traceback calls it: a RunError of rlreactor
    _failure.__qualname__ = "RunError"


class Neighbours(Protocol):
    """The other workers, as a scheduler sees them."""

    gates: tuple[int, ...]  # ranks of local reactions that read other workers' ports

    def clear(self, tag: Tag) -> bool:
        """Whether `tag` may start by what is known already, without a look at anybody."""
        ...

    def before(self, tag: Callable[[], Tag]) -> bool:
        """Wait until nothing can arrive before `tag()`, which falls when messages come in. False: interrupted."""
        ...

    def sleep(self, candidate: Tag, duration: int) -> None:
        """Sleep for `duration` ns or until there is news; `candidate` comes next if nothing earlier does."""
        ...

    def wake(self) -> None:
        """End the sleep; from any thread."""
        ...

    def at_gate(self, rank: int) -> bool:
        """Wait until everything that the reaction of `rank` reads is known at the current tag. False: interrupted."""
        ...

    def send(self, port: Port[Any], outlet: Outlet) -> None:
        """Send a port's value to the workers that read it."""
        ...

    def enter(self, rank: int) -> None:
        """The reaction of `rank` runs now."""
        ...

    def done(self, rank: int) -> None:
        """Every reaction up to `rank` has run at the current tag."""
        ...

    def tag_done(self) -> None:
        """The current tag is finished."""
        ...

    def stop_at(self, tag: Tag) -> None:
        """A reaction of this worker asked for a stop."""
        ...


class Scheduler:
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
        self.binding = binding
        self.clock = clock
        self.neighbours = neighbours
        self.timeout = FOREVER if timeout is None else Tag(timeout, 0)
        self.stop = self.timeout
        self.last = Tag(0, -1)  # the last tag that was processed
        self.tags = 0
        self.interrupted = False
        self._modes = binding.modes if binding.modes.scopes else None
        self._queue = binding.queue
        self.keepalive = binding.graph.keepalive
        self.inbox = Inbox(clock.now, clock.wake if neighbours is None else neighbours.wake)
        self.before_reaction: Callable[[BoundReaction], None] | None = None
        execution = binding.execution
        execution.schedule = self._schedule
        execution.request_stop = self._request_stop
        execution.clock = clock.now
        execution.inbox = self.inbox

    def run(self) -> Tag:
        """Process tags until the program stops; returns the last one.

        Raises ReactionFailure when a reaction raises. After `interrupted` was set it returns at the next tag boundary.
        """
        self.binding.execution.thread = threading.get_ident()
        process = self._process_alone if self.neighbours is None else self._process_linked
        following = self._next_paced if self.clock.paced else self._next_unpaced
        while not self.interrupted and self.last != self.stop:
            tag = following()
            if tag is None:
                break
            process(tag)
            self.last = tag
            self.tags += 1
        self.inbox.closed = True
        return self.last

    # Which tag comes next

    def candidate(self) -> Tag:
        """The tag this worker would process next, if nothing earlier arrives."""
        head, stop = self._queue.head, self.stop
        return head if head < stop else stop

    def starved(self, last: Tag) -> None:
        """Nothing is queued anywhere; `last` was the last tag of the whole program."""
        self.stop_by(Tag(last.time, last.microstep + 1))

    def stop_by(self, tag: Tag) -> None:
        """Stop at `tag`, unless the program stops earlier."""
        self.stop = min(self.stop, tag)

    def take_in(self) -> int:
        """Queue what came from outside; returns a wall-clock time that everything still to come lies after."""
        events, now = self.inbox.take()
        for event in events:
            self._admit(max(event.tag, self._successor()), event.target, event.stored)
        return now

    def _admit(self, tag: Tag, target: Any, stored: Any) -> None:
        if isinstance(target, Action):
            target.admit(tag, stored)
        else:
            self.binding.queue.push(tag, target, stored)

    def _successor(self) -> Tag:
        """The earliest tag that has not been begun."""
        last = max(self.last, self.binding.execution.tag) if self.tags else self.last
        return Tag(last.time, last.microstep + 1)

    def _next_unpaced(self) -> Tag | None:
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

    def _next_paced(self) -> Tag | None:
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
        return tag.time - now if tag.time else 0

    def _sleep(self, pause: int) -> None:
        pause = min(pause, LONGEST_SLEEP)
        if self.neighbours is not None:
            self.neighbours.sleep(self.candidate(), pause)
        else:
            self.clock.sleep(pause)

    def _schedule(self, tag: Tag, target: Target, stored: Any, *, replace: bool = False, remove: bool = False) -> None:
        if self.binding.execution.tag >= self.stop:
            return  # what shutdown reactions schedule is ignored
        queue = self.binding.queue
        if replace:
            queue.replace(tag, target, stored)
        elif remove:
            queue.remove(tag, target)
        else:
            queue.push(tag, target, stored)

    def _request_stop(self) -> None:
        execution = self.binding.execution
        tag = Tag(execution.tag.time, execution.tag.microstep + 1)
        if execution.tag < self.stop:
            self.stop_by(tag)
            if self.neighbours is not None:
                self.neighbours.stop_at(tag)

    # One tag

    def _begin(self, tag: Tag) -> Execution:
        execution = self.binding.execution
        execution.tag = tag
        events = self.binding.queue.pop(tag)
        if self._modes is not None:
            events = self._modes.begin(events, tag)
        for target, stored in events:
            target.fire(stored, execution)
        if tag == self.stop:
            if self._modes is not None:
                self._modes.before_shutdown()
            self.binding.shutdown.fire(None, execution)
        return execution

    def _process_alone(self, tag: Tag) -> None:
        execution = self._begin(tag)
        ready = execution.ready
        while ready:
            self._react(heappop(ready), execution)
        self._finish(execution)

    def _process_linked(self, tag: Tag) -> None:
        execution = self._begin(tag)
        neighbours = self.neighbours
        assert neighbours is not None
        ready = execution.ready
        gates = iter(neighbours.gates)
        gate = next(gates, None)
        while ready or gate is not None:
            if gate is not None and (not ready or gate <= ready[0]):
                self._send(gate - 1, execution)  # what waiting here promises to be sent
                if not neighbours.at_gate(gate):
                    self.interrupted = True
                    return
                gate = next(gates, None)
                continue
            rank = heappop(ready)
            neighbours.enter(rank)
            self._react(rank, execution)
            self._send(rank, execution)
            if ready or gate is not None:
                neighbours.done(rank)
        self._send(len(self.binding.reactions), execution)
        self._finish(execution)
        neighbours.tag_done()

    def _react(self, rank: int, execution: Execution) -> None:
        reaction = self.binding.reactions[rank]
        assert reaction is not None
        execution.queued[rank] = 0
        method = reaction.method
        if reaction.deadline is not None and self._is_late(reaction, execution.tag):
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

    def _is_late(self, reaction: BoundReaction, tag: Tag) -> bool:
        assert reaction.deadline is not None
        return reaction.deadline == 0 or self.clock.now() > tag.time + reaction.deadline

    def _send(self, rank: int, execution: Execution) -> None:
        """Send what is final: no reaction after `rank` may set it again."""
        assert self.neighbours is not None
        for port in execution.written:
            outlet = port.outlet
            if outlet.remote and not outlet.sent and outlet.last_writer <= rank:
                outlet.sent = True
                self.neighbours.send(port, outlet)

    def _finish(self, execution: Execution) -> None:
        tag = execution.tag
        if execution.written:
            push = self.binding.queue.push
            for port in execution.written:
                cell, outlet = port._cell, port.outlet
                cell.present = False
                outlet.sent = False
                if outlet.recorder.active:
                    outlet.recorder.record(tag, cell.value)
                for delay, group in outlet.delayed:
                    if delay.physical:
                        self.inbox.put(group, cell.value, delay.time)
                    elif tag < self.stop:
                        push(delay.added_to(tag), group, cell.value)
            execution.written.clear()
        if execution.present:
            for cell in execution.present:
                cell.present = False
            execution.present.clear()
