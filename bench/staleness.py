"""B11: how old weights are when a batch made with them arrives: 10 MB pushed by a learner, pulled by four readers.

Ours declares a lag of k updates, and every batch must have exactly that. Ray actors pull the newest weights whenever
they begin a batch, and so their lag is a distribution. The fingerprint is off: it reads every byte.
"""

from __future__ import annotations

import sys

from bench.comparison import Column, elsewhere, here, options, slices, table
from bench.measure import Contestant, Rounds, interleave, ratios, summary
from bench.report import Report, Target, progress

__all__ = ["LAGS", "OURS", "RAY", "contestants", "targets"]

OURS, RAY = "rlreactor", "Ray"
LAGS = (0, 1, 4)
_RATE = "pushes_per_second"


def setting(lag: int) -> str:
    """What stands before the name of ours with such a declared lag."""
    return f"lag {lag}: "


def contestants(lags: list[int], readers: int, nbytes: int, pushes: int, opponents: bool = True) -> list[Contestant]:
    """Ours with every declared lag, then Ray, which makes a tenth as many pushes."""
    arguments = ("--readers", readers, "--bytes", nbytes, "--pushes")
    found: list[Contestant] = []
    for lag in lags:
        found += slices(here("rlreactor_staleness", *arguments, pushes, "--lag", lag), [OURS], setting(lag))
    if opponents:
        found += slices(elsewhere("ray", "ray_staleness", *arguments, max(10, pushes // 10)), [RAY])
    return found


def targets(rounds: Rounds, lags: list[int]) -> list[Target]:
    """No batch of any round had another lag than the declared one."""
    found: list[Target] = []
    for lag in lags:
        ends = [rounds.of(setting(lag) + OURS, figure) for figure in ("least_lag", "largest_lag")]
        off = [abs(observed - lag) for observed in (*ends[0], *ends[1])]
        if off:
            found.append(Target(f"declared lag {lag}, furthest from it of any batch", 0, max(off), at_least=False))
    return found


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--lags", type=int, nargs="+", default=list(LAGS))
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--bytes", type=int, default=10_000_000)
    parser.add_argument("--pushes", type=int, default=500, help="of each run; Ray makes a tenth as many")
    chosen = parser.parse_args()
    taking_part = contestants(chosen.lags, chosen.readers, chosen.bytes, chosen.pushes, not chosen.ours)
    rounds = interleave(taking_part, chosen.rounds, progress)
    theirs = rounds.of(RAY, _RATE)
    faster = {ours: ratios(rounds.of(ours, _RATE), theirs) for ours in (setting(lag) + OURS for lag in chosen.lags)}
    against = {ours: {RAY: summary(found)} for ours, found in faster.items() if found}
    columns = [Column(_RATE, "pushes/s", 0)]
    columns += [Column(f"{name}_lag", f"{name} lag", 0) for name in ("least", "median", "largest")]
    shown = table(f"{chosen.bytes:,} B to {chosen.readers} readers, fingerprint off", rounds, columns)
    settings = {"rounds": chosen.rounds, "readers": chosen.readers, "bytes": chosen.bytes, "pushes": chosen.pushes}
    told = {**settings, "fingerprint": False}
    report = Report("staleness", told, rounds.as_json(), targets(rounds, chosen.lags), against=against)
    return report.finish(shown)


if __name__ == "__main__":
    sys.exit(main())
