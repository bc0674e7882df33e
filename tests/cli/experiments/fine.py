"""Two contestants; one whose environment was not made; one that does not start."""

from __future__ import annotations

import sys

from bench.comparison import elsewhere, options, times_cheaper, together
from bench.measure import Contestant, Figures, interleave
from bench.program import start, wait
from bench.report import Report, Target, progress


def broken() -> Figures:
    return wait(start([sys.executable, "-c", "import sys; sys.exit('Ray did not start')"]))


def main() -> int:
    chosen = options(__doc__).parse_args()
    contestants = [
        Contestant("rlreactor", lambda: {"us": 2.0}),
        Contestant("slow", lambda: {"us": 3.0}),
        Contestant("fast", lambda: {"us": 1.0}),
        Contestant("broken", broken),
        *together(elsewhere("ray", "ray_round_trip"), ["Ray"]),
    ]
    rounds = interleave(contestants, chosen.rounds, progress)
    against = {"rlreactor": times_cheaper(rounds, "rlreactor", ["slow", "fast", "Ray"], "us")}
    shares = {"rlreactor": times_cheaper(rounds, "rlreactor", ["fast"], "us")["fast"]}
    targets = [Target("us", 1.0, 2.0, at_least=False), Target("rounds", 1, chosen.rounds)]
    settings = {"rounds": chosen.rounds}
    report = Report(
        "fine",
        settings,
        rounds.as_json(),
        targets,
        against,
        shares,
        {"rlreactor: fast": "they cheat", "us": "they cheat"},
    )
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
