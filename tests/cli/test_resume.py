"""`rlreactor resume`: training that was ended ends as if it had not been."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from rlreactor import Reactor
from rlreactor.commands.failure import UsageError
from rlreactor.commands.output import Output
from rlreactor.commands.resume import ResumeOptions, resume_command
from rlreactor.commands.run_folder import RunFolder
from rlreactor.commands.training import Training

from .conftest import CommandLine, Ended, Trained

SMALL = ("--rollouts", "2", "--envs-per-rollout", "1", "--horizon", "16", "--hidden", "8", "--eval-episodes", "4")
TRAIN = ("train", "ppo", "--env", "CartPole-v1", "--steps", "25600", "--quiet", *SMALL)  # some seconds
KEPT = (*TRAIN, "--snapshots", "--run-dir", "run")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same training, uninterrupted."""
    command = CommandLine(tmp_path_factory.mktemp("whole"))
    ended = command(*TRAIN, "--workers", "1", "--run-dir", "run", "--json")
    return Trained(ended.result, command.folder / "run", ended.error)


def kill(rlreactor: CommandLine, *words: str, after: int = 1) -> int:
    """Run a command until there is a snapshot of a later time, and kill it; the time of the newest one."""
    process = rlreactor.start(*words)
    rlreactor.wait_for_snapshot("run/snapshots", after)
    process.kill()
    rlreactor.end(process)
    return rlreactor.wait_for_snapshot("run/snapshots", after)


