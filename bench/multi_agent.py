"""B6: joint steps of 4 and of 10 agents, each with a network of 64 units in a reactor of its own.

In PettingZoo's simple_spread, and in a synthetic world that takes next to no time. Against Ray actors, against Ray
Compiled Graph, and against the same one after another in one process.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from bench.comparison import Column, elsewhere, here, options, slices, table
from bench.measure import Contestant, Rounds, one_after_another, ratios, spread, summary
from bench.report import Report, Target, explained, progress

__all__ = ["OURS", "SEQUENTIAL", "THEIRS", "Game", "compared", "contestants", "reasons", "targets"]

OURS = ["rlreactor", "rlreactor, one worker"]
SEQUENTIAL, RAY, GRAPH = "one after another", "Ray", "Ray Compiled Graph"
THEIRS = [SEQUENTIAL, RAY, GRAPH]
SYNTHETIC, SPREAD = WORLDS = ("synthetic", "simple_spread")
PART = {SYNTHETIC: 1.0, SPREAD: 0.1}
"""Of the steps: PettingZoo's take most of the time there."""
TIMES_FASTER = {4: {RAY: 30.0, GRAPH: 5.0}, 10: {RAY: 30.0, GRAPH: 5.0, SEQUENTIAL: 1.5}}
"""By agents, in the synthetic world."""
_FEW = 200  # steps that Ray makes at least, if the others make as many


class Game(NamedTuple):
    """So many agents in a world."""

    agents: int
    world: str = SYNTHETIC

    @property
    def prefix(self) -> str:
        """What stands before the names of those that are measured there."""
        return f"{self.agents} agents, {self.world}: "

    @property
    def thresholds(self) -> dict[str, float]:
        """How many times faster ours must be than whom."""
        return TIMES_FASTER.get(self.agents, {}) if self.world == SYNTHETIC else {}


def contestants(game: Game, steps: int, opponents: bool = True) -> list[Contestant]:
    """Everybody in a game; Ray makes fewer steps."""
    arguments = ("--agents", game.agents, "--world", game.world, "--steps")
    steps = max(1, round(steps * PART[game.world]))
    found = slices(here("inference", *arguments, steps), [SEQUENTIAL], game.prefix)
    found += slices(here("rlreactor_inference", *arguments, steps), OURS, game.prefix)
    if opponents:
        run = elsewhere("ray", "ray_inference", *arguments, max(min(steps, _FEW), steps // 10))
        found += slices(run, [RAY, GRAPH], game.prefix)
    return found


def best_of(rounds: Rounds, game: Game) -> str:
    """Ours, with the workers that are better."""
    present = [game.prefix + name for name in OURS if rounds.of(game.prefix + name, "us")]
    return min(present, key=lambda name: spread(rounds.of(name, "us")).median, default=game.prefix + OURS[0])


def compared(rounds: Rounds, game: Game) -> dict[str, dict[str, Any]]:
    """How many times our cost theirs is, without those who are missing."""
    ours = rounds.of(best_of(rounds, game), "us")
    found = {name: ratios(rounds.of(game.prefix + name, "us"), ours) for name in THEIRS}
    return {name: summary(values) for name, values in found.items() if values}


def targets(rounds: Rounds, game: Game) -> dict[str, Target]:
    """What must hold against whom, as far as it was measured."""
    found, best = compared(rounds, game), best_of(rounds, game)
    return {
        name: Target(f"{best}, times faster than {name} (median)", threshold, found[name]["median"])
        for name, threshold in game.thresholds.items()
        if name in found
    }


def reasons(rounds: Rounds, game: Game) -> dict[str, str]:
    """Why, where a target is missed: what the networks alone take, or how long our workers wait for each other."""
    missed = [name for name, target in targets(rounds, game).items() if not target.holds]
    return {game.prefix + name: _reason(rounds, game.prefix, name) for name in missed}


def _reason(rounds: Rounds, prefix: str, name: str) -> str:
    if name == SEQUENTIAL:
        waited = spread(rounds.of(prefix + OURS[0], "waited")).show(2)
        return f"two workers wait {waited} of their time for each other at every joint step"
    most = ratios(rounds.of(prefix + name, "us"), rounds.of(prefix + SEQUENTIAL, "us"))
    times = spread(most).show(1) if most else "an unknown number of"
    return f"networks and world alone, one after another, are {times} times as fast"


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[4, 10])
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=WORLDS)
    parser.add_argument(
        "--steps", type=int, default=10_000, help="joint steps of each slice; a tenth in simple_spread, and Ray fewer"
    )
    chosen = parser.parse_args()
    games = [Game(agents, world) for world in chosen.worlds for agents in chosen.agents]
    parts = [contestants(game, chosen.steps, not chosen.ours) for game in games]
    rounds = one_after_another(parts, chosen.rounds, progress)
    why = explained(*(reasons(rounds, game) for game in games))
    times = {best_of(rounds, game): compared(rounds, game) for game in games}
    measured = {**rounds.as_json(), "times the cost of": times}
    shown = table("joint steps", rounds, [Column("us", "us a joint step", 1)])
    must_hold = [target for game in games for target in targets(rounds, game).values()]
    settings = {"rounds": chosen.rounds, "steps": chosen.steps}
    report = Report("multi_agent", settings, measured, must_hold, against=times, reasons=why)
    return report.finish(shown)


if __name__ == "__main__":
    sys.exit(main())
