"""`deploy --apply` against an API server of HTTP that takes what the schemas allow, and keeps it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rlreactor import RunError
from rlreactor.commands.deploy import DeployOptions, deploy_command
from rlreactor.commands.failure import UsageError
from rlreactor.commands.output import Output

from .jobset_schema import problems
from .specs import FULL

pytest.importorskip("kubernetes", reason="the client of Kubernetes is not installed (extra `kubernetes`)")
SILENT = Output(as_json=False)
SETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets"


class Server(ThreadingHTTPServer):
    """Objects by path; whoever is in `full` has no place for another."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, dict[str, Any]] = {}
        self.full: set[str] = set()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if method == "DELETE":
            return (200, self.objects.pop(path)) if path in self.objects else (404, {"message": "not found"})
        name = f"{path}/{body['metadata']['name']}"
        wrong = list(problems(body))
        if wrong or path in self.full or name in self.objects:
            return (
                (422, {"message": wrong[0]}) if wrong else (409, {"message": f"{name.split('/')[-1]} already exists"})
            )
        self.objects[name] = body
        return 201, body


class Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        assert isinstance(self.server, Server)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        status, found = self.server.answer(self.command, self.path.partition("?")[0], body)
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Configured as kubectl is."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        about: dict[str, Any] = {
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "me", "user": {}}],
        }  # fmt: skip
        (tmp_path / "config").write_text(json.dumps(about))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
        yield server
        server.shutdown()


def applied(tmp_path: Path, **more: Any) -> dict[str, Any]:
    spec = tmp_path / "train.yaml"
    spec.write_text(FULL)
    return deploy_command(
        DeployOptions.model_validate({"spec": spec, "engine": "kubernetes", "apply": True, **more}), SILENT
    )


def test_the_cluster_gets_keys_spec_and_set(server: Server, tmp_path: Path) -> None:
    assert applied(tmp_path)["made"] == ["secret/cartpole-keys", "configmap/cartpole-spec", "jobset/cartpole"]
    secret = server.objects["/api/v1/namespaces/default/secrets/cartpole-keys"]["stringData"]
    assert len(secret) == 8
    mounted = {
        item["key"]
        for job in server.objects[f"{SETS}/cartpole"]["spec"]["replicatedJobs"]
        for volume in job["template"]["spec"]["template"]["spec"]["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }
    assert mounted == secret.keys()


def test_what_is_refused_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.full.add(SETS)
    with pytest.raises(RunError, match="the cluster refuses jobset/cartpole: cartpole already exists"):
        applied(tmp_path)
    assert server.objects == {}


def test_a_cluster_that_is_not_there(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(RunError, match="no Kubernetes cluster is configured here"):
        applied(tmp_path)


def test_other_engines_are_not_applied(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="--apply is for the engine kubernetes, and this one is ssh; leave the option out"
    ):
        applied(tmp_path, engine="ssh")
