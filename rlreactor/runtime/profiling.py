"""A short run that shows what a topology costs."""

from __future__ import annotations

import platform
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rlreactor.errors import RunError
from rlreactor.graph import Graph, check
from rlreactor.planner.groups import groups
from rlreactor.planner.machine import Machine, discover
from rlreactor.planner.names import bank_of
from rlreactor.planner.placement import plan, plan_of
from rlreactor.planner.plan import Plan
from rlreactor.planner.profile import EngineCosts, MemoryProfile, Profile, ReactionProfile, ScheduleProfile
from rlreactor.reactor import Reactor, class_path, fresh
from rlreactor.runtime.calibration import calibrate
from rlreactor.runtime.resident import resident_bytes
from rlreactor.runtime.share import Limit, Options
from rlreactor.runtime.supervisor import run_in_child, supervise

__all__ = ["profile"]

_UNLIKE = 0.3  # how far from the middle of its bank the cost of a reaction may be and still be called the same
_NOTHING_S = 5e-6  # differences below it are noise
_SURE = 3.0  # standard errors; a mean that is off by less may be so by chance
_NEVER: Mapping[str, Any] = {"runs": 0, "seconds": 0.0, "error": 0.0, "sets": {}}
_MOST_APART = 12  # workers in which memory is measured


def profile(
    topology: Reactor, *, tags: int = 2000, seconds: float = 5.0, seed: int = 0, engine: EngineCosts | None = None
) -> Profile:
    """Run a topology for a short while and measure what it costs; `plan(topology, profile=...)` predicts with that.

    It runs three times, each time in new processes: in one worker with every reaction timed, in one worker as it is,
    and with every kind of reactor in a worker of its own, for the memory.

    Args:
        topology: runs as `run(topology)` would, in fast mode.
        tags, seconds: each run ends after so many tags, or so many seconds after its start, whichever comes first.
        seed: of every reactor's `self.rng`.
        engine: of an earlier profile made on this machine; measured when not given, which takes some seconds.

    Raises:
        TopologyError: the topology breaks a rule, or has physical actions, whose events nobody can foresee.
        PlanError: it does not fit this machine.
        RunError: a reaction raised.
    """
    graph = check(fresh(topology), fast=True)
    machine = discover()
    together = plan(graph, machine, workers=1)
    limit = Limit(tags, seconds)
    timed = run_in_child(graph, together, _options(seed, limit=limit, measure=True))
    until = timed["tag"][0]
    plain = run_in_child(graph, together, _options(seed, limit=limit, timeout=until))
    memory = _memory(graph, machine, plain, _options(seed, timeout=until))
    return _profile(graph, timed, plain, memory, engine or calibrate())


def _options(seed: int, *, limit: Limit | None = None, timeout: int | None = None, measure: bool = False) -> Options:
    return Options(
        seed, fast=True, timeout=timeout, fingerprint=True, trace=False, start_ns=time.monotonic_ns(),
        measure=measure, limit=limit,
    )  # fmt: skip


def _profile(
    graph: Graph,
    timed: Mapping[str, Any],
    plain: Mapping[str, Any],
    memory: dict[str, MemoryProfile],
    engine: EngineCosts,
) -> Profile:
    reactions = _reactions(graph, timed["measured"]["reactions"])
    tags = timed["worker"]["tags"]
    recurrent = [reactions[path] for path in _recurrent(graph, reactions)]
    runs = sum(reaction.runs for reaction in recurrent) / tags
    computing = sum(reaction.runs * reaction.seconds for reaction in recurrent) / tags * _on_processor(timed)
    tick = _tick_seconds(plain, computing)
    # What timing itself takes makes small reactions look longer than they are, and so do other programs.
    scale = min(1.0, tick / computing) * _on_processor(timed) if computing else 1.0
    return Profile(
        topology=class_path(type(graph.topology)),
        processor=_processor(),
        tags=tags,
        overhead=max(0.0, tick - computing) / runs if runs else 0.0,
        engine=engine,
        base_bytes=plain["worker"]["base_bytes"],
        caller_bytes=resident_bytes(),
        reactions={p: r.model_copy(update={"seconds": r.seconds * scale}) for p, r in reactions.items()},
        actions=_actions(graph, timed["measured"]),
        memory=memory,
        message_bytes=_means(timed["measured"]["message_bytes"].items()),
    )


def _tick_seconds(plain: Mapping[str, Any], otherwise: float) -> float:
    steady = plain["worker"]["steady"]
    return steady["seconds"] * _on_processor(plain) / steady["tags"] if steady["tags"] else otherwise


def _on_processor(report: Mapping[str, Any]) -> float:
    """The part of the time in which nobody else kept the worker off the processor."""
    steady = report["worker"]["steady"]
    return max(0.0, 1 - steady["kept_off"] / steady["seconds"]) if steady["seconds"] else 1.0


def _recurrent(graph: Graph, known: Iterable[str]) -> list[str]:
    """Which of these run again and again, not only at the start or the end."""
    rare = {"startup", "shutdown"}
    again = {bank_of(node.path) for node in graph.reactions if not rare.issuperset(node.triggers)}
    return [path for path in known if bank_of(path) in again]


