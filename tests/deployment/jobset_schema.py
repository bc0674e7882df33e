"""A strict JSON schema of JobSets as we write them, after the public API reference of `jobset.x-k8s.io/v1alpha2`.

It has exactly the fields that we use, and refuses all others. What is within a replicated job's template is a core
object, `batch/v1` Job, and validated as one. The webhook's rules that are no schema are not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]

__all__ = ["problems"]

KUBERNETES = "1.37"


def _strict(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 0}
_SUFFIX = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "maxLength": 63}
_NAME = {"type": "string", "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$", "maxLength": 40}
_LABELS = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}}

_REPLICATED_JOB = _strict(
    ["name", "template"], name=_SUFFIX, replicas=_COUNT, template=_strict(["spec"], spec={"type": "object"})
)
_JOBSET = _strict(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "jobset.x-k8s.io/v1alpha2"},
    kind={"const": "JobSet"},
    metadata=_strict(["name"], name=_NAME, namespace=_SUFFIX, labels=_LABELS),
    spec=_strict(
        ["replicatedJobs"],
        suspend={"type": "boolean"},
        network=_strict([], enableDNSHostnames={"type": "boolean"}, subdomain=_NAME),
        successPolicy=_strict(
            ["operator"], operator={"enum": ["All", "Any"]}, targetReplicatedJobs={"type": "array", "items": _TEXT}
        ),
        failurePolicy=_strict([], maxRestarts=_COUNT),
        replicatedJobs={"type": "array", "minItems": 1, "items": _REPLICATED_JOB},
    ),
)


def problems(manifest: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a manifest, core or JobSet."""
    if manifest.get("kind") != "JobSet":
        yield from _core(manifest)
        return
    found = [error.message for error in jsonschema.Draft202012Validator(_JOBSET).iter_errors(manifest)]
    yield from found
    if not found:
        for job in manifest["spec"]["replicatedJobs"]:
            yield from _core({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, **job["template"]})


def _core(manifest: dict[str, Any]) -> Iterator[str]:
    try:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield str(error.message)
