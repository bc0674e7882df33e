"""Checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from rlreactor.observe.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from rlreactor.observe.files import FileError


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    weights = np.arange(5, dtype=np.float32)
    about = {"policy": {"network": "mlp", "hidden": [64, 64]}, "env_steps": 4096, "algorithm": "ppo"}
    save_checkpoint(tmp_path / "x", Checkpoint(weights, about))
    found = load_checkpoint(tmp_path / "x")
    assert found.about == about
    assert found.weights.dtype == np.float32
    assert found.weights.tobytes() == weights.tobytes()


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="x cannot be read: no such file"):
        load_checkpoint(tmp_path / "x")


def test_damaged(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "x", Checkpoint(np.zeros(5, np.float32), {}))
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:-1])
    with pytest.raises(FileError, match="x is not a checkpoint, or is damaged"):
        load_checkpoint(tmp_path / "x")


def test_safetensors_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(save({"weights": np.zeros(5, np.float32)}))
    expected = "expected format 'rlreactor checkpoint 1', received 'none'"
    with pytest.raises(FileError, match=expected):
        load_checkpoint(tmp_path / "x")
