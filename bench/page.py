"""The page of all results, made of their JSON files alone: `python -m bench.page [FOLDER]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.findings import Finding, Loss, Section, bound, brackets, load, number
from bench.measure import Spread
from bench.plots import PlotsNeedMatplotlib, draw
from bench.registry import EXPERIMENTS, TOPICS
from bench.report import RESULTS

__all__ = ["page_of", "text", "write_page"]


def page_of(results: Path) -> Path:
    """Where the page of a folder of results lies: bench/REPORT.md for the repository's own, else within it."""
    return (results.parent if results == RESULTS else results) / "REPORT.md"


def write_page(results: Path = RESULTS) -> Path:
    """Write the page and its plots."""
    results.mkdir(parents=True, exist_ok=True)
    findings, page = load(results), page_of(results)
    try:
        drawn = {finding.name: draw(finding, results / "plots") for finding in findings}
        plots = {name: os.path.relpath(plot, page.parent) for name, plot in drawn.items() if plot is not None}
        page.write_text(text(findings, plots))
    except PlotsNeedMatplotlib as needed:
        page.write_text(text(findings, {}, str(needed)))
    return page


def text(findings: Sequence[Finding], plots: dict[str, str], no_plots: str = "") -> str:
    """The page. `plots` are the pictures of those that have one, `no_plots` says why there are none."""
    times = {section.title: section for one in findings if one.name == "where_time_goes" for section in one.sections}
    parts = [
        "# What was measured\n",
        "Made by `python -m bench.page` from the files in `results/`; no figure here is typed by hand. Ratios are "
        "taken within a round, between runs made within the same minute, and shown as median [minimum, maximum]. "
        "More than 1 is better for rlreactor.\n",
        *([f"There are no pictures: {no_plots}.\n"] if no_plots else []),
        "## Where we lose\n",
        _losses([loss for one in findings for loss in one.losses], any(one.comparisons for one in findings), times),
        "## Where we miss our own targets\n",
        _losses([loss for one in findings for loss in one.misses], any(one.targets for one in findings), times),
        "## What is not here\n",
        _absent(findings),
    ]
    for title, own in _by_topic(findings):
        parts += [f"## {title}\n"]
        parts += [_experiment(finding, plots.get(finding.name, ""), times.get(finding.name)) for finding in own]
    return "\n".join(parts)


def _losses(losses: Sequence[Loss], measured: bool, times: Mapping[str, Section]) -> str:
    """Where the experiment itself gives no reason, where its time goes."""
    if not losses:
        return "Nowhere in what was measured.\n" if measured else "Nothing was measured yet.\n"
    rows = [
        (one.experiment, one.what, one.measured, one.reason or _profile(times.get(one.experiment), one.what))
        for one in losses
    ]
    return _table(("experiment", "what", "measured", "reason"), rows)


def _profile(time: Section | None, what: str) -> str:
    """The two kinds that take most of every worker's time, in the load that `what` is about, or in the only one."""
    loads = {worker.rpartition(", ")[0] for worker in (time.figures if time is not None else ())}
    own = max((load for load in loads if len(loads) == 1 or _is_of(load, what)), key=len, default=None)
    if time is None or own is None:
        return "not known yet"
    workers = [worker for worker in time.figures if worker.rpartition(", ")[0] == own]
    return "; ".join(f"{worker}: {_largest(time.figures[worker])}" for worker in workers)


def _is_of(load: str, what: str) -> bool:
    """`lock-step, 8` is of `lock-step, 8 workers, by one worker`, `Pong, 2 x 4` of `Pong: …`."""
    return what.startswith(load) or what.startswith(f"{load.partition(', ')[0]}: ")


def _largest(shares: Mapping[str, Spread]) -> str:
    largest = sorted(shares, key=lambda kind: -shares[kind].median)[:2]
    return ", ".join(f"{_percent(shares[kind])} % {kind}" for kind in largest)


def _percent(share: Spread) -> str:
    return f"{100 * share.median:.0f}"


