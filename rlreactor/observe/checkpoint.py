"""A trained policy in one file: weights, and in plain words everything needed to use them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rlreactor.observe.files import FileError, write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

_FORMAT = "rlreactor checkpoint 1"


class Checkpoint(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        weights: every parameter of the policy in one flat vector, float32 [size].
        about: plain data by name: "algorithm", "policy", "environment", "config", "update", "env_steps", "seed".
    """

    weights: NDArray[np.float32]
    about: Mapping[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write it, whole or not at all. Raises FileError."""
    from safetensors.numpy import save

    metadata = {"format": _FORMAT, **{name: json.dumps(value) for name, value in checkpoint.about.items()}}
    write_atomically(path, save({"weights": checkpoint.weights}, metadata))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read it. Raises FileError where there is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with cast("Any", safe_open)(path, framework="numpy") as file:
            about = _about(path, file.metadata() or {})
            return Checkpoint(file.get_tensor("weights"), about)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise FileError(
            f"{path} cannot be read: {reason}; `train` writes checkpoint.safetensors into its run folder"
        ) from None
    except SafetensorError as error:
        raise FileError(f"{path} is not a checkpoint, or is damaged: {error}") from None


def _about(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    found = metadata.get("format", "none")
    if found != _FORMAT:
        raise FileError(f"{path} is not a checkpoint of this version: expected format {_FORMAT!r}, received {found!r}")
    return {name: json.loads(text) for name, text in metadata.items() if name != "format"}
