"""A deployment given to a cluster through Kubernetes' official client: its keys, its spec, its set."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlreactor.deployment.engines.kubernetes import manifests, secret_name
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import RunError
from rlreactor.links.keys import CALLER, slot_name

__all__ = ["apply"]

_GROUP, _VERSION, _PLURAL = "jobset.x-k8s.io", "v1alpha2", "jobsets"


def apply(deployment: Deployment, job: Job, keys: Path) -> list[str]:
    """Make the Secret, the ConfigMap and the JobSet; returns what was made, as `secret/train-keys`.

    Args:
        deployment: its hosts are pods.
        job: which workers each has.
        keys: folder that `make_keys` filled.

    Raises PlanError as `manifests` does, and RunError without the client, without a cluster, or when it refuses one of
    the objects; those that were made before are then taken back.
    """
    config, jobset = manifests(deployment, job)
    cluster = _Cluster(deployment.kubernetes.namespace)
    made: list[dict[str, Any]] = []
    try:
        for manifest in (_secret(deployment, job, keys), config, jobset):
            cluster.make(manifest)
            made.append(manifest)
    except RunError:
        for manifest in reversed(made):
            cluster.remove(manifest)
        raise
    return [_name(manifest) for manifest in made]


def _secret(deployment: Deployment, job: Job, keys: Path) -> dict[str, Any]:
    metadata = {"name": secret_name(deployment), "namespace": deployment.kubernetes.namespace}
    files = {name: (keys / name).read_text() for name in _key_files(job)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": files}


def _key_files(job: Job) -> Iterator[str]:
    for who in (CALLER, *map(slot_name, range(len(job.slots)))):
        yield f"{who}.key"
        yield f"{who}.pub"


def _name(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind'].lower()}/{manifest['metadata']['name']}"


class _Cluster:
    """The one that `kubectl` would talk to."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        try:
            self._client: Any = importlib.import_module("kubernetes.client")
            configuration: Any = importlib.import_module("kubernetes.config")
        except ImportError as error:
            raise RunError(
                "--apply needs Kubernetes' client: pip install 'rlreactor[kubernetes]'; or give what --dry-run prints "
                "to kubectl apply"
            ) from error
        try:
            configuration.load_kube_config()
        except configuration.ConfigException as error:
            raise RunError(f"no Kubernetes cluster is configured here: {error}") from error

    def make(self, manifest: dict[str, Any]) -> None:
        core, custom = self._client.CoreV1Api(), self._client.CustomObjectsApi()
        makers = {
            "Secret": lambda: core.create_namespaced_secret(self._namespace, manifest),
            "ConfigMap": lambda: core.create_namespaced_config_map(self._namespace, manifest),
            "JobSet": lambda: custom.create_namespaced_custom_object(
                _GROUP, _VERSION, self._namespace, _PLURAL, manifest
            ),
        }
        try:
            makers[manifest["kind"]]()
        except self._client.ApiException as error:
            raise RunError(f"the cluster refuses {_name(manifest)}: {_reason(error)}") from error
        except Exception as error:  # the HTTP library's own
            raise RunError(f"the cluster cannot be reached for {_name(manifest)}: {error}") from error

    def remove(self, manifest: dict[str, Any]) -> None:
        core, name = self._client.CoreV1Api(), manifest["metadata"]["name"]
        removers = {"Secret": core.delete_namespaced_secret, "ConfigMap": core.delete_namespaced_config_map}
        removers[manifest["kind"]](name, self._namespace)


def _reason(error: Any) -> str:
    """What the API server says, instead of headers and body."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
