"""Recordings of runs that fail: a replay meets the failure again, until the program is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlreactor import TICK, RunError, Tag, reaction, run, shutdown
from rlreactor.store.recording import Recording

from .placements import round_robin, run_placed
from .test_record_replay import Log, Noise, Plant, Sensor, declared_like, placements
from .watchdog import watched


class Fragile(Noise):
    """Breaks at what comes to it seventh, before or while it stops."""

    at_the_end: bool = False

    @reaction(Noise.later, effects=[Noise.out])
    def give(self) -> None:
        if self.later.value == 7 and not self.at_the_end:
            raise ValueError(f"{self.total:.6f} is too much")
        self.total += self.later.value + float(self.rng.random())
        self.out.set(self.total)

    @reaction(shutdown)
    def end(self) -> None:
        if self.at_the_end:
            raise ValueError(f"{self.total:.6f} at the end")


class FragilePlant(Plant):
    at_the_end: bool = False

    def compose(self) -> None:
        self.sensor = Sensor(ends=False)
        self.noise = Fragile(at_the_end=self.at_the_end)
        self.log_ = Log()
        self.connect(self.sensor.out, self.noise.inp, physical=True)
        self.connect(self.noise.out, self.log_.inp, after=TICK)


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_recording_of_a_failed_run_meets_the_failure_again(workers: int, at_the_end: bool, tmp_path: Path) -> None:
    topology, file = FragilePlant(at_the_end=at_the_end), tmp_path / "failed"
    with watched(60), pytest.raises(RunError, match=r"too much|at the end") as live:
        run_placed(topology, round_robin(topology, workers), fast=False, record=file, seed=3)
    assert Recording.load(file).failed is not None
    for _, where in placements():
        with watched(60), pytest.raises(RunError) as again:
            run_placed(topology, where, replay=file, seed=3)
        assert str(again.value).splitlines()[0] == str(live.value).splitlines()[0]


def test_a_mended_program_passes_the_failure_in_a_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "failed"
    with watched(), pytest.raises(RunError, match="too much"):
        run(FragilePlant(), workers=1, fast=False, record=file, seed=3)
    failed = Recording.load(file).failed
    assert failed is not None

    def give(self: Fragile) -> None:
        self.total += self.later.value + float(self.rng.random())
        self.out.set(self.total)

    monkeypatch.setattr(Fragile, "give", declared_like(Fragile.give, give))
    with watched():
        mended = run(FragilePlant(), workers=2, replay=file, seed=3, trace=True)
    assert mended.tag == Tag(failed.time, failed.microstep + 1)
    assert failed in [event.tag for event in mended.trace if event.path == "noise.out"]


def test_a_failure_is_told_also_where_its_recording_cannot_be_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "missing" / "failed"
    with watched(), pytest.raises(RunError, match="too much"):
        run(FragilePlant(), workers=1, fast=False, record=file)
    assert f"cannot write the recording {file}: No such file or directory" in caplog.text
