"""`plan SPEC`, `graph SPEC`, `schema`, `keys` and `deploy --dry-run`: on a machine without any of the hosts."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest

from rlreactor import Plan, PlanError, RunError
from rlreactor.commands.check import CheckOptions, check_command
from rlreactor.commands.deploy import DeployOptions, deploy_command
from rlreactor.commands.failure import UsageError
from rlreactor.commands.graph import GraphOptions, graph_command
from rlreactor.commands.jobs import JobOptions, logs_command, status_command, stop_command
from rlreactor.commands.keys import KeysOptions, keys_command
from rlreactor.commands.output import Output
from rlreactor.commands.plan import PlanOptions, plan_command
from rlreactor.commands.run import RunOptions, run_command
from rlreactor.commands.schema import SchemaOptions, schema_command

from .conftest import HERE, CommandLine

SPEC = f"""\
topology:
  class: {HERE / "pair.py"}:Pair
  parameters: {{step: 3}}
hosts:
  - {{name: left, cores: 2, address: left.example}}
  - {{name: right, cores: 2, address: right.example}}
constraints:
  - {{reactors: sink, host: left}}
  - {{reactors: source, host: right}}
engine: ssh
"""
SILENT = Output(as_json=False)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "pair.yaml"
    path.write_text(SPEC)
    return path


def test_plan_of_a_spec(rlreactor: CommandLine) -> None:
    (rlreactor.folder / "pair.yaml").write_text(SPEC)
    plan = Plan.model_validate(rlreactor("plan", "pair.yaml", "--output", "plan.yaml", "--json").result)
    assert {worker.host: worker.reactors[-1] for worker in plan.workers} == {"left": "sink", "right": "source"}
    assert Plan.from_yaml((rlreactor.folder / "plan.yaml").read_text()) == plan


def test_the_plan_shows_hosts(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan_command(PlanOptions(topology=str(spec)), SILENT)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[2:5]] == [
        ["worker", "host", "cores"],
        ["0", "left", "0"],
        ["1", "right", "0"],
    ]


def test_graph_of_a_spec(spec: Path) -> None:
    text = graph_command(GraphOptions(topology=str(spec)), SILENT)["mermaid"]
    assert "worker 0" in text
    assert "left" in text


def test_check_of_a_spec(spec: Path) -> None:
    assert check_command(CheckOptions(topology=str(spec)), SILENT)["reactors"] == 3
    spec.write_text(SPEC.replace("reactors: sink", "reactors: snik"))
    with pytest.raises(PlanError, match=r"constraints\[0\]\.reactors: 'snik' matches no reactor; did you mean 'sink'"):
        check_command(CheckOptions(topology=str(spec)), SILENT)


def test_run_points_to_deploy(spec: Path) -> None:
    with pytest.raises(UsageError, match=r"pair\.yaml is a deployment's file: rlreactor deploy .*pair\.yaml"):
        run_command(RunOptions(topology=str(spec)), SILENT)


def test_parameters_of_the_command_line_go_before_those_of_the_spec(spec: Path) -> None:
    with pytest.raises(Exception, match="Pair has no parameter 'stop'; did you mean 'step'"):
        plan_command(PlanOptions(topology=str(spec), parameters=("stop=1",)), SILENT)


def test_every_mistake_of_a_spec_is_told(rlreactor: CommandLine) -> None:
    (rlreactor.folder / "pair.yaml").write_text(SPEC.replace("cores: 2", "cores: two"))
    ended = rlreactor("plan", "pair.yaml", status=2)
    assert ended.error == (
        "rlreactor: 2 mistakes:\n"
        'pair.yaml:5: hosts[0].cores: expected an int of 1 or more, received "two"\n'
        'pair.yaml:6: hosts[1].cores: expected an int of 1 or more, received "two"\n'
    )


@pytest.mark.parametrize(("option", "value"), [("workers", 2), ("simulate", "8 cores")])
def test_what_the_spec_says_itself(spec: Path, option: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"--{option}: a deployment says it itself, with its hosts; leave"):
        plan_command(PlanOptions.model_validate({"topology": str(spec), option: value}), SILENT)


def test_a_class_that_is_not_there(spec: Path) -> None:
    spec.write_text(SPEC.replace(":Pair", ":Piar"))
    with pytest.raises(UsageError, match=r"topology\.class: .*pair\.py has no class 'Piar'; did you mean 'Pair'"):
        plan_command(PlanOptions(topology=str(spec)), SILENT)


def test_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = schema_command(SchemaOptions(), SILENT)
    assert json.loads(capsys.readouterr().out) == found
    assert found["$defs"]["Host"]["properties"]["cores"]["minimum"] == 1
    schema_command(SchemaOptions(output=tmp_path / "schema.json"), SILENT)
    assert json.loads((tmp_path / "schema.json").read_text()) == found


def test_keys(tmp_path: Path, spec: Path) -> None:
    keys_command(KeysOptions(folder=tmp_path / "keys", slots=2), SILENT)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    secret = {"caller.key": 0o600, "slot-0.key": 0o600, "slot-1.key": 0o600}
    assert modes == {**secret, "caller.pub": 0o644, "slot-0.pub": 0o644, "slot-1.pub": 0o644}
    made = keys_command(KeysOptions(folder=tmp_path / "more", spec=spec), SILENT)
    assert set(made["files"]) == set(modes)


def test_keys_for_how_many() -> None:
    with pytest.raises(UsageError, match="expected one of --slots and --spec"):
        keys_command(KeysOptions(folder=Path("keys")), SILENT)


@pytest.mark.parametrize("engine", [None, "local"])
def test_dry_run(spec: Path, engine: str | None) -> None:
    options = DeployOptions.model_validate({"spec": spec, "engine": engine, "dry_run": True})
    found = deploy_command(options, SILENT)
    assert found["engine"] == (engine or "ssh")
    assert [slot["host"] for slot in found["slots"]] == ["left", "right"]
    assert found["text"].count(f"--plan {found['plan']}") == 2


def test_deploy_on_this_machine(rlreactor: CommandLine) -> None:
    """Two slots, as two hosts would be; the result is that of one process."""
    more = "run: {timeout: 4 ms, metrics: metrics.jsonl, state: state.safetensors}\n"
    (rlreactor.folder / "pair.yaml").write_text(SPEC + more)
    apart = rlreactor("deploy", "pair.yaml", "--engine", "local", "--json").result
    alone = rlreactor("run", "pair:Pair", "--set", "step=3", "--timeout", "4ms", "--workers", "1", "--json").result
    assert apart["fingerprint"] == alone["fingerprint"]
    assert (apart["tag"], apart["metrics"]) == (alone["tag"], alone["metrics"])
    assert apart["hosts"] == {"left": [0], "right": [1]}
    lines = [json.loads(line) for line in (rlreactor.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["total"] for line in lines] == [3, 6, 9, 12, 15]


def test_kubernetes_is_told_from_within(rlreactor: CommandLine) -> None:
    (rlreactor.folder / "pair.yaml").write_text(SPEC + "kubernetes: {image: x}\n")
    error = rlreactor("deploy", "pair.yaml", "--engine", "kubernetes", status=1).error
    assert error == (
        "rlreactor: the engine kubernetes runs within the cluster: rlreactor deploy SPEC --engine kubernetes --dry-run "
        "prints what to give to kubectl apply\n"
    )


def test_kubernetes_is_asked_with_its_own_command(spec: Path) -> None:
    spec.write_text(f"name: train\n{SPEC}kubernetes: {{image: x, namespace: labs}}\n")
    options = JobOptions.model_validate({"spec": spec, "engine": "kubernetes"})
    kubectl = "the cluster knows it; run: kubectl --namespace=labs "
    selector = "jobset.sigs.k8s.io/jobset-name=train,jobset.sigs.k8s.io/replicatedjob-name=caller"
    for command, words in (
        (status_command, "get jobset/train"),
        (logs_command, f"logs --follow --selector={selector}"),
        (stop_command, "delete jobset/train configmap/train-spec secret/train-keys"),
    ):
        with pytest.raises(UsageError) as told:
            command(options, SILENT)
        assert str(told.value) == kubectl + words


def test_a_run_is_found_where_it_was_started(rlreactor: CommandLine) -> None:
    """Asked about, its output found, and ended at a tag, by the name of its spec."""
    spec, log = rlreactor.folder / "endless.yaml", rlreactor.folder / "deploy.log"
    spec.write_text(SPEC + "run: {metrics: metrics.jsonl}\n")
    with log.open("w") as file:
        running = rlreactor.start("deploy", "endless.yaml", "--engine", "local", stdout=file, stderr=file)
    metrics, end = rlreactor.folder / "metrics.jsonl", time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size):
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < end
        time.sleep(0.02)
    assert rlreactor("status", "endless.yaml", "--json").result == {"processes": [running.pid]}
    said = rlreactor("logs", "endless.yaml").out
    assert said == (
        f"process {running.pid} writes to tail --follow=name {log}\n"
        "metrics, relative to where it was started: tail --follow=name metrics.jsonl\n"
    )
    assert rlreactor("stop", "endless.yaml").out == f"told process {running.pid} to stop at its next tag\n"
    assert running.wait(60) == 143
    assert "interrupted at" in log.read_text()
    error = rlreactor("status", "endless.yaml", status=1).error
    assert error == (
        f"rlreactor: no rlreactor deploy of {spec} by you runs on this machine, and such a run lasts as long as that; "
        "where it was started: rlreactor status endless.yaml\n"
    )


def test_slurm_without_slurm(spec: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    options = DeployOptions.model_validate({"spec": spec, "engine": "slurm"})
    with pytest.raises(RunError, match="there is no sbatch here: the engine slurm needs Slurm's commands"):
        deploy_command(options, SILENT)
