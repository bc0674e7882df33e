"""The learning curve as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from rlreactor.observe.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Curve", "draw_curve"]


class Curve(NamedTuple):
    """What is drawn.

    Attributes:
        title: above the picture.
        steps: environment steps at each point.
        returns: mean return of the last training episodes at each point; NaN where none had finished.
        evaluation: returns of the final evaluation's episodes.
    """

    title: str
    steps: Sequence[float]
    returns: Sequence[float]
    evaluation: Sequence[float] = ()


def draw_curve(curve: Curve, path: Path) -> None:
    """Write the picture as PNG. Raises FileError."""
    from matplotlib.figure import Figure  # without pyplot, which would look for a display

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot(title=curve.title, xlabel="environment steps", ylabel="return of an episode")
    axes.plot(curve.steps, curve.returns, color="tab:blue", label="training: mean of the last 100 episodes")
    if curve.evaluation:
        _mark_evaluation(axes, curve)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    write_atomically(path, buffer.getvalue())


def _mark_evaluation(axes: Axes, curve: Curve) -> None:
    """The mean at the end of the curve, with a bar from the worst episode to the best."""
    mean, low, high = fmean(curve.evaluation), min(curve.evaluation), max(curve.evaluation)
    end = curve.steps[-1] if curve.steps else 0
    label = f"evaluation: {mean:.1f} (from {low:.1f} to {high:.1f}, {len(curve.evaluation)} episodes)"
    axes.errorbar(
        [end], [mean], yerr=[[mean - low], [high - mean]], fmt="o", color="tab:orange", capsize=4, label=label
    )