def _reactions(graph: Graph, measured: Mapping[str, Any]) -> dict[str, ReactionProfile]:
    """By bank, and by path where a member is unlike the others. What never ran is known to be rare, not unknown."""
    members: defaultdict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for node in graph.reactions:
        members[bank_of(node.path)][node.path] = measured.get(node.path, _NEVER)
    widths = {bank_of(node.path): Counter(map(bank_of, node.effects)) for node in graph.reactions}
    found: dict[str, ReactionProfile] = {}
    for pattern, bank in members.items():
        usual, others = _sorted_out(bank)
        found[pattern] = _mean_reaction(usual, widths[pattern])
        found |= {path: _mean_reaction([bank[path]], widths[pattern]) for path in others}
    return found


def _sorted_out(bank: Mapping[str, Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The members that cost what the middle one does, and the paths of the others."""
    middle = statistics.median(member["seconds"] for member in bank.values())
    least = _UNLIKE * middle + _NOTHING_S
    others = [
        path
        for path, own in bank.items()
        if own["runs"] > 1 and abs(own["seconds"] - middle) > max(least, _SURE * own["error"])
    ]
    return [member for path, member in bank.items() if path not in others], others


def _mean_reaction(members: list[Mapping[str, Any]], width: Counter[str]) -> ReactionProfile:
    """Values per run and port; `width` tells how many ports of a multiport a run may set."""
    runs = sum(member["runs"] for member in members)
    if not runs:
        return ReactionProfile(runs=0, seconds=0.0)
    sets: Counter[str] = Counter()
    for member in members:
        for port, count in member["sets"].items():
            sets[bank_of(port)] += count
    seconds = sum(member["runs"] * member["seconds"] for member in members) / runs
    return ReactionProfile(
        runs=runs, seconds=seconds, sets={pattern: count / runs / width[pattern] for pattern, count in sets.items()}
    )


def _actions(graph: Graph, measured: Mapping[str, Any]) -> dict[str, ScheduleProfile]:
    """Per pattern: events by the runs of those who schedule them, and the mean delay."""
    runs: Counter[str] = Counter()
    for node in graph.reactions:
        for effect in node.effects:
            runs[bank_of(effect)] += measured["reactions"].get(node.path, {"runs": 0})["runs"]
    events: Counter[str] = Counter()
    delays: defaultdict[str, float] = defaultdict(float)
    for path, seen in measured["actions"].items():
        events[bank_of(path)] += seen["events"]
        delays[bank_of(path)] += seen["delay"] * seen["events"]
    return {
        pattern: ScheduleProfile(rate=min(1.0, count / runs[pattern]), delay=round(delays[pattern] / count))
        for pattern, count in events.items()
        if runs[pattern]
    }


def _means(sizes: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for path, size in sizes:
        found[bank_of(path)].append(size)
    return {pattern: sum(own) / len(own) for pattern, own in found.items()}


def _memory(graph: Graph, machine: Machine, together: Mapping[str, Any], options: Options) -> dict[str, MemoryProfile]:
    """By pattern of the first reactor of every group, since groups stay together."""
    patterns: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for group in groups(graph, machine):
        patterns[bank_of(group.reactors[0])].append(group.reactors)
    kinds = list(patterns)[: _MOST_APART - 1]
    rest = [pattern for pattern in patterns if pattern not in kinds]
    crew = [[pattern] for pattern in kinds] + ([rest] if rest else [])
    grown_together = _grown(together["worker"])
    if len(crew) < 2:
        return {p: MemoryProfile(each=grown_together // len(patterns[p])) for own in crew for p in own}
    apart = plan_of(graph, machine, [[path for p in own for group in patterns[p] for path in group] for own in crew])
    grown = [_grown(report["worker"]) for report in _reports(graph, apart, options)]
    library = _common(grown, sum(grown) - grown_together)
    found: dict[str, MemoryProfile] = {}
    for own, bytes_grown in zip(crew, grown, strict=True):
        shared = min(bytes_grown, library)
        count = sum(len(patterns[pattern]) for pattern in own)
        found |= dict.fromkeys(own, MemoryProfile(shared=shared, each=(bytes_grown - shared) // count))
    return found


def _reports(graph: Graph, apart: Plan, options: Options) -> list[dict[str, Any]]:
    reports = supervise(graph, apart, options, lambda _: None)
    if len(reports) != len(apart.workers):
        raise RunError(f"{len(reports)} of {len(apart.workers)} workers reported")
    return reports


def _grown(worker: Mapping[str, Any]) -> int:
    return max(0, int(worker["resident_bytes"]) - int(worker["base_bytes"]))


def _common(grown: list[int], twice: int) -> int:
    """How large the libraries are that several load, from what is loaded more than once when everybody is apart.

    The least size that explains it: what only one has, however large, is no library of the others.
    """
    least, most = 0, sorted(grown)[-2]
    while least < most:
        middle = (least + most) // 2
        doubled = sum(min(bytes_grown, middle) for bytes_grown in grown) - middle
        least, most = (middle + 1, most) if doubled < twice else (least, middle)
    return least


def _processor() -> str:
    """What kind of processor this is, as far as it says."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
