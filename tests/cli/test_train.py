"""`rlreactor train`: the figures, the folder, the words."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from rlreactor import Plan
from rlreactor.commands.failure import UsageError
from rlreactor.commands.run_folder import RunFolder
from rlreactor.observe.checkpoint import load_checkpoint

from .conftest import SHORT, CommandLine, Trained


def test_json_has_the_figures(trained: Trained) -> None:
    result = trained.result
    expected = {"env": "CartPole-v1", "seed": 0, "env_steps": 4096, "updates": 2, "workers": 2, "eval_episodes": 4}
    assert {name: result[name] for name in expected} == expected
    assert result["mean_return"] > 5
    assert result["eval_return"] > 5
    assert result["steps_per_second"] > 0
    assert 0 < result["seconds_to_first_update"] < 30
    assert len(result["weights_sha256"]) == 64
    assert result["fingerprint"]
    assert result["run_dir"] == "run"


def test_folder_is_complete(trained: Trained) -> None:
    (events,) = trained.folder.glob("events.out.tfevents.*")
    assert {path.name for path in trained.folder.iterdir()} == {
        "manifest.json", "plan.yaml", "checkpoint.safetensors", "metrics.jsonl", "curve.png", "topology.svg",
        "topology.mmd", events.name,
    }  # fmt: skip
    assert (trained.folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (trained.folder / "topology.svg").read_text()
    assert events.stat().st_size > 100


def test_manifest_says_what_the_result_depends_on(trained: Trained) -> None:
    manifest = json.loads((trained.folder / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["started"] < manifest["finished"]
    assert manifest["topology"] == "rlreactor.topologies.on_policy:OnPolicy"
    assert manifest["parameters"]["environment"] == {"id": "CartPole-v1", "options": {}}
    assert manifest["threads"]["learner"] == 1
    assert manifest["argv"][1:] == [*SHORT, "--workers", "2", "--run-dir", "run", "--json"]
    assert {"python", "numpy", "gymnasium", "rlreactor"} <= set(manifest["versions"])
    assert {"model", "flags", "architecture"} <= set(manifest["processor"])
    assert manifest["weights_sha256"] == trained.result["weights_sha256"]
    assert manifest["fingerprint"] == trained.result["fingerprint"]


def test_plan_can_be_used_again(trained: Trained) -> None:
    plan = Plan.from_yaml((trained.folder / "plan.yaml").read_text())
    assert len(plan.workers) == 2
    assert yaml.safe_load((trained.folder / "plan.yaml").read_text())["topology"] == plan.topology


def test_checkpoint_holds_the_weights_and_what_they_are_for(trained: Trained) -> None:
    checkpoint = load_checkpoint(trained.folder / "checkpoint.safetensors")
    assert hashlib.sha256(checkpoint.weights.tobytes()).hexdigest() == trained.result["weights_sha256"]
    assert checkpoint.about["environment"]["id"] == "CartPole-v1"
    assert checkpoint.about["policy"]["network"] == "mlp"
    assert checkpoint.about["config"]["horizon"] == 128
    assert (checkpoint.about["update"], checkpoint.about["env_steps"]) == (2, 4096)


def test_every_metric_is_a_line(trained: Trained) -> None:
    lines = [json.loads(line) for line in (trained.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["env_steps"] for line in lines if line["path"] == "learner"] == [2048, 4096]
    assert sum("eval_return" in line for line in lines) == 2


def test_text_ends_with_the_command_that_shows_the_policy(rlreactor: CommandLine) -> None:
    ended = rlreactor(*SHORT, "--workers", "1", "--run-dir", "run")
    lines = ended.out.splitlines()
    assert lines[0].startswith("4,096 steps at ")
    assert " · 1 worker · " in lines[0]
    assert [line.split() for line in lines[1:5]] == [
        ["checkpoint", "run/checkpoint.safetensors"],
        ["curve", "run/curve.png"],
        ["picture", "run/topology.svg"],
        ["metrics", "run/metrics.jsonl"],
    ]
    assert lines[5] == "to see the trained policy:"
    assert lines[6].endswith(" -m rlreactor.cli eval run/checkpoint.safetensors --video run/video")


def test_workers_change_nothing_and_torch_stays_out(rlreactor: CommandLine, trained: Trained) -> None:
    words = [*SHORT, "--workers", "1", "--run-dir", "again", "--json"]
    program = f"import sys, rlreactor.cli as c; c.main({words!r}); sys.exit('torch' in sys.modules and 'torch')"
    ended = rlreactor.end(rlreactor.start_python("-c", program))
    assert ended.status == 0, ended
    assert ended.result["weights_sha256"] == trained.result["weights_sha256"]
    assert ended.result["fingerprint"] == trained.result["fingerprint"]


def test_what_environments_print_stays_out_of_json(rlreactor: CommandLine) -> None:
    words = ("--steps", "64", "--horizon", "16", "--eval-episodes", "1", "--env-option", "loud=true")
    ended = rlreactor("train", "ppo", "--env", "broken_environments:Talks-v0", *words, "--workers", "2", "--json")
    assert ended.result["updates"] == 1
    assert "step\n" in ended.error


def test_defaults_are_those_of_the_environment(rlreactor: CommandLine) -> None:
    plain = rlreactor("train", "ppo", "--help").out
    cart_pole = rlreactor("train", "ppo", "--env=CartPole-v1", "--help").out
    assert "default: 100000" in cart_pole
    assert "default: 1000000" in plain
    assert "Step size of Adam, in units of the weights. (default: 0.001)" in cart_pole
    assert "Step size of Adam, in units of the weights. (default: 0.0005)" in plain


def test_groups_must_divide_the_environments(rlreactor: CommandLine) -> None:
    ended = rlreactor(*SHORT, "--envs-per-rollout", "8", "--groups", "3", status=2)
    assert "--groups: expected a number that divides the 8 environments of a rollout" in ended.error
    assert "received 3" in ended.error


def same_second(_: str) -> str:
    return "now"


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", same_second)
    names = [RunFolder.make(None, "ALE/Pong-v5-ppo-1").path for _ in range(3)]
    assert names == [Path(f"runs/ALE-Pong-v5-ppo-1-now{suffix}") for suffix in ("", "-2", "-3")]


def test_a_folder_with_a_run_is_left_alone(tmp_path: Path) -> None:
    folder = RunFolder.make(tmp_path, "x")
    folder.record({"status": "finished"})
    with pytest.raises(UsageError, match="already holds a run; choose another folder"):
        RunFolder.make(tmp_path, "x")


def test_a_spec_trains_the_same_weights_on_several_hosts(rlreactor: CommandLine, trained: Trained) -> None:
    rlreactor(*SHORT, "--spec", "cartpole.yaml")
    with (rlreactor.folder / "cartpole.yaml").open("a") as file:
        file.write("hosts: [{name: host, count: 3, cores: 1}]\n")
    result = rlreactor("deploy", "cartpole.yaml", "--json").result
    assert list(result["hosts"]) == ["host-0", "host-1", "host-2"]
    assert result["state_sha256"]["learner.weights"] == trained.result["weights_sha256"]
    assert result["fingerprint"] == trained.result["fingerprint"]


def test_several_learners_are_part_of_the_program(rlreactor: CommandLine, trained: Trained) -> None:
    words = (*SHORT, "--learners", "2", "--learner-network", "10.0.0.0/24")
    rlreactor(*words, "--spec", "several.yaml")
    parameters = yaml.safe_load((rlreactor.folder / "several.yaml").read_text())["topology"]["parameters"]
    assert (parameters["learners"], parameters["learner_network"]) == (2, "10.0.0.0/24")
    result = rlreactor(*SHORT, "--learners", "2", "--workers", "1", "--run-dir", "run", "--json").result
    assert result["env_steps"] == trained.result["env_steps"]
    assert result["weights_sha256"] != trained.result["weights_sha256"]
    assert load_checkpoint(rlreactor.folder / "run/checkpoint.safetensors").about["update"] == 2


def test_learners_that_cannot_share_are_refused(rlreactor: CommandLine) -> None:
    ended = rlreactor(*SHORT, "--learners", "3", "--learner-network", "everywhere", status=1)
    assert "learners: expected a number that divides the 2 rollouts" in ended.error
    assert "config.minibatch: expected a multiple of the 3 learners that share every minibatch" in ended.error
    assert "learner_network: expected an IPv4 network such as 10.0.0.0/24, received 'everywhere'" in ended.error