def metrics(folder: Path) -> list[dict[str, Any]]:
    """What was logged, by tag and path, without the time of day."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds")
    return sorted(lines, key=lambda line: (line["tag"], line["path"]))


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def change_manifest(folder: Path, **facts: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps({**manifest(folder), **facts}))


def check(ended: Ended, folder: Path, whole: Trained) -> None:
    """It came to the same."""
    result = ended.result
    assert set(result) == set(whole.result)
    varying = {"steps_per_second", "seconds_to_first_update", "workers", "run_dir"}
    assert {n: v for n, v in result.items() if n not in varying} == {
        name: value for name, value in whole.result.items() if name not in varying
    }
    assert metrics(folder) == metrics(whole.folder)
    facts = manifest(folder)
    assert facts["status"] == "finished"
    assert facts["weights_sha256"] == whole.result["weights_sha256"]
    assert facts["argv"][1] == "train"
    assert facts["resumed"][-1]["argv"][1] == "resume"
    assert "error" not in facts
    assert (folder / "curve.png").stat().st_size == (whole.folder / "curve.png").stat().st_size
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1


def test_what_was_killed_goes_on_with_other_workers(rlreactor: CommandLine, whole: Trained) -> None:
    folder = rlreactor.folder / "run"
    cut = kill(rlreactor, *KEPT, "--workers", "1")
    assert manifest(folder)["status"] == "running"
    with (folder / "metrics.jsonl").open("a") as file:  # later than the snapshot, and half of a line
        file.write(json.dumps({"path": "learner", "tag": [cut, 0], "seconds": 9.0, "env_steps": 1}) + '\n{"path')
    ended = rlreactor("resume", "run", "--workers", "3", "--json")
    assert ended.error.startswith("run goes on after ")
    check(ended, folder, whole)
    (resumed,) = manifest(folder)["resumed"]
    assert resumed["from_ns"] == cut


def test_what_was_killed_again_goes_on_again(rlreactor: CommandLine, whole: Trained) -> None:
    cut = kill(rlreactor, *KEPT, "--workers", "2")
    later = kill(rlreactor, "resume", "run", "--workers", "1", "--quiet", after=cut)
    assert manifest(rlreactor.folder / "run")["status"] == "running"
    rlreactor("plan", "pair:Pair", "--output", "other.yaml")
    wrong = rlreactor("resume", "run", "--plan", "other.yaml", status=1)
    assert "the plan of pair:Pair does not fit" in wrong.error
    check(rlreactor("resume", "run", "--plan", "run/plan.yaml", "--json"), rlreactor.folder / "run", whole)
    assert [each["from_ns"] for each in manifest(rlreactor.folder / "run")["resumed"]] == [cut, later]


def test_what_was_interrupted_says_how_to_go_on(rlreactor: CommandLine, whole: Trained) -> None:
    process = rlreactor.start(*KEPT, "--workers", "1", "--json")
    rlreactor.wait_for_snapshot("run/snapshots", 1)
    process.send_signal(signal.SIGINT)
    ended = rlreactor.end(process)
    assert ended.status == 130, ended
    last = ended.error.splitlines()[-1]
    assert last.startswith("to go on from its newest snapshot: ")
    assert last.endswith(" resume run")
    check(rlreactor("resume", "run", "--json"), rlreactor.folder / "run", whole)


def test_what_has_no_snapshot_begins_anew(rlreactor: CommandLine, whole: Trained) -> None:
    kill(rlreactor, *KEPT, "--workers", "2")
    folder = rlreactor.folder / "run"
    shutil.rmtree(folder / "snapshots")
    change_manifest(folder, versions={**manifest(folder)["versions"], "numpy": "1.0", "elsewhere": "2.0"})
    ended = rlreactor("resume", "run", "--quiet", "--json")
    first, second, third, *_ = ended.error.splitlines()
    assert first == "run has no snapshot that was finished: its training begins anew"
    assert second.startswith("the same bits are not sure any more, since this run began with numpy 1.0, now ")
    assert third.endswith("with elsewhere 2.0, now missing")
    check(ended, folder, whole)


def test_damaged_snapshots_are_told_of(rlreactor: CommandLine) -> None:
    kill(rlreactor, *KEPT, "--workers", "1")
    for shard in (rlreactor.folder / "run/snapshots").glob("*/shard-0.safetensors"):
        shard.write_bytes(b"damaged")
    ended = rlreactor("resume", "run", status=1)
    assert "run/snapshots has no whole snapshot to resume from; found: " in ended.error
    assert ended.error.endswith("To let this training begin anew: remove run/snapshots, and resume\n")


def test_what_still_runs_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlreactor.commands.folder_lock._PATIENCE_S", 0.0)
    folder = RunFolder.make(tmp_path / "run", "x")
    folder.record({"status": "running"})
    with folder.held(), pytest.raises(UsageError, match="run is in use: its training still runs"):
        resume_command(ResumeOptions(folder=folder.path), Output(as_json=False), _no_training)
    with folder.held():
        pass


def _no_training(algorithm: str, topology: Reactor) -> Training:
    raise AssertionError(algorithm, topology)


def test_what_has_ended_is_left_alone(rlreactor: CommandLine, trained: Trained) -> None:
    shutil.copytree(trained.folder, rlreactor.folder / "run")
    error = rlreactor("resume", "run", status=2).error
    assert error.startswith("rlreactor: run has nothing left to do: 4,096 steps at ")
    assert error.endswith(" eval run/checkpoint.safetensors\n")


def test_what_kept_no_snapshots_cannot_go_on(rlreactor: CommandLine, trained: Trained) -> None:
    shutil.copytree(trained.folder, rlreactor.folder / "run")
    change_manifest(rlreactor.folder / "run", status="interrupted")
    error = rlreactor("resume", "run", status=2).error
    assert error.startswith("rlreactor: run cannot be resumed: its training was started without --snapshots")


def test_what_is_no_run_is_refused(rlreactor: CommandLine) -> None:
    error = rlreactor("resume", "nowhere", status=2).error
    assert error.startswith("rlreactor: nowhere holds no training run: it has no manifest.json; expected a folder that")


def test_a_spec_says_itself_where_snapshots_go(rlreactor: CommandLine) -> None:
    error = rlreactor(*TRAIN, "--snapshots", "--spec", "train.yaml", status=2).error
    assert error == "rlreactor: --snapshots: leave it out, and name a folder for them in train.yaml: run.snapshots\n"