def _absent(findings: Sequence[Finding]) -> str:
    measured = {finding.name for finding in findings}
    lines = [f"{number} {topic}: no experiment yet" for number, topic in TOPICS.items() if not _scripts(number)]
    lines += [f"{one.name}: not measured yet" for one in EXPERIMENTS if one.name not in measured]
    for finding in findings:
        lines += [f"{finding.name}, {name}: {reason}" for name, reason in finding.missing.items()]
        lines += [f"{finding.name} was interrupted {finding.interrupted}"] if finding.interrupted else []
    return "".join(f"- {line}\n" for line in lines) or "Nothing is missing.\n"


def _scripts(number: str) -> list[str]:
    return [one.name for one in EXPERIMENTS if number in one.numbers]


def _by_topic(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """In the order of the registry, each under the first of its numbers; what is in no topic comes last."""
    numbers = {one.name: one.numbers for one in EXPERIMENTS}
    order = {one.name: index for index, one in enumerate(EXPERIMENTS)}
    ordered = sorted(findings, key=lambda finding: order.get(finding.name, len(order)))
    topics = [(number, f"{number}: {topic}") for number, topic in TOPICS.items()]
    found = [(title, [one for one in ordered if numbers.get(one.name, ("",))[0] == number]) for number, title in topics]
    others = [finding for finding in ordered if finding.name not in numbers]
    return [(title, own) for title, own in [*found, ("Others", others)] if own]


def _experiment(finding: Finding, plot: str, time: Section | None) -> str:
    result = finding.result
    what = {one.name: one.what for one in EXPERIMENTS}.get(finding.name, "")
    parts = [
        f"### {finding.name}\n",
        *([f"{what[0].upper()}{what[1:]}.\n"] if what else []),
        f"`{result['command']}`\n",
        f"Setting: {_inline(result['settings'])}.\n",
        *([f"**Interrupted {finding.interrupted}.**\n"] if finding.interrupted else []),
        *map(_contestants, finding.sections),
        *_optional(("ours", "theirs", "times as good"), _comparisons(finding)),
        *_optional(("ours", "share of the physical limit"), _shares(finding)),
        *_optional(("must hold", "bound", "measured", ""), _targets(finding)),
        *([f"Why we are worse: {_reasons(finding)}.\n"] if finding.reasons else []),
        *([_time(time)] if time is not None and time.figures else []),
        *([f"![{finding.name}]({plot})\n"] if plot else []),
        f"Measured on {_machine(result['machine'])}.\n",
    ]
    return "\n".join(parts)


def _contestants(section: Section) -> str:
    columns = list(dict.fromkeys(figure for figures in section.figures.values() for figure in figures))
    rows = [
        (name, *(brackets(figures[column]) if column in figures else "" for column in columns))
        for name, figures in section.figures.items()
    ]
    return _table((section.title or "contestant", *columns), rows) if rows else ""


def _time(time: Section) -> str:
    """Where our own time goes there, a row for every worker."""
    kinds = list(next(iter(time.figures.values())))
    rows = [(worker, *(_percent(shares[kind]) for kind in kinds)) for worker, shares in time.figures.items()]
    return _table(("percent of our time (`where_time_goes`)", *kinds), rows)


def _comparisons(finding: Finding) -> list[tuple[str, ...]]:
    return [(one.ours, one.theirs, brackets(one.ratio)) for one in finding.comparisons]


def _shares(finding: Finding) -> list[tuple[str, ...]]:
    return [(name, brackets(share)) for name, share in finding.shares.items()]


def _targets(finding: Finding) -> list[tuple[str, ...]]:
    return [
        (one["what"], bound(one), number(one["measured"]), "met" if one["holds"] else "missed")
        for one in finding.targets
    ]


def _reasons(finding: Finding) -> str:
    return "; ".join(f"{what}: {why}" for what, why in finding.reasons.items())


def _optional(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_table(head, rows)] if rows else []


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _machine(machine: dict[str, Any]) -> str:
    versions = {**machine["packages"], **machine.get("opponents", {})}
    revision = f"revision {(machine['revision'] or 'unknown')[:12]}{' with changes' if machine['modified'] else ''}"
    hardware = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB"
    software = f"Linux {machine['kernel']}, Python {machine['python']}, "
    named = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return f"{hardware}; {software}{named}; {revision}"


def _inline(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "none"


if __name__ == "__main__":
    print(write_page(*(Path(folder).absolute() for folder in sys.argv[1:2])))
