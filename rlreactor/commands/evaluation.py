"""`rlreactor eval`, whatever plays the episodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Annotated, Any, Protocol

from pydantic import Field

from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.observe.checkpoint import Checkpoint, load_checkpoint
from rlreactor.observe.files import writing

__all__ = ["EvalOptions", "Player", "evaluate"]

_SHOWN = 3


class EvalOptions(CommandOptions):
    """Let the policy of a checkpoint act without exploring, and say what it is worth."""

    checkpoint: Annotated[Path, Shown(metavar="CHECKPOINT", positional=True)] = Field(
        description="checkpoint.safetensors in the folder of a training run."
    )
    episodes: Annotated[int, Field(gt=0)] = Field(default=100, description="Episodes to play.")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="Of the environments.")
    video: Path | None = Field(
        default=None,
        description=f"Folder for films (mp4) of up to {_SHOWN} episodes; needs the extra rlreactor[video].",
    )


class Player(Protocol):
    """The policy of a checkpoint in its environment."""

    def returns(self, episodes: int, seed: int) -> Sequence[float]:
        """Play episodes with the likeliest actions."""
        ...

    def film(self, folder: Path, episodes: int, seed: int) -> Sequence[Path]:
        """Play episodes and write a film of each."""
        ...


class MakePlayer(Protocol):
    """Rebuild policy and environment."""

    def __call__(self, checkpoint: Checkpoint) -> Player:
        """Raises ReactorError where that cannot be done here."""
        ...


def evaluate(options: EvalOptions, output: Output, make_player: MakePlayer) -> dict[str, Any]:
    """Films first: what is missing for them is said before anybody has waited."""
    player = make_player(load_checkpoint(options.checkpoint))
    films: Sequence[Path] = ()
    if options.video is not None:
        with writing(options.video):
            films = player.film(options.video, min(options.episodes, _SHOWN), options.seed)
    returns = player.returns(options.episodes, options.seed)
    figures = _figures(returns)
    output.say(_text(figures))
    for film in films:
        output.say(f"  film  {film}")
    return {
        **figures,
        "returns": list(returns),
        "films": [str(f) for f in films],
        "checkpoint": str(options.checkpoint),
    }


def _figures(returns: Sequence[float]) -> dict[str, Any]:
    return {
        "episodes": len(returns),
        "eval_return": fmean(returns),
        "deviation": pstdev(returns),
        "minimum": min(returns),
        "maximum": max(returns),
    }


def _text(figures: dict[str, Any]) -> str:
    return (
        f"return {figures['eval_return']:.1f} ± {figures['deviation']:.1f} over {figures['episodes']} episodes "
        f"(from {figures['minimum']:.1f} to {figures['maximum']:.1f})"
    )
