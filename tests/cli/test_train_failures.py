"""What goes wrong while training: one clear message, the right exit status, nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import pytest

from rlreactor.observe.checkpoint import load_checkpoint

from .conftest import SHORT, CommandLine, Ended

TINY = ("--rollouts", "2", "--envs-per-rollout", "1", "--horizon", "16", "--hidden", "8", "--eval-episodes", "0")


def train(environment: str, *words: str) -> tuple[str, ...]:
    return ("train", "ppo", "--env", f"broken_environments:{environment}-v0", *TINY, "--quiet", *words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--env", "CartPol-v1"],
            "rlreactor: --env: no environment 'CartPol-v1': Environment 'CartPol' doesn't exist. Did you mean: "
            "'CartPole'?",
        ),
        (
            ["--env", "CartPole-v1", "--learning-rate", "-1"],
            "rlreactor: --learning-rate: expected greater than 0, received -1.0\nsee rlreactor train ppo --help\n",
        ),
        (
            ["--env", "CartPole-v1", "--env-option", "wind=3"],
            "rlreactor: --env: environment 'CartPole-v1' refuses its options {'wind': 3}",
        ),
    ],
)
def test_wrong_value(rlreactor: CommandLine, words: list[str], expected: str) -> None:
    ended = rlreactor("train", "ppo", *words, status=2)
    assert ended.error.startswith(expected)
    assert "Traceback" not in ended.error
    assert list(rlreactor.folder.iterdir()) == []


def test_unknown_option_is_named_with_the_one_that_is_meant(rlreactor: CommandLine) -> None:
    error = rlreactor("train", "ppo", "--env", "CartPole-v1", "--lerning-rate", "1", status=2).error
    assert "Unrecognized options: --lerning-rate" in error
    assert "--learning-rate FLOAT" in error


def test_missing_extra_is_named_with_the_command_that_installs_it(rlreactor: CommandLine) -> None:
    (rlreactor.folder / "sitecustomize.py").write_text("import sys; sys.modules['ale_py'] = None\n")
    ended = rlreactor("train", "ppo", "--env", "ALE/Pong-v5", "--json", status=2)
    expected = "--env: environment 'ALE/Pong-v5' needs ale_py, which is not installed: pip install 'rlreactor[atari]'"
    assert ended.error == f"rlreactor: {expected}\n"
    assert ended.result == {"error": expected}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_environment_that_raises(rlreactor: CommandLine, workers: str) -> None:
    ended = rlreactor(*train("Raises", "--workers", workers, "--run-dir", "run"), status=1)
    first, frame, *_, last = ended.error.splitlines()
    assert first == "rlreactor: reaction actors[0].collect failed at (32 ns, 0): RuntimeError: the motor is on fire"
    assert frame.startswith('  File "')
    assert "broken_environments.py" in frame
    assert last == "the whole traceback is in run/manifest.json"
    assert "Traceback" not in ended.error
    manifest = json.loads((rlreactor.folder / "run/manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert "rollout.py" in manifest["error"]


def test_environment_that_returns_a_wrong_shape(rlreactor: CommandLine) -> None:
    ended = rlreactor(*train("Swells", "--workers", "2", "--run-dir", "run"), status=1)
    assert ended.error == (
        "rlreactor: reaction actors[0].collect failed at (32 ns, 0): EnvironmentProblem: environment "
        "'broken_environments:Swells-v0': step() returned an observation of shape (4,), but its observation_space says "
        "(3,); mend the environment or its observation_space\n"
        "the whole traceback is in run/manifest.json\n"
    )


def test_full_disk(rlreactor: CommandLine) -> None:
    """No file may grow beyond 12 kB: the metrics meet that after some thirty updates."""
    limit = 12_000
    ended = rlreactor(
        *train("Steady", "--workers", "1", "--run-dir", "run"),
        status=1,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ended.error.startswith(
        "rlreactor: run/metrics.jsonl cannot be written: file too large; free some space there, or choose a folder on "
        "another disk\ninterrupted after "
    )
    assert "Traceback" not in ended.error
    assert load_checkpoint(rlreactor.folder / "run/checkpoint.safetensors").about["update"] > 10
    lines = (rlreactor.folder / "run/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["learner"] * len(lines)
    assert json.loads((rlreactor.folder / "run/manifest.json").read_text())["status"] == "failed"


def test_folder_that_cannot_be_made(rlreactor: CommandLine) -> None:
    (rlreactor.folder / "file").touch()
    ended = rlreactor(*SHORT, "--run-dir", "file/run", status=1)
    assert ended.error == (
        "rlreactor: file/run cannot be written: not a directory; choose a folder that you may write to\n"
    )


def start_and_wait(rlreactor: CommandLine, at: int, *words: str) -> Popen[str]:
    """A run whose only environment has got to step `at`, and which would go on for hours."""
    pipe = rlreactor.folder / "pipe"
    os.mkfifo(pipe)
    options = ("--env-option", f"pipe={pipe}", "--env-option", f"at={at}", "--steps", "100000000", "--run-dir", "run")
    process = rlreactor.start(*train("Tells", *options, "--rollouts", "1", *words))
    assert pipe.read_text().startswith("here")
    return process


def waiting_for(rlreactor: CommandLine) -> tuple[Path, tuple[str, ...]]:
    """A pipe, and the words that let the environment wait for it."""
    pipe = rlreactor.folder / "go"
    os.mkfifo(pipe)
    return pipe, ("--env-option", f"wait_for={pipe}")


@pytest.mark.parametrize(
    ("number", "status", "workers"),
    [(signal.SIGINT, 130, "2"), (signal.SIGINT, 130, "1"), (signal.SIGTERM, 143, "2")],
)
def test_signal_saves_the_policy(rlreactor: CommandLine, number: int, status: int, workers: str) -> None:
    process = start_and_wait(rlreactor, 100, "--workers", workers, "--json")
    process.send_signal(number)
    ended = rlreactor.end(process)
    assert ended.status == status, ended
    assert ended.result["interrupted"] == signal.Signals(number).name
    checkpoint = load_checkpoint(rlreactor.folder / "run/checkpoint.safetensors")
    assert checkpoint.about["env_steps"] == ended.result["env_steps"] >= 6 * 16
    steps, program = f"{ended.result['env_steps']:,}", "-m rlreactor.cli"
    first, second = ended.error.splitlines()
    assert first == (f"rlreactor: interrupted after {steps} steps; the policy so far is in run/checkpoint.safetensors")
    assert second.startswith("to see what it is worth: ")
    assert second.endswith(f"{program} eval run/checkpoint.safetensors")
    assert json.loads((rlreactor.folder / "run/manifest.json").read_text())["status"] == "interrupted"


def test_signal_before_the_first_update(rlreactor: CommandLine) -> None:
    go, words = waiting_for(rlreactor)
    process = start_and_wait(rlreactor, 0, *words, "--workers", "1", "--json")
    process.send_signal(signal.SIGINT)
    go.write_text("on")
    ended = rlreactor.end(process)
    assert ended.status == 130, ended
    assert ended.error == (
        "rlreactor: interrupted before the first update: there is no checkpoint; run/manifest.json says what was "
        "started\n"
    )
    assert ended.result["updates"] == 0
    assert not (rlreactor.folder / "run/checkpoint.safetensors").exists()


def interrupted_again_and_again(rlreactor: CommandLine, process: Popen[str]) -> Ended:
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(TimeoutExpired):
            process.wait(0.3)
    return rlreactor.end(process)


def test_second_ctrl_c_breaks_off(rlreactor: CommandLine) -> None:
    _, words = waiting_for(rlreactor)
    process = start_and_wait(rlreactor, 40, *words, "--workers", "2")
    ended = interrupted_again_and_again(rlreactor, process)
    assert ended.status == 130, ended
    expected = "broken off before the policy could be saved; the metrics so far are in run/metrics.jsonl"
    assert ended.error == f"rlreactor: {expected}\n"


def test_second_ctrl_c_while_an_environment_is_made(rlreactor: CommandLine) -> None:
    pipe = rlreactor.folder / "pipe"
    os.mkfifo(pipe)
    words = train("Lingers", "--env-option", f"pipe={pipe}", "--workers", "1", "--run-dir", "run")
    process = rlreactor.start(*words)
    assert pipe.read_text() == "here"
    ended = interrupted_again_and_again(rlreactor, process)
    assert ended.status == 130, ended
    assert ended.error == (
        "rlreactor: interrupted before the first update: there is no checkpoint; run/manifest.json says what was "
        "started\n"
    )
    assert json.loads((rlreactor.folder / "run/manifest.json").read_text())["status"] == "interrupted"


def test_signal_while_the_curve_is_drawn(rlreactor: CommandLine) -> None:
    """matplotlib reads its settings when it is loaded: here from a pipe."""
    settings = rlreactor.folder / "matplotlibrc"
    os.mkfifo(settings)
    process = rlreactor.start(*train("Steady", "--workers", "1", "--steps", "320", "--run-dir", "run", "--json"))
    with settings.open("w"):
        process.send_signal(signal.SIGINT)
        ended = rlreactor.end(process)
    assert ended.status == 130, ended
    first, reached, checkpoint, *_ = ended.error.splitlines()
    assert first == "rlreactor: interrupted while the pictures were drawn, when all else was done"
    assert reached.startswith("320 steps at ")
    assert checkpoint == "  checkpoint  run/checkpoint.safetensors"
    assert ended.result["env_steps"] == 320
    assert not (rlreactor.folder / "run/curve.png").exists()
    assert json.loads((rlreactor.folder / "run/manifest.json").read_text())["status"] == "finished"
