"""B5: synchronous parallel Q-learning on Blackjack, 16 rollouts of 100 steps a round, against Ray actors.

A network 3-32-2, Adam 0.01, γ 0.99, 20,000 transitions remembered, one minibatch a round, a new target every 10 rounds.
Everybody runs the same numpy code and comes to the same weights.
"""

from __future__ import annotations

import sys

from bench.comparison import Column, at_most, elsewhere, here, options, slices, table, times_cheaper
from bench.measure import Contestant, Rounds, one_after_another, ratios, spread, summary
from bench.rates import CORES
from bench.report import Report, Target, explained, progress

__all__ = ["ALONE", "MINIBATCHES", "OURS", "RAY", "SHARE", "contestants", "reasons", "setting", "shares", "targets"]

OURS, RAY, ALONE = "rlreactor", "Ray", "one process"
MINIBATCHES = (500, 1000, 2000)
SHARE = 0.4  # of Ray's time


def setting(minibatch: int) -> str:
    """What stands before the names of those that are measured with such a minibatch."""
    return f"minibatch {minibatch}: "


def contestants(minibatch: int, rounds: int, rollouts: int, opponents: bool = True) -> list[Contestant]:
    """Everybody with such a minibatch."""
    arguments = ("--minibatch", minibatch, "--rounds", rounds, "--rollouts", rollouts)
    prefix = setting(minibatch)
    found = slices(here("q_learning", *arguments), [ALONE], prefix)
    found += slices(here("rlreactor_q_learning", *arguments), [OURS], prefix)
    if opponents:
        found += slices(elsewhere("ray", "ray_q_learning", *arguments), [RAY], prefix)
    return found


def shares(rounds: Rounds, minibatch: int, name: str = RAY) -> list[float]:
    """Our time by theirs, round by round."""
    return ratios(rounds.of(setting(minibatch) + OURS, "seconds"), rounds.of(setting(minibatch) + name, "seconds"))


def targets(rounds: Rounds, minibatch: int) -> list[Target]:
    """What must hold, as far as it was measured."""
    found = shares(rounds, minibatch)
    return at_most(f"{setting(minibatch)}time by Ray's (median)", SHARE, spread(found).median if found else None)


def reasons(rounds: Rounds, minibatch: int) -> dict[str, str]:
    """Why, where the target is missed: what the environments and the learning take by themselves."""
    least = ratios(rounds.of(setting(minibatch) + ALONE, "seconds"), rounds.of(setting(minibatch) + RAY, "seconds"))
    missed = [target for target in targets(rounds, minibatch) if not target.holds]
    if not least or not missed:
        return {}
    share = spread(least).median / CORES
    reason = (
        f"environments and learning alone, spread evenly over {CORES} cores without any exchange, would take "
        f"{share:.2f} of Ray's time"
    )
    return {setting(minibatch) + RAY: reason}


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--minibatch", type=int, nargs="+", default=list(MINIBATCHES))
    parser.add_argument("--learning-rounds", type=int, default=500)
    parser.add_argument("--rollouts", type=int, default=16)
    chosen = parser.parse_args()
    size = (chosen.learning_rounds, chosen.rollouts, not chosen.ours)
    parts = [contestants(minibatch, *size) for minibatch in chosen.minibatch]
    rounds = one_after_another(parts, chosen.rounds, progress)
    by = {
        setting(minibatch) + name: summary(found)
        for minibatch in chosen.minibatch
        for name in (RAY, ALONE)
        if (found := shares(rounds, minibatch, name))
    }
    why = explained(*(reasons(rounds, minibatch) for minibatch in chosen.minibatch))
    theirs = {setting(one) + OURS: times_cheaper(rounds, setting(one) + OURS, [setting(one) + RAY], "seconds")
              for one in chosen.minibatch}  # fmt: skip
    measured = {**rounds.as_json(), "our time by": by}
    shown = table(
        f"{chosen.learning_rounds} rounds", rounds, [Column("seconds", "s"), Column("sum_of_weights", "|w|", 4)]
    )
    settings = {
        "rounds": chosen.rounds, "learning_rounds": chosen.learning_rounds, "rollouts": chosen.rollouts, "steps": 100
    }  # fmt: skip
    must_hold = [target for minibatch in chosen.minibatch for target in targets(rounds, minibatch)]
    return Report("q_learning", settings, measured, must_hold, against=theirs, reasons=why).finish(shown)


if __name__ == "__main__":
    sys.exit(main())
