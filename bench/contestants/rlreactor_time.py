"""Where rlreactor's time goes in one of the topologies of the experiments: shares of each worker's time, by kind.

Every reaction is timed, and what the timing itself takes is left out. What is neither a reaction nor waiting is the
engine: scheduler, links and, where it is on, the fingerprint.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bench.contestants.rlreactor_broadcast import Copying
from bench.contestants.rlreactor_round_trip import WithinTag
from bench.contestants.rlreactor_staleness import Staleness
from bench.contestants.rlreactor_stream import Stream
from bench.contestants.rlreactor_tag import Tags
from bench.contestants.timed_environments import STEPPING, TimedFragments, TimedOnPolicy, TimedQLearning
from bench.loads import LockStep as PlainLockStep
from bench.loads import Tiny, ppo
from rlreactor import TICK, Reactor, Result, plan, run
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies.lock_step import LockStep

__all__ = ["ENGINE", "KINDS", "LOADS", "WAITING", "WORKERS", "Load", "measure", "rows", "shares"]

WORKERS = 2
ENVIRONMENT, INFERENCE, LEARNING, OTHER = "environment", "inference", "learning", "other reactions"
ENGINE, WAITING = "links and scheduler", "waiting"
KINDS = (ENVIRONMENT, INFERENCE, LEARNING, OTHER, ENGINE, WAITING)
"""What a worker does with its time."""
ACTING = "acting"
"""Reactions that step environments and ask their policy, and tell how long the former takes."""

Seconds = Mapping[str, Any]
"""What `rlreactor.runtime.time_use` reports of a worker."""


class Load(NamedTuple):
    """A topology of an experiment, and what its reactors are.

    Attributes:
        experiment: which script of bench/ has it.
        make: the topology.
        ticks: how many of them are a second or two.
        kinds: by the name that reactors have in the topology; the others are OTHER.
        fingerprint: as in the experiment.
        workers: how many.
    """

    experiment: str
    make: Callable[[], Reactor]
    ticks: int
    kinds: Mapping[str, str]
    fingerprint: bool = True
    workers: int = WORKERS


_STEPPED = {"actors": ENVIRONMENT, "drivers": INFERENCE}
_LEARNT = {"actors": ACTING, "learner": LEARNING}


def lock_step(name: str, *, options: Mapping[str, Any] | None = None, **sizes: int) -> Callable[[], Reactor]:
    """A maker of the topology, which finds out what the environment is like."""
    environment = EnvironmentSpec(id=name, options=dict(options or {}))
    return lambda: LockStep(environment=environment, description=describe(environment), **sizes)  # type: ignore[arg-type]


def rows(name: str) -> list[str]:
    """What the workers of a load are called. Of more than there are kinds of work, all of them together."""
    workers = LOADS[name].workers
    return [f"{name}, {workers} workers"] if workers > WORKERS else [f"{name}, worker {w}" for w in range(workers)]


def on_policy(lag: int) -> Callable[[], Reactor]:
    return lambda: TimedOnPolicy(**ppo(lag).parameters)


def fragments() -> Reactor:
    policy = PolicySpec(**dict(describe(EnvironmentSpec(id="CartPole-v1"))))
    return TimedFragments(policy=policy, rollouts=WORKERS, horizon=128, environments=16, fragments=100)


def ten_agents(kind: str) -> Reactor:
    from bench.contestants.rlreactor_inference import JointInference  # loads torch, which no other topology needs

    return JointInference(agents=10, kind=kind)


LOADS = {
    "16 clients, 10 MiB": Load(
        "broadcast", lambda: Copying(clients=16, length=(10 << 20) // 8), 15, {}, fingerprint=False
    ),
    "CartPole-v1": Load("lock_step", lock_step("CartPole-v1"), 10_000, _STEPPED),
    "LunarLander-v3": Load("lock_step", lock_step("LunarLander-v3"), 3000, _STEPPED),
    "ALE/Pong-v5": Load("lock_step", lock_step("ALE/Pong-v5", options={"obs_type": "rgb"}), 400, _STEPPED),
    "minibatch 500": Load(
        "q_learning", lambda: TimedQLearning(rollouts=16, steps=100, minibatch=500), 60,
        {"bank": ACTING, "teacher": LEARNING},
    ),
    "10 agents": Load(
        "multi_agent", lambda: ten_agents("synthetic"), 5000, {"surroundings": ENVIRONMENT, "bank": INFERENCE}
    ),
    "10 agents, simple_spread": Load(
        "multi_agent", lambda: ten_agents("simple_spread"), 300, {"surroundings": ENVIRONMENT, "bank": INFERENCE}
    ),
    "one tag": Load("tag", Tags, 300_000, {}, workers=1),
    "16 bytes": Load("round_trip", WithinTag, 50_000, {}),
    "1,000,000 B": Load(
        "large_messages", lambda: Stream(nbytes=1_000_000, copied=True), 20_000, {"sender": OTHER}, fingerprint=False
    ),
    "10,000,000 B": Load(
        "large_messages", lambda: Stream(nbytes=10_000_000, copied=True), 2000, {"sender": OTHER}, fingerprint=False
    ),
    "CartPole-v1, 2 x 128": Load(
        "rings", lock_step("CartPole-v1", crews=WORKERS, environments=128, ring=2), 1400, _STEPPED
    ),
    "LunarLander-v3, 4 x 16": Load(
        "rings", lock_step("LunarLander-v3", crews=WORKERS, environments=16, ring=4), 1000, _STEPPED
    ),
    "ALE/Pong-v5, 2 x 4": Load(
        "rings", lock_step("ALE/Pong-v5", options={"obs_type": "rgb"}, crews=WORKERS, environments=4, ring=2), 1000,
        _STEPPED,
    ),
    "envpool:CartPole-v1": Load(
        "hosted", lock_step("envpool:CartPole-v1", crews=WORKERS, environments=64), 10_000, _STEPPED
    ),
    "envpool:LunarLander-v3": Load(
        "hosted", lock_step("envpool:LunarLander-v3", crews=WORKERS, environments=32), 3000, _STEPPED
    ),
    "T = 128": Load("fragments", fragments, 60, {"actors": ACTING}),
    "lock-step, 8": Load("scaling", PlainLockStep, 1000, {"bank": ENVIRONMENT}, workers=8),
    "tiny, 2": Load("scaling", Tiny, 40_000, {}),
    "tiny, 8": Load("scaling", Tiny, 4000, {}, workers=8),
    "4 readers, lag 1": Load(
        "staleness", lambda: Staleness(readers=4, size=2_500_000, policy_lag=1), 500, {"learner": LEARNING},
        fingerprint=False,
    ),
    "PPO CartPole-v1": Load("ppo_speed", on_policy(0), 15, _LEARNT),
    "PPO CartPole-v1, lag 1": Load("ppo_cartpole_speed", on_policy(1), 15, _LEARNT),
}  # fmt: skip
"""By name."""


def shares(load: Load, used: Seconds, stepping: Callable[[str], float]) -> dict[str, float]:
    """What part of a worker's time each kind is; all of them together are 1.

    Args:
        load: what it ran.
        used: its times.
        stepping: how many seconds the reactor at this path was in its environments.
    """
    seconds: dict[str, float] = {kind: 0.0 for kind in KINDS}
    for path, taken in _by_reactor(used["reactions"]).items():
        kind = load.kinds.get(path.partition("[")[0], OTHER)
        inside = stepping(path) if kind == ACTING else 0.0
        seconds[ENVIRONMENT] += inside
        seconds[INFERENCE if kind == ACTING else kind] += taken - inside
    seconds[WAITING] = used["waiting"]
    whole = used["seconds"] - used["measuring"]
    seconds[ENGINE] = whole - sum(seconds.values())
    return {kind: taken / whole for kind, taken in seconds.items()}


def _by_reactor(reactions: Mapping[str, float]) -> dict[str, float]:
    seconds: defaultdict[str, float] = defaultdict(float)
    for path, taken in reactions.items():
        seconds[path.rpartition(".")[0]] += taken
    return seconds


def measure(name: str, part: float = 1.0) -> dict[str, dict[str, float]]:
    """Shares by `rows`, in a run of so large a part of the load's ticks."""
    load = LOADS[name]
    topology = load.make()
    ticks = max(5, round(load.ticks * part))
    made = plan(topology, workers=load.workers)
    result = run(topology, plan=made, timeout=ticks * TICK, measure=True, fingerprint=load.fingerprint)
    found = [shares(load, worker["time"], lambda path: _stepping(result, path)) for worker in result.workers]
    called = rows(name)
    if len(called) < len(found):
        found = [{kind: sum(one[kind] for one in found) / len(found) for kind in KINDS}]
    return dict(zip(called, found, strict=True))


def _stepping(result: Result, path: str) -> float:
    return float(result.state(path)[STEPPING])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", required=True, choices=list(LOADS))
    parser.add_argument("--part", type=float, default=1.0, help="of the usual ticks")
    options = parser.parse_args()
    print(json.dumps(measure(options.load, options.part)), flush=True)


if __name__ == "__main__":
    main()
