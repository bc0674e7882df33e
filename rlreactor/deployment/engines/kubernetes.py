"""One JobSet for Kubernetes: a job of one pod for the caller, and one for every slot.

Nothing starts anything from within: all pods come up together, find the caller by the name that the set's headless
service gives it, and every slot mounts its own key and no other. The Secret is not part of the text.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from rlreactor.deployment.engine import worker_command
from rlreactor.deployment.engines.sections import KubernetesSection
from rlreactor.deployment.engines.text import check_all_used
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment, Host
from rlreactor.errors import PlanError
from rlreactor.links.keys import CALLER, slot_name

__all__ = ["CALLER_PORT", "dry_run", "kubectl_words", "manifests", "secret_name"]

CALLER_PORT = 47599
"""Where the caller listens, in its pod."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SPEC_FOLDER, _SPEC_FILE = "/etc/rlreactor", "deployment.json"
_KEYS_FOLDER, _RESULTS_FOLDER = "/run/rlreactor/keys", "/results"
_OWNER_READS = 0o400
_CALLER_RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}}

Manifest = dict[str, Any]


def dry_run(deployment: Deployment, job: Job, spec: str) -> str:
    """The manifests as YAML, for `kubectl apply -f -`. Raises PlanError."""
    import yaml  # only where a file is written

    return str(yaml.safe_dump_all(manifests(deployment, job), sort_keys=False, allow_unicode=True, width=1000))


def manifests(deployment: Deployment, job: Job) -> list[Manifest]:
    """A ConfigMap with the deployment, which the caller reads, and the JobSet.

    Raises PlanError without hosts or image, for a name that cannot be one there, and for a host that has nothing to do.
    """
    if not deployment.hosts:
        raise PlanError("the engine kubernetes needs hosts: list them in the spec, or one with a `count`")
    if deployment.kubernetes.image is None:
        raise PlanError("the engine kubernetes needs kubernetes.image: a container image with rlreactor installed")
    if not _NAME.fullmatch(deployment.name):
        raise PlanError(
            f"the engine kubernetes needs another name than {deployment.name!r}: pods and a service are named "
            "after it, so it begins with a letter and has at most 40 characters"
        )
    check_all_used(deployment, job)
    spec = deployment.model_dump_json(by_alias=True, exclude_unset=True)
    metadata = {"name": f"{deployment.name}-spec", "namespace": deployment.kubernetes.namespace}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {_SPEC_FILE: spec}}
    return [config, _jobset(deployment, job)]


def _jobset(deployment: Deployment, job: Job) -> Manifest:
    section = deployment.kubernetes
    queue = {} if section.queue is None else {"labels": {"kueue.x-k8s.io/queue-name": section.queue}}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": deployment.name, "namespace": section.namespace, **queue},
        "spec": {
            **({"suspend": True} if queue else {}),  # Kueue lets it go when there is room for all
            "network": {"enableDNSHostnames": True, "subdomain": deployment.name},
            "successPolicy": {"operator": "All", "targetReplicatedJobs": [CALLER]},
            "failurePolicy": {"maxRestarts": section.max_restarts},
            "replicatedJobs": [_caller(deployment, job), *(_slot(deployment, job, i) for i in range(len(job.slots)))],
        },
    }


def _caller(deployment: Deployment, job: Job) -> Manifest:
    section = deployment.kubernetes
    words = ["deploy", f"{_SPEC_FOLDER}/{_SPEC_FILE}", "--engine", "kubernetes", "--keys", _KEYS_FOLDER]
    words += ["--resume"] * (deployment.run.snapshots is not None)  # a set that is started again starts this again
    volumes = [
        {"name": "spec", "configMap": {"name": f"{deployment.name}-spec"}},
        _keys(deployment, f"{CALLER}.key", *(f"{slot_name(index)}.pub" for index in range(len(job.slots)))),
    ]
    mounts = [_mount("spec", _SPEC_FOLDER), _mount("keys", _KEYS_FOLDER)]
    container = {
        **_container(section, words, _CALLER_RESOURCES),
        "ports": [{"name": "caller", "containerPort": CALLER_PORT}],
    }
    if section.volume_claim is not None:
        volumes.append({"name": "results", "persistentVolumeClaim": {"claimName": section.volume_claim}})
        mounts.append({"name": "results", "mountPath": _RESULTS_FOLDER})
        container["workingDir"] = _RESULTS_FOLDER
    return _replicated(CALLER, section, {**container, "volumeMounts": mounts}, volumes)


