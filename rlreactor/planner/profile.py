"""What a short run has shown of a topology: what reactions cost, what they set, what they keep in memory.

Everything is kept by *pattern*, `actors[].collect` for every member of a bank, so that a profile still holds when the
bank gets longer. Nothing in it depends on a placement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from rlreactor.errors import PlanError, did_you_mean
from rlreactor.graph import Graph
from rlreactor.planner.flows import message_bytes
from rlreactor.planner.model import Frozen
from rlreactor.planner.names import bank_of

__all__ = ["EngineCosts", "MemoryProfile", "Profile", "ReactionProfile", "ScheduleProfile", "Wake"]

Wake = Literal["spinning", "sleeping", "shared"]


class ReactionProfile(Frozen):
    """One reaction of every member of a bank.

    Attributes:
        runs: how often it ran while it was measured, all members together.
        seconds: mean time of a run; 0 where it never ran again after the start.
        sets: how many values a run sets, by pattern of the port: 1 at every run, 0.5 at every second.
    """

    runs: int
    seconds: float
    sets: dict[str, float] = Field(default_factory=dict[str, float])


class ScheduleProfile(Frozen):
    """An action of every member of a bank.

    Attributes:
        rate: how many events come of a run of the reactions that schedule it.
        delay: mean logical time in ns from that run to the event.
    """

    rate: float
    delay: int


class MemoryProfile(Frozen):
    """What the reactors of one pattern keep in memory of their own.

    Attributes:
        shared: bytes that the first of them on a worker needs, most of all libraries.
        each: bytes that every one needs.
    """

    shared: int = 0
    each: int = 0


class EngineCosts(Frozen):
    """What the engine takes between workers on this machine, in seconds, measured with reactions that do nothing.

    Attributes:
        passing: the accounts of a worker with links for a tag at which it need not wait.
        waiting: the same for a tag at which it waits; no message waits for them.
        notice: telling others that a reaction has run.
        message: sending a message and reading it, half of it on either side.
        spinning: how long a message is under way to a reader that spins.
        sleeping: the same to a reader that sleeps on another core.
        shared: the same to one that takes turns with others on its core.
        unevenness: by how much the pace of a core swings about its mean: what takes 1 takes 1 - u at some tags and
            1 + u at others. Nothing is lost by it but where cores wait for each other: then the slower one counts.
    """

    passing: float
    waiting: float
    notice: float
    message: float
    spinning: float
    sleeping: float
    shared: float
    unevenness: float = Field(default=0.0, ge=0.0, lt=1.0)

    def hop(self, kind: Wake) -> float:
        """Seconds from a send until a reader that waits in this manner goes on."""
        return {"spinning": self.spinning, "sleeping": self.sleeping, "shared": self.shared}[kind]


class Profile(Frozen):
    """What `rlreactor plan --profile` measures, on which predictions rest.

    Attributes:
        topology: class path of what was measured.
        processor: on which kind of machine.
        tags: how many tags were measured.
        overhead: seconds that the scheduler takes for one run of a reaction, in one worker.
        engine: what links cost.
        base_bytes: resident memory of a worker before its reactors start.
        caller_bytes: that of the process that made the profile, in which a single worker runs.
        reactions: by pattern, and by path for members of a bank that are unlike the others.
        actions, memory: by pattern.
        message_bytes: mean size of a message, by pattern of the port, where the spec does not fix it.
    """

    topology: str
    processor: str
    tags: int
    overhead: float
    engine: EngineCosts
    base_bytes: int
    caller_bytes: int
    reactions: dict[str, ReactionProfile]
    actions: dict[str, ScheduleProfile] = Field(default_factory=dict[str, ScheduleProfile])
    memory: dict[str, MemoryProfile] = Field(default_factory=dict[str, MemoryProfile])
    message_bytes: dict[str, float] = Field(default_factory=dict[str, float])

    def reaction(self, path: str) -> ReactionProfile:
        """What is known of the reaction at `path`. Raises PlanError where it was not measured."""
        pattern = path if path in self.reactions else bank_of(path)
        if pattern not in self.reactions:
            hint = did_you_mean(pattern, self.reactions)
            raise PlanError(
                f"the profile of {self.topology} has no reaction {pattern!r}; {hint}; measure again with --profile"
            )
        return self.reactions[pattern]

    def action(self, path: str) -> ScheduleProfile | None:
        """How the action at `path` was scheduled; None where it never was."""
        return self.actions.get(bank_of(path))

    def bytes_of(self, graph: Graph, port: str) -> float:
        """Bytes of a message from this port."""
        return graph.ports[port].spec.nbytes or self.message_bytes.get(bank_of(port)) or message_bytes(graph, port)

    def resident(self, reactors: Iterable[str], *, alone: bool = False) -> int:
        """Bytes that a worker with these reactors keeps resident, shared memory left aside.

        A single worker (`alone`) runs in the caller's process and adds to what that has.

        Libraries are loaded once for all who need them, so only the largest set of them counts.
        """
        known = [self.memory[pattern] for pattern in map(bank_of, reactors) if pattern in self.memory]
        libraries = max((memory.shared for memory in known), default=0)
        base = self.caller_bytes if alone else self.base_bytes
        return base + libraries + sum(memory.each for memory in known)
