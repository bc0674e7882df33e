"""What engines would be given."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from rlreactor import PlanError
from rlreactor.deployment.compile import compile_deployment, job_of
from rlreactor.deployment.engines.dry_run import dry_run
from rlreactor.deployment.engines.sections import EngineName
from rlreactor.deployment.engines.slurm import batch_script
from rlreactor.deployment.read import parse_deployment

from .golden import ENGINES, GOLDEN, now
from .jobset_schema import problems
from .specs import FULL, deployment

MINIMAL = "topology: {class: 'tests.planner.topologies:Train'}\n"
Manifest = dict[str, Any]


def text(engine: EngineName, spec: str) -> str:
    compiled = compile_deployment(deployment(spec))
    return dry_run(engine, compiled.deployment, job_of(compiled, engine), "train.yaml")


def manifests(spec: str) -> list[Manifest]:
    return list(yaml.safe_load_all(text("kubernetes", spec)))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_text_is_the_golden_one(engine: EngineName) -> None:
    assert now(engine) == (GOLDEN / f"{engine}.txt").read_text()


def test_slots_of_this_machine_alone() -> None:
    assert text("local", MINIMAL).startswith("# slot 0: host 'localhost', worker")


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "local"])
def test_other_engines_need_hosts(engine: EngineName) -> None:
    with pytest.raises(PlanError, match=f"the engine {engine} needs hosts: list them in the spec"):
        text(engine, MINIMAL)


@pytest.mark.parametrize("engine", ["slurm", "kubernetes"])
def test_engines_that_count_hosts_refuse_one_without_work(engine: EngineName) -> None:
    spec = f"{MINIMAL}hosts: [{{name: a, cores: 4, count: 9}}]\nkubernetes: {{image: x}}\n"
    with pytest.raises(PlanError, match="host 'a-5' has nothing to do; take it out of the spec"):
        text(engine, spec)


def test_hosts_that_are_alike_are_one_component() -> None:
    script = text("slurm", f"{MINIMAL}hosts: [{{name: a, cores: 4, count: 2}}]\n")
    assert "#SBATCH --nodes=2\n" in script
    assert "hetjob" not in script


def test_what_a_user_says_reaches_the_shell_as_it_was_said() -> None:
    slurm = "slurm: {partition: 'a b; $(x)', setup: [module load cuda], options: ['--mail-user=x y'], requeue: false}\n"
    script = text("slurm", f"{MINIMAL}hosts: [{{name: a, cores: 4}}]\n{slurm}")
    assert "#SBATCH '--partition=a b; $(x)'\n" in script
    assert "#SBATCH '--mail-user=x y'\n" in script
    assert "#SBATCH --no-requeue\n" in script
    assert "set -eu\nmodule load cuda\nexec python3" in script


def test_a_job_and_a_set_that_are_started_again_go_on() -> None:
    kept = f"{MINIMAL}hosts: [{{name: a, cores: 4}}]\nkubernetes: {{image: x}}\nrun: {{snapshots: kept}}\n"
    assert "              - --resume\n" in text("kubernetes", kept)
    assert "--resume" not in text("kubernetes", kept.replace("snapshots: kept", "seed: 1"))
    assert batch_script(deployment(kept), "spec", resume=True).endswith("deploy spec --engine slurm --resume\n")
    assert "--resume" not in batch_script(deployment(kept), "spec")


@pytest.mark.parametrize("engine", ["slurm", "ssh", "local"])
def test_shells_understand_it(engine: EngineName) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    done = subprocess.run([shell, "-n"], input=now(engine), text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


# ---------------------------------------------------------------- Kubernetes


def test_manifests_are_valid() -> None:
    more = "{image: x, queue: q, service_account: s, volume_claim: c, node_selector: {a: b}, keys_secret: k}"
    rich = FULL.replace("\n  image: registry.example/train:1", f" {more}")
    for manifest in [*manifests(FULL), *manifests(rich)]:
        assert list(problems(manifest)) == []


def _misspell(manifest: Manifest) -> None:
    manifest["spec"]["sucessPolicy"] = manifest["spec"].pop("successPolicy")


def _misspell_within(manifest: Manifest) -> None:
    pod = manifest["spec"]["replicatedJobs"][1]["template"]["spec"]["template"]["spec"]
    pod["containers"][0]["imagee"] = "x"


def _wrong_type(manifest: Manifest) -> None:
    manifest["spec"]["failurePolicy"]["maxRestarts"] = "3"


def _wrong_type_within(manifest: Manifest) -> None:
    manifest["spec"]["replicatedJobs"][0]["template"]["spec"]["parallelism"] = "one"


@pytest.mark.parametrize("spoil", [_misspell, _misspell_within, _wrong_type, _wrong_type_within])
def test_the_validation_finds_what_is_wrong(spoil: Callable[[Manifest], None]) -> None:
    manifest = copy.deepcopy(manifests(FULL)[1])
    spoil(manifest)
    assert len(list(problems(manifest))) == 1


def test_the_callers_pod_reads_the_same_deployment() -> None:
    spec = manifests(FULL)[0]["data"]["deployment.json"]
    read = parse_deployment(spec.encode(), "deployment.json")
    assert read == deployment(FULL)
    compiled = compile_deployment(read)
    assert f"--plan\n              - {job_of(compiled, 'kubernetes').plan_hash}\n" in text("kubernetes", FULL)


def test_a_pod_has_its_own_key_and_no_other() -> None:
    found: dict[str, list[str]] = {}
    for job in manifests(FULL)[1]["spec"]["replicatedJobs"]:
        (keys,) = (v for v in job["template"]["spec"]["template"]["spec"]["volumes"] if v["name"] == "keys")
        assert keys["secret"]["defaultMode"] == 0o400
        found[job["name"]] = [item["key"] for item in keys["secret"]["items"]]
    assert found == {
        "caller": ["caller.key", "slot-0.pub", "slot-1.pub", "slot-2.pub"],
        "slot-0": ["slot-0.key", "caller.pub"],
        "slot-1": ["slot-1.key", "caller.pub"],
        "slot-2": ["slot-2.key", "caller.pub"],
    }


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (f"{MINIMAL}hosts: [{{name: a, cores: 4}}]\n", "needs kubernetes.image: a container image with rlreactor"),
        (
            f"{MINIMAL}name: 4you\nhosts: [{{name: a, cores: 4}}]\nkubernetes: {{image: x}}\n",
            "needs another name than '4you'",
        ),
    ],
)
def test_what_kubernetes_needs(spec: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        text("kubernetes", spec)
