"""B6: joint steps of 4 and of 10 agents, each with a network of 64 units in a reactor of its own.

Against Ray actors, against Ray Compiled Graph, and against the same inference one after another in one process.
"""

from __future__ import annotations

import sys
from typing import Any

from bench.comparison import Column, elsewhere, here, options, table, together
from bench.measure import Contestant, Rounds, interleave, ratios, spread, summary
from bench.report import Report, Target, explained, progress

__all__ = ["OURS", "SEQUENTIAL", "THEIRS", "compared", "contestants", "reasons", "setting", "targets"]

OURS = ["rlreactor", "rlreactor, one worker"]
SEQUENTIAL, RAY, GRAPH = "one after another", "Ray", "Ray Compiled Graph"
THEIRS = [SEQUENTIAL, RAY, GRAPH]
TIMES_FASTER = {4: {RAY: 30.0, GRAPH: 5.0}, 10: {RAY: 30.0, GRAPH: 5.0, SEQUENTIAL: 1.5}}  # by agents


def setting(agents: int) -> str:
    """What stands before the names of those that are measured with so many agents."""
    return f"{agents} agents: "


def contestants(agents: int, steps: int, opponents: bool = True) -> list[Contestant]:
    """Everybody with so many agents; Ray makes a tenth as many steps."""
    arguments, prefix = ("--agents", agents, "--steps"), setting(agents)
    found = together(here("inference", *arguments, steps), [SEQUENTIAL], prefix)
    found += together(here("rlreactor_inference", *arguments, steps), OURS, prefix)
    if opponents:
        run = elsewhere("ray", "ray_inference", *arguments, max(1, steps // 10))
        found += together(run, [RAY, GRAPH], prefix)
    return found


def best_of(rounds: Rounds, agents: int) -> str:
    """Ours, with the workers that are better."""
    prefix = setting(agents)
    present = [prefix + name for name in OURS if rounds.of(prefix + name, "us")]
    return min(present, key=lambda name: spread(rounds.of(name, "us")).median, default=prefix + OURS[0])


def compared(rounds: Rounds, agents: int) -> dict[str, dict[str, Any]]:
    """How many times our cost theirs is, without those who are missing."""
    prefix = setting(agents)
    found = {name: ratios(rounds.of(prefix + name, "us"), rounds.of(best_of(rounds, agents), "us")) for name in THEIRS}
    return {name: summary(values) for name, values in found.items() if values}


def targets(rounds: Rounds, agents: int) -> dict[str, Target]:
    """What must hold against whom, as far as it was measured."""
    found = compared(rounds, agents)
    return {
        name: Target(f"{best_of(rounds, agents)}, times faster than {name} (median)", threshold, found[name]["median"])
        for name, threshold in TIMES_FASTER.get(agents, {}).items()
        if name in found
    }


def reasons(rounds: Rounds, agents: int) -> dict[str, str]:
    """Why, where a target is missed: what the networks alone take, or how long our workers wait for each other."""
    missed = [name for name, target in targets(rounds, agents).items() if not target.holds]
    return {setting(agents) + name: _reason(rounds, setting(agents), name) for name in missed}


def _reason(rounds: Rounds, prefix: str, name: str) -> str:
    if name == SEQUENTIAL:
        waited = spread(rounds.of(prefix + OURS[0], "waited")).show(2)
        return f"two workers wait {waited} of their time for each other at every joint step; load {rounds.load}"
    most = ratios(rounds.of(prefix + name, "us"), rounds.of(prefix + SEQUENTIAL, "us"))
    times = spread(most).show(1) if most else "an unknown number of"
    return f"networks and world alone, one after another, are {times} times as fast"


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[4, 10])
    parser.add_argument("--steps", type=int, default=10_000, help="joint steps of each run; Ray makes a tenth as many")
    chosen = parser.parse_args()
    parts = [contestants(agents, chosen.steps, not chosen.ours) for agents in chosen.agents]
    rounds = interleave([one for part in parts for one in part], chosen.rounds, progress)
    reason = explained(*(reasons(rounds, agents) for agents in chosen.agents))
    times = {best_of(rounds, agents): compared(rounds, agents) for agents in chosen.agents}
    measured = {**rounds.as_json(), "times the cost of": times}
    shown = table("joint steps", rounds, [Column("us", "us a joint step", 1)])
    must_hold = [target for agents in chosen.agents for target in targets(rounds, agents).values()]
    settings = {"rounds": chosen.rounds, "steps": chosen.steps}
    report = Report("multi_agent", settings, measured, must_hold, against=times, reason=reason)
    return report.finish(shown)


if __name__ == "__main__":
    sys.exit(main())
