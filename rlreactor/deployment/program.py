"""What the hosts of a run must have in common beside the job: the program's sources, and versions of packages."""

from __future__ import annotations

import hashlib
import inspect
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import rlreactor
from rlreactor.deployment.job import Job
from rlreactor.graph import Graph, Placing, check
from rlreactor.planner.fit import check_fit
from rlreactor.reactor import Reactor, class_path
from rlreactor.reference import load

__all__ = ["difference", "graph_of", "program_digest", "versions"]

_PACKAGES = ("numpy", "pyzmq", "msgpack", "torch", "gymnasium", "ale-py", "Box2D", "mujoco", "envpool")


def graph_of(job: Job) -> Graph:
    """The job's topology, made and checked here.

    Raises what making it raises (UserCodeError, ReferenceProblem, TopologyError), and PlanError when the plan is none
    for it.
    """
    graph = check(load(job.topology, job.parameters), fast=job.options.fast)
    check_fit(job.plan, graph)
    placing = dict(graph.placing)
    for path, threads in job.threads.items():
        placing[path] = placing.get(path, Placing())._replace(threads=threads)
    return graph._replace(placing=placing)


def program_digest(graph: Graph) -> str:
    """Of what the reactions are, how they are joined, and the sources of the reactors' classes."""
    digest = hashlib.sha256()
    for node in graph.reactions:
        digest.update(repr((node.path, node.triggers, node.reads, node.effects, node.may_stop)).encode())
    for edge in graph.edges:
        digest.update(repr((edge.source, edge.sink, *edge.delay)).encode())
    for path, port in graph.ports.items():
        digest.update(repr((path, port.spec)).encode())
    for name, source in sorted({class_path(cls): _source(cls) for cls in map(type, graph.reactors.values())}.items()):
        digest.update(repr((name.rpartition(":")[2], source)).encode())
    return digest.hexdigest()[:16]


def _source(cls: type[Reactor]) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):  # made by a program, as a test or a notebook does
        return ""


def versions() -> dict[str, str]:
    """Of rlreactor, Python and the packages that results depend on, those that are installed. Imports none of them."""
    found = {"rlreactor": rlreactor.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def difference(expected: Mapping[str, str], received: Mapping[str, str]) -> str:
    """The packages of which two hosts have different versions, each with both; "" if there are none."""
    return "; ".join(
        f"{name}: expected {expected[name]}, received {received[name]}"
        for name in expected
        if name in received and expected[name] != received[name]
    )
