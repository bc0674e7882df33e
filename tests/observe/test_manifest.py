"""What a result depends on."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import numpy as np
import psutil
import pytest

from rlreactor import check
from rlreactor.observe.curve import Curve, draw_curve
from rlreactor.observe.manifest import describe_program, describe_surroundings
from rlreactor.observe.process_clock import seconds_since_process_start

from ..planner.topologies import Train


def test_program() -> None:
    program = describe_program(check(Train()), 7)
    assert program["seed"] == 7
    assert program["topology"].endswith(":Train")
    assert set(program["threads"].values()) == {1}
    assert json.loads(json.dumps(program)) == program


def test_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = describe_surroundings(["numpy", "there-is-no-such-package"])
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["numpy"] == np.__version__
    assert "there-is-no-such-package" not in found["versions"]
    assert found["processor"]["cores"] >= 1
    assert found["git"]["working_directory"] is None


def test_process_clock_agrees_with_another_one() -> None:
    import time

    assert seconds_since_process_start() == pytest.approx(time.time() - psutil.Process().create_time(), abs=2)


@pytest.mark.parametrize("evaluation", [(), (3.0, 5.0)])
def test_curve(tmp_path: Path, evaluation: tuple[float, ...]) -> None:
    draw_curve(Curve("PPO on X", [10, 20, 30], [float("nan"), 1.0, 2.0], evaluation), tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
