"""Pictures of results: how many times better ours is than each of theirs, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.findings import Comparison, Finding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["NEEDED", "PlotsNeedMatplotlib", "draw"]

NEEDED = "plots need `pip install 'rlreactor[bench]'`"


class PlotsNeedMatplotlib(Exception):
    """It is not installed."""


def draw(finding: Finding, folder: Path) -> Path | None:
    """NAME.png and NAME.svg in `folder`, the former of which is returned; None when there is nothing to compare.

    Raises PlotsNeedMatplotlib.
    """
    comparisons = finding.comparisons
    if not comparisons:
        return None
    try:
        from matplotlib import rcParams
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotsNeedMatplotlib(NEEDED) from None
    folder.mkdir(parents=True, exist_ok=True)
    rcParams["svg.hashsalt"] = finding.name  # the same file from the same result
    figure = Figure(figsize=(9, 1.2 + 0.35 * len(comparisons)), layout="constrained")
    _ratios(figure, finding.name, comparisons)
    figure.savefig(folder / f"{finding.name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"{finding.name}.png", dpi=120)
    return folder / f"{finding.name}.png"


def _ratios(figure: Figure, title: str, comparisons: Sequence[Comparison]) -> None:
    """A point and a range in every line, the first one on top."""
    axes = figure.add_subplot()
    lines = range(len(comparisons))
    medians, least, most = zip(*(one.ratio for one in comparisons), strict=True)
    below = [median - low for median, low in zip(medians, least, strict=True)]
    above = [high - median for median, high in zip(medians, most, strict=True)]
    axes.errorbar(medians, lines, xerr=[below, above], fmt="o", capsize=3)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(lines, [f"{one.ours} : {one.theirs}" for one in comparisons])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times as good: median and range")
    axes.set_title(title)