def _slot(deployment: Deployment, job: Job, index: int) -> Manifest:
    section = deployment.kubernetes
    host = next(host for host in deployment.machines if host.name == job.slots[index].host)
    endpoint = f"tcp://{deployment.name}-{CALLER}-0-0.{deployment.name}:{CALLER_PORT}"
    words = worker_command(job, index, endpoint, _KEYS_FOLDER)[1:]
    memory = {"medium": "Memory"}  # where a container has 64 MB otherwise
    volumes = [
        _keys(deployment, f"{slot_name(index)}.key", f"{CALLER}.pub"),
        {"name": "memory", "emptyDir": memory},
    ]
    mounts = [_mount("keys", _KEYS_FOLDER), {"name": "memory", "mountPath": "/dev/shm"}]
    container = {**_container(section, words, _resources(host)), "volumeMounts": mounts}
    return _replicated(slot_name(index), section, container, volumes)


def _replicated(name: str, section: KubernetesSection, container: Manifest, volumes: list[Manifest]) -> Manifest:
    """One pod, which the set restarts and not its job: the others would wait for it in vain."""
    pod: Manifest = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    if section.node_selector:
        pod["nodeSelector"] = dict(section.node_selector)
    if section.service_account is not None:
        pod["serviceAccountName"] = section.service_account
    job = {"parallelism": 1, "completions": 1, "backoffLimit": 0, "template": {"spec": pod}}
    return {"name": name, "replicas": 1, "template": {"spec": job}}


def _container(section: KubernetesSection, words: list[str], resources: Manifest) -> Manifest:
    command = [*shlex.split(section.python), "-m", "rlreactor.cli", *words]
    return {"name": "rlreactor", "image": section.image, "command": command, "resources": resources}


def _resources(host: Host) -> Manifest:
    asked: Manifest = {"cpu": str(host.cores)}
    if host.memory is not None:
        asked["memory"] = str(host.memory)
    if host.gpus:
        asked["nvidia.com/gpu"] = str(host.gpus)
    return {"requests": asked, "limits": dict(asked)}


def kubectl_words(deployment: Deployment, command: str) -> list[str]:
    """What a user runs for the `status`, the `logs` or the `stop` of a deployment."""
    name = deployment.name
    of_caller = f"jobset.sigs.k8s.io/jobset-name={name},jobset.sigs.k8s.io/replicatedjob-name={CALLER}"
    words = {
        "status": ["get", f"jobset/{name}"],
        "logs": ["logs", "--follow", f"--selector={of_caller}"],
        "stop": ["delete", f"jobset/{name}", f"configmap/{name}-spec", f"secret/{secret_name(deployment)}"],
    }
    return ["kubectl", f"--namespace={deployment.kubernetes.namespace}", *words[command]]


def secret_name(deployment: Deployment) -> str:
    """Of the Secret with the keys."""
    return deployment.kubernetes.keys_secret or f"{deployment.name}-keys"


def _keys(deployment: Deployment, *files: str) -> Manifest:
    items = [{"key": file, "path": file} for file in files]
    return {
        "name": "keys",
        "secret": {"secretName": secret_name(deployment), "defaultMode": _OWNER_READS, "items": items},
    }


def _mount(name: str, folder: str) -> Manifest:
    return {"name": name, "mountPath": folder, "readOnly": True}
