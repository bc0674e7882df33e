"""Training that was interrupted ends with the weights that it would have had, wherever it goes on."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from rlreactor import Reactor, Result, run
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.topologies.lock_step import LockStep
from rlreactor.topologies.on_policy import OnPolicy

from ..placements import round_robin, run_placed
from ..watchdog import watched
from .shared_training import parameters, weights


def cuts(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir())


def run_placed_on(topology: Reactor, workers: int, **options: Any) -> Result:
    with watched(120):
        return run_placed(topology, round_robin(topology, workers), seed=11, **options)


@pytest.mark.parametrize(
    ("learners", "options"),
    [
        (1, {"updates": 8}),
        (1, {"updates": 8, "policy_lag": 2, "groups": 2}),
        (1, {"updates": 6, "evaluate_every": 2}),
        (2, {"updates": 6, "policy_lag": 1}),
    ],
)
def test_training_goes_on_as_if_nothing_had_happened(learners: int, options: dict[str, Any], tmp_path: Path) -> None:
    topology = OnPolicy(**parameters(learners, **options))
    run_on = functools.partial(run_placed_on, topology, timeout=topology.ticks)
    expected = run_on(1)
    kept = run_on(3, snapshot=tmp_path / "kept", snapshot_every=2)
    assert weights(kept, learners) == weights(expected, learners)
    assert kept.fingerprint == expected.fingerprint
    for cut, workers in zip(cuts(tmp_path / "kept"), (2, 1, 4), strict=False):
        resumed = run_on(workers, resume=cut, snapshot=tmp_path / f"from {cut.name}", snapshot_every=1)
        assert weights(resumed, learners) == weights(expected, learners), cut.name
        assert resumed.fingerprint == expected.fingerprint
        assert resumed.tag == expected.tag
        for later in cuts(tmp_path / f"from {cut.name}"):
            again = run_on(2, resume=later)
            assert again.fingerprint == expected.fingerprint, (cut.name, later.name)


@pytest.mark.parametrize("ring", [1, 3])
def test_lock_step_goes_on_as_if_nothing_had_happened(ring: int, tmp_path: Path) -> None:
    environment = EnvironmentSpec(id="CartPole-v1")
    topology = LockStep(
        environment=environment, description=describe(environment), crews=3, crew=2, environments=2, ring=ring
    )
    run_on = functools.partial(run, topology, timeout=400, seed=11)
    expected = run_on(workers=1)
    run_on(workers=2, snapshot=tmp_path, snapshot_every=50)
    assert cuts(tmp_path)
    for cut, workers in zip(cuts(tmp_path), (4, 1, 2), strict=False):
        resumed = run_on(workers=workers, resume=cut)
        assert resumed.fingerprint == expected.fingerprint, cut.name
