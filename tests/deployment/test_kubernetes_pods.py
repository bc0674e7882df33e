"""What the manifests' pods run, run here: every container's own command, with the files that it would mount."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rlreactor import RunError, run
from rlreactor.deployment.compile import compile_deployment, job_of
from rlreactor.deployment.engines.choose import engine_for
from rlreactor.deployment.engines.kubernetes import dry_run
from rlreactor.links.keys import make_keys
from rlreactor.reference import load

from .specs import deployment

ROOT = Path(__file__).parent.parent.parent
PAIR = f"{ROOT}/tests/cli/pair.py:Pair"
SPEC = f"""\
topology: {{class: '{PAIR}', parameters: {{step: 3}}}}
hosts: [{{name: a, cores: 1}}, {{name: b, cores: 1}}]
run: {{timeout: 4 ms}}
kubernetes: {{image: registry.example/train:1, python: {sys.executable}}}
"""
TIMEOUT_S = 60


class Pod:
    """A container's command with its volumes, as a process of this machine."""

    def __init__(self, folder: Path, replicated: dict[str, Any], config: dict[str, str], secret: Path) -> None:
        pod = replicated["template"]["spec"]["template"]["spec"]
        container = pod["containers"][0]
        folders: dict[str, Path] = {}
        for volume in pod["volumes"]:
            where = folders[volume["name"]] = folder / replicated["name"] / volume["name"]
            where.mkdir(parents=True)
            for item in volume.get("secret", {}).get("items", ()):
                (where / item["path"]).write_bytes((secret / item["key"]).read_bytes())
                (where / item["path"]).chmod(volume["secret"]["defaultMode"])
            for name, text in config.items() if "configMap" in volume else ():
                (where / name).write_text(text)
        mounts = {mount["mountPath"]: str(folders[mount["name"]]) for mount in container["volumeMounts"]}
        words = [_within(mounts, word) for word in container["command"]]
        environment = {**os.environ, "KUBERNETES_SERVICE_HOST": "10.96.0.1", "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)

    def end(self) -> tuple[int, str, str]:
        out, error = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, out, error


def _within(mounts: dict[str, str], word: str) -> str:
    for path, here in mounts.items():
        word = word.replace(path, here)
    return word.replace("rlreactor-caller-0-0.rlreactor", "localhost")  # the name that the headless service gives


def test_the_pods_run_the_deployment(tmp_path: Path) -> None:
    compiled = compile_deployment(deployment(SPEC))
    config, jobset = yaml.safe_load_all(dry_run(compiled.deployment, job_of(compiled, "kubernetes"), "train.yaml"))
    make_keys(tmp_path / "secret", 2)
    pods = [Pod(tmp_path, job, config["data"], tmp_path / "secret") for job in jobset["spec"]["replicatedJobs"]]
    try:
        caller, *slots = (pod.end() for pod in pods)
    finally:
        for pod in pods:
            with pod.process:
                pod.process.kill()
    alone = run(load(PAIR, {"step": 3}), workers=1, timeout=4_000_000)
    assert caller[0] == 0, caller
    assert f"fingerprint {alone.fingerprint}\n" in caller[1]
    assert [status for status, _, _ in slots] == [0, 0], slots


def test_outside_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(RunError, match="the engine kubernetes runs within the cluster"):
        engine_for("kubernetes", deployment(SPEC))
