"""The loop of one worker: take the next tag, run its reactions in order, hand on what they set."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from heapq import heappop
from typing import Any, Protocol

from rlreactor.errors import AbsentError, LinkError, RunError, SpecError
from rlreactor.execution import Execution
from rlreactor.port import Port
from rlreactor.reactions import BoundReaction
from rlreactor.scheduler.binding import Binding, Outlet
from rlreactor.scheduler.clock import Clock
from rlreactor.scheduler.queue import Target
from rlreactor.tag import FOREVER, Tag

__all__ = ["Neighbours", "ReactionFailure", "Scheduler"]


class ReactionFailure(RunError):
    """A reaction raised: which, at which tag, with the user's traceback.

    Where the reaction broke a rule of rlreactor itself, the failure is also an error of that kind: a RunError that
    can be caught as SpecError or AbsentError, on every placement.
    """

    def __init__(self, path: str, tag: Tag, kind: str, text: str, user_traceback: str) -> None:
        self.path = path
        self.tag = tag
        self.kind = kind
        self.text = text
        self.user_traceback = user_traceback
        super().__init__(f"reaction {path} failed at {tag}: {kind}: {text}\n{user_traceback.rstrip()}")

    @staticmethod
    def of(reaction: BoundReaction, tag: Tag, error: BaseException) -> ReactionFailure:
        """The failure that `error` is, its traceback cut down to the user's own frames."""
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
            frames = frames.tb_next
        lines = traceback.format_exception(type(error), error, frames)
        return ReactionFailure.named(str(reaction), tag, type(error).__name__, str(error), "".join(lines))

    @staticmethod
    def named(path: str, tag: Tag, kind: str, text: str, user_traceback: str) -> ReactionFailure:
        """A failure from its parts, as another worker reports it."""
        own = {"SpecError": SpecFailure, "AbsentError": AbsentFailure, "LinkError": LinkFailure}
        return own.get(kind, ReactionFailure)(path, tag, kind, text, user_traceback)


class SpecFailure(ReactionFailure, SpecError):
    """A reaction set a value that does not fit its port."""


class AbsentFailure(ReactionFailure, AbsentError):
    """A reaction read a port that carried nothing."""


class LinkFailure(ReactionFailure, LinkError):
    """A link failed under a reaction."""


class Neighbours(Protocol):
    """The other workers, as a scheduler sees them."""

    gates: tuple[int, ...]  # ranks of local reactions that read other workers' ports

    def before(self, tag: Callable[[], Tag]) -> bool:
        """Wait until nothing can arrive before `tag()`, which falls when messages come in. False: interrupted."""
        ...

    def at_gate(self, rank: int) -> bool:
        """Wait until everything that the reaction of `rank` reads is known at the current tag. False: interrupted."""
        ...

    def send(self, port: Port[Any], outlet: Outlet) -> None:
        """Send a port's value to the workers that read it."""
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
        self.stop = FOREVER if timeout is None else Tag(timeout, 0)
        self.last = Tag(0, -1)  # the last tag that was processed
        self.tags = 0
        self.interrupted = False
        self.before_reaction: Callable[[BoundReaction], None] | None = None
        execution = binding.execution
        execution.schedule = self._schedule
        execution.request_stop = self._request_stop
        execution.clock = clock.now

    def run(self) -> Tag:
        """Process tags until the program stops; returns the last one.

        Raises ReactionFailure when a reaction raises. After `interrupted` was set it returns at the next tag boundary.
        """
        process = self._process_alone if self.neighbours is None else self._process_linked
        while not self.interrupted and self.last != self.stop:
            tag = self._next()
            if tag is None:
                break
            process(tag)
            self.last = tag
            self.tags += 1
        return self.last

    # Which tag comes next

    def candidate(self) -> Tag:
        """The tag this worker would process next, if nothing earlier arrives."""
        return min(self.binding.queue.head, self.stop)

    def starved(self, last: Tag) -> None:
        """Nothing is queued anywhere; `last` was the last tag of the whole program."""
        self.stop_by(Tag(last.time, last.microstep + 1))

    def stop_by(self, tag: Tag) -> None:
        """Stop at `tag`, unless the program stops earlier."""
        self.stop = min(self.stop, tag)

    def _next(self) -> Tag | None:
        while not self.interrupted:
            if self.neighbours is not None and not self.neighbours.before(self.candidate):
                return None
            if self.neighbours is None and self.binding.queue.head == FOREVER:
                self.starved(self.last)
            tag = self.candidate()
            pause = self.clock.pause(tag) if self.binding.queue.head != FOREVER else 0
            if pause <= 0:
                return tag
            self.clock.sleep(pause)
        return None

    def _schedule(self, tag: Tag, target: Target, stored: Any, *, replace: bool = False, remove: bool = False) -> None:
        queue = self.binding.queue
        if replace:
            queue.replace(tag, target, stored)
        elif remove:
            queue.remove(tag, target)
        elif self.binding.execution.tag < self.stop:
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
        for target, stored in self.binding.queue.pop(tag):
            target.fire(stored, execution)
        if tag == self.stop:
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
                if not neighbours.at_gate(gate):
                    self.interrupted = True
                    return
                gate = next(gates, None)
                continue
            rank = heappop(ready)
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
                    if tag < self.stop:
                        push(delay.added_to(tag), group, cell.value)
            execution.written.clear()
        if execution.present:
            for cell in execution.present:
                cell.present = False
            execution.present.clear()
