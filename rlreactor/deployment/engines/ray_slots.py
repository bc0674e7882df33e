"""Slots on a Ray cluster: a placement group with a bundle for every host, and an actor in each.

Ray finds the nodes, starts all actors or none, and says when a node is lost. Its cluster needs rlreactor where it runs
Python; the caller runs on one of its nodes.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlreactor.deployment.engines.held import key_files
from rlreactor.deployment.engines.ray_actor import SlotActor
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment, Host
from rlreactor.errors import RunError

__all__ = ["RaySlots", "bundle"]

_GRACE_S = 15.0


def bundle(host: Host) -> dict[str, float]:
    """What a host asks of its node."""
    asked = {"CPU": float(host.cores), "GPU": float(host.gpus), "memory": float(host.memory or 0)}
    return {name: amount for name, amount in asked.items() if amount}


def _ray() -> Any:
    try:
        return importlib.import_module("ray")  # by name: most who deploy have no Ray
    except ImportError as error:
        raise RunError("the engine ray needs Ray: pip install 'rlreactor[ray]', the version of the cluster") from error


class RaySlots:
    """Implements `Engine`. Raises RunError without Ray, or when its cluster cannot be reached."""

    caller_ports: tuple[int, int] | None = None

    def __init__(self, deployment: Deployment) -> None:
        if not deployment.hosts:
            raise RunError("the engine ray needs hosts: list them in the spec, or one with a `count`")
        self._deployment = deployment
        self._ray = _ray()
        address = deployment.ray.address
        try:
            self._ray.init(address=address, logging_level="ERROR")
        except Exception as error:  # Ray raises whatever its parts raise
            raise RunError(f"cannot reach the Ray cluster {address!r}: {_last_line(error)}") from error
        self.caller_address: str = self._ray.util.get_node_ip_address()

    def start(self, job: Job, caller: str, keys: Path) -> RayGroup:
        """Start all slots. Raises RunError when the cluster has no room for them."""
        section = self._deployment.ray
        hosts = {host.name: host for host in self._deployment.machines}
        places = [hosts[slot.host] for slot in job.slots]
        group = self._ray.util.placement_group([bundle(host) for host in places], strategy=section.strategy)
        try:
            self._ray.get(group.ready(), timeout=section.start_seconds)
        except self._ray.exceptions.GetTimeoutError as error:
            self._ray.util.remove_placement_group(group)
            asked = ", ".join(f"{host.name}: {bundle(host)}" for host in places)
            raise RunError(
                f"the Ray cluster had no room after {section.start_seconds} s: asked for {asked}, {section.strategy}; "
                f"it has {self._ray.available_resources()} left in all"
            ) from error
        return RayGroup(self._ray, group, places, job, caller, keys)


class RayGroup:
    """Implements `StartedSlots`."""

    def __init__(self, ray: Any, group: Any, hosts: list[Host], job: Job, caller: str, keys: Path) -> None:
        self._ray = ray
        self._group = group
        self._ended: dict[int, str] = {}
        remote = ray.remote(SlotActor)
        strategy = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy
        self._actors = [
            remote.options(
                num_cpus=host.cores, num_gpus=host.gpus, max_concurrency=3, max_restarts=0,
                scheduling_strategy=strategy(placement_group=group, placement_group_bundle_index=index),
            ).remote()
            for index, host in enumerate(hosts)
        ]  # fmt: skip
        told = job.model_dump_json()
        started = [
            actor.start.remote(told, slot, caller, key_files(keys, slot)) for slot, actor in enumerate(self._actors)
        ]
        try:
            ray.get(started)
        except Exception as error:
            self.stop()
            raise RunError(f"a slot cannot be started on its Ray node: {_last_line(error)}") from error
        self._waits = {actor.wait.remote(): slot for slot, actor in enumerate(self._actors)}

    def ended(self) -> Mapping[int, str]:
        """Those slots that have ended, each with how."""
        waiting = list(self._waits)
        if not waiting:
            return dict(self._ended)
        for reference in self._ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]:
            self._take(self._waits.pop(reference), reference)
        return dict(self._ended)

    def _take(self, slot: int, answer: Any) -> None:
        errors = self._ray.exceptions
        try:
            self._ended[slot] = str(self._ray.get(answer))
        except errors.ActorUnavailableError:  # perhaps only for a while: whether a host lives the run tells by itself
            self._waits[self._actors[slot].wait.remote()] = slot
        except errors.RayError as error:
            self._ended[slot] = f"was lost with its Ray actor: {_last_line(error)}"

    def stop(self) -> None:
        """End the slots, and give the nodes back."""
        ray = self._ray
        with contextlib.suppress(Exception):  # a lost node answers nothing
            ray.wait([actor.stop.remote() for actor in self._actors], num_returns=len(self._actors), timeout=_GRACE_S)
        for actor in self._actors:
            ray.kill(actor)
        ray.util.remove_placement_group(self._group)
        ray.shutdown()


def _last_line(error: Exception) -> str:
    return next((line for line in reversed(str(error).strip().splitlines()) if line.strip()), type(error).__name__)
