"""What a training run says at its end: what it reached, where everything is, and what to type next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlreactor.commands.run_folder import RunFolder
from rlreactor.commands.this_command import this_command
from rlreactor.store.snapshot import finished_cuts

__all__ = ["broken_off", "ended", "finished", "interrupted", "to_go_on", "without_pictures"]


def finished(figures: Mapping[str, Any], folder: RunFolder) -> str:
    """After the last update."""
    files = {
        "checkpoint": folder.checkpoint,
        "curve": folder.curve,
        "picture": folder.picture,
        "metrics": folder.metrics,
    }
    lines = [f"  {name:12}{path}" for name, path in files.items() if path.exists()]
    film = f"  {this_command()} eval {folder.checkpoint} --video {folder.path / 'video'}"
    return "\n".join([_reached(figures), *lines, "to see the trained policy:", film])


def interrupted(figures: Mapping[str, Any], folder: RunFolder) -> str:
    """After a signal."""
    if not figures["updates"]:
        return _before_the_first_update(folder)
    return (
        f"interrupted after {figures['env_steps']:,} steps; the policy so far is in {folder.checkpoint}\n"
        f"{_its_worth(folder)}{to_go_on(folder)}"
    )


def broken_off(folder: RunFolder) -> str:
    """After a second Ctrl-C, or one that came before the run had begun."""
    if not folder.metrics.exists():
        return _before_the_first_update(folder)
    return f"broken off before the policy could be saved; the metrics so far are in {folder.metrics}{to_go_on(folder)}"


def without_pictures(figures: Mapping[str, Any], folder: RunFolder) -> str:
    """After a signal that came when all was saved and nothing but pictures was left to do."""
    return f"interrupted while the pictures were drawn, when all else was done\n{finished(figures, folder)}"


def ended(figures: Mapping[str, Any], folder: RunFolder) -> str:
    """To somebody who would go on with what has come to its end."""
    return f"{folder.path} has nothing left to do: {_reached(figures)}\n{_its_worth(folder)}"


def to_go_on(folder: RunFolder, after: int = 0) -> str:
    """A line that says how, if there are snapshots of a later logical time."""
    if not any(cut > after for cut in finished_cuts(folder.snapshots)):
        return ""
    return f"\nto go on from its newest snapshot: {this_command()} resume {folder.path}"


def _before_the_first_update(folder: RunFolder) -> str:
    reason = f"there is no checkpoint; {folder.manifest} says what was started"
    return f"interrupted before the first update: {reason}{to_go_on(folder)}"


def _its_worth(folder: RunFolder) -> str:
    return f"to see what it is worth: {this_command()} eval {folder.checkpoint}"


def _reached(figures: Mapping[str, Any]) -> str:
    workers = figures["workers"]
    parts = [
        f"{figures['env_steps']:,} steps at {figures['steps_per_second']:,.0f} steps/s",
        f"{workers} worker" if workers == 1 else f"{workers} workers",
    ]
    if figures["mean_return"] is not None:
        parts.append(f"return {figures['mean_return']:.1f} in training")
    if figures["eval_return"] is not None:
        parts.append(f"{figures['eval_return']:.1f} in evaluation")
    return " · ".join(parts)
