"""`rlreactor bench`: experiments one after another, a table of what they found, and the page of all results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.experiment import Experiment, chosen, known, unknown
from bench.findings import Finding, brackets, load
from bench.page import write_page
from bench.registry import EXPERIMENTS, TOPICS
from bench.report import RESULTS
from bench.running import Outcome, run
from rlreactor.errors import did_you_mean

__all__ = ["Suite", "listing", "names", "wrong_names"]

Say = Callable[[str], None]
_WIDTH = 160
"""Of a table that goes to a file."""


class Suite(NamedTuple):
    """What ran, and where it is written."""

    outcomes: Sequence[Outcome]
    not_started: Sequence[Experiment]
    page: Path

    @staticmethod
    def run(words: Sequence[str], say: Say, *, quick: bool = False, results: Path | None = None) -> Suite:
        """Run the experiments that are named, all when none is; after Ctrl-C no further one is started."""
        folder = (results or RESULTS).absolute()
        experiments = chosen(words, EXPERIMENTS)
        outcomes: list[Outcome] = []
        for number, experiment in enumerate(experiments, 1):
            say(f"[{number}/{len(experiments)}] {_title(experiment)}, at most {experiment.seconds(quick)} s")
            outcomes.append(run(experiment, folder, quick=quick))
            say(_ended(outcomes[-1]))
            if outcomes[-1].interrupt is not None:
                break
        _show(outcomes, folder, say)
        return Suite(outcomes, experiments[len(outcomes) :], write_page(folder))

    @property
    def interrupt(self) -> KeyboardInterrupt | None:
        """What the user broke off with."""
        return self.outcomes[-1].interrupt if self.outcomes else None

    @property
    def failed(self) -> list[str]:
        """Experiments without a new result."""
        return [outcome.experiment.name for outcome in self.outcomes if not outcome.written]

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "experiments": [_as_json(outcome) for outcome in self.outcomes],
            "not_started": [experiment.name for experiment in self.not_started],
            "failed": self.failed,
            "report": str(self.page),
        }


def wrong_names(words: Sequence[str]) -> str:
    """What to say of words that name no experiment; empty when all do."""
    wrong = [
        f"no experiment {word!r}; {did_you_mean(word.lower(), known(EXPERIMENTS))}"
        for word in unknown(words, EXPERIMENTS)
    ]
    return "\n".join(wrong)


def names() -> list[str]:
    """Of all experiments."""
    return [experiment.name for experiment in EXPERIMENTS]


def listing() -> str:
    """Everything there is, by topic."""
    lines: list[str] = []
    for number, topic in TOPICS.items():
        lines.append(f"{number:4} {topic}")
        own = [one for one in EXPERIMENTS if number in one.numbers]
        lines += [f"       {one.name:20} {one.what}" for one in own] or ["       no experiment yet"]
    return "\n".join(lines)


def _title(experiment: Experiment) -> str:
    return f"{' '.join(experiment.numbers)} {experiment.name}: {experiment.what}"


def _ended(outcome: Outcome) -> str:
    name, seconds = outcome.experiment.name, f"{outcome.seconds:.0f} s"
    if not outcome.trouble:
        return f"{name}: done in {seconds}"
    kept = "what was finished is written" if outcome.written else "there is no new result"
    return f"{name}: {outcome.trouble}; {kept}"


def _as_json(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "name": outcome.experiment.name,
        "seconds": round(outcome.seconds, 1),
        "written": outcome.written,
        "trouble": outcome.trouble,
    }


def _show(outcomes: Sequence[Outcome], folder: Path, say: Say) -> None:
    findings = {finding.name: finding for finding in load(folder)}
    table = Table("experiment", "ours", "against", "median [min, max]", "share of limit", "targets")
    written = [outcome for outcome in outcomes if outcome.written]
    for outcome in written:
        for row in _rows(findings[outcome.experiment.name]):
            table.add_row(*row)
        table.add_section()
    if written:
        Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH).print(table)
    for outcome in outcomes:
        for note in _notes(outcome, findings):
            say(f"{outcome.experiment.name}: {note}")


def _rows(finding: Finding) -> list[tuple[str, ...]]:
    """The name and the targets stand in the first row only."""
    rows = [(one.ours, one.theirs, brackets(one.ratio), "") for one in finding.comparisons]
    rows += [(name, "the physical limit", "", brackets(share)) for name, share in finding.shares.items()]
    first, *others = rows or [("", "", "", "")]
    return [(finding.name, *first, _targets(finding)), *(("", *row) for row in others)]


def _notes(outcome: Outcome, findings: Mapping[str, Finding]) -> list[str]:
    """What was wrong, and who is missing."""
    trouble = [outcome.trouble] if outcome.trouble else []
    if not outcome.written:
        return trouble
    missing = findings[outcome.experiment.name].missing
    return trouble + [f"{name} is missing: {reason}" for name, reason in missing.items()]


def _targets(finding: Finding) -> str:
    met = sum(target["holds"] for target in finding.targets)
    return f"{met} of {len(finding.targets)} met" if finding.targets else "none"
