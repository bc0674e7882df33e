"""Reactors that must share a worker, merged; constraints that nothing can fulfil, refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator
from typing import NamedTuple

from rlreactor.errors import PlanError, did_you_mean
from rlreactor.graph import Graph, Placing
from rlreactor.planner.cost import busy_reactors
from rlreactor.planner.machine import Machine
from rlreactor.planner.unions import Unions

__all__ = ["Group", "groups", "kept_together"]

_FREE = Placing()


class Group(NamedTuple):
    """Reactors on one worker, in graph order, and what they need together.

    They run one after another, so their threads and cores are not added up; each keeps its own GPUs, though.
    """

    reactors: tuple[str, ...]
    threads: int
    cores: int
    gpus: int


def groups(graph: Graph, machine: Machine) -> tuple[Group, ...]:
    """All reactors with reactions, merged by `with_`, in graph order.

    Raises PlanError for what this machine cannot give, and for constraints that contradict each other.
    """
    _check_targets(graph)
    merged = tuple(_group(graph, members) for members in kept_together(graph))
    _check_machine(graph, machine)
    return merged


def kept_together(graph: Graph) -> list[tuple[str, ...]]:
    """The reactors that have reactions, in sets that must share a worker: by `with_`, or because a mode holds them.

    Raises PlanError where `with_` names none of them.
    """
    unions = Unions(busy_reactors(graph))
    for path, placing in graph.placing.items():
        if placing.with_ is not None:
            unions.join(path, _partner(graph, unions, path, placing.with_))
        if placing.within is not None:
            unions.join(path, placing.within if placing.within in unions else _first_within(graph, placing.within))
    members: defaultdict[str, list[str]] = defaultdict(list)
    for path, head in unions.heads().items():
        members[head].append(path)
    return [tuple(paths) for paths in members.values()]


def _first_within(graph: Graph, modal: str) -> str:
    """The first reactor in a mode of `modal`, which has no reactions itself."""
    return next(path for path, placing in graph.placing.items() if placing.within == modal)


def _partner(graph: Graph, busy: Container[str], path: str, name: str) -> str:
    """What `with_` names: a reactor beside this one, or further out, the innermost first."""
    for candidate in _candidates(path, name):
        if candidate in busy:
            return candidate
        if candidate in graph.reactors:
            raise PlanError(f"{path}: with_={name!r}: {_needs_reactions(graph, candidate)}")
    raise PlanError(f"{path}: with_={name!r} names no reactor; {did_you_mean(name, graph.reactors)}")


def _candidates(path: str, name: str) -> Iterator[str]:
    scope = path
    while "." in scope:
        scope = scope.rpartition(".")[0]
        yield f"{scope}.{name}"
    yield name


def _check_targets(graph: Graph) -> None:
    busy = frozenset(busy_reactors(graph))
    for path in graph.placing:
        if path not in busy:
            raise PlanError(f"place of {path}: {_needs_reactions(graph, path)}")


def _needs_reactions(graph: Graph, path: str) -> str:
    inside = [busy for busy in busy_reactors(graph) if not path or busy.startswith(f"{path}.")]
    name = path or "the topology"
    mend = f"place what it contains: {', '.join(inside[:3])}" if inside else "remove the constraint"
    return f"{name} has no reactions, so it runs nowhere; {mend}"


def _group(graph: Graph, members: tuple[str, ...]) -> Group:
    placings = [graph.placing.get(path, _FREE) for path in members]
    _check_hosts(members, placings)
    cores = max(p.threads if p.cores is None else p.cores for p in placings)
    return Group(members, max(p.threads for p in placings), cores, sum(p.gpu for p in placings))


def _check_hosts(members: tuple[str, ...], placings: list[Placing]) -> None:
    asked = {p.host: path for path, p in zip(members, placings, strict=True) if p.host is not None}
    if len(asked) > 1:
        (one, there), (other, elsewhere) = sorted(asked.items())[:2]
        raise PlanError(
            f"{there} must be on host {one!r} and {elsewhere} on host {other!r}, but with_= puts both on one worker; "
            "remove one of the three"
        )


def _check_machine(graph: Graph, machine: Machine) -> None:
    for path, placing in graph.placing.items():
        _check_numbers(path, placing)
        for name, count in (("threads", placing.threads), ("cores", placing.cores or 1)):
            if count > machine.usable:
                raise PlanError(
                    f"{path}: {name}={count}, but {_has(machine)} {machine.usable} usable "
                    f"core{'s' * (machine.usable != 1)}; ask for {machine.usable} or fewer"
                )
    _check_gpus(graph, machine)


def _has(machine: Machine) -> str:
    hosts = len({core.host for core in machine.cores})
    return f"the {hosts} hosts together have" if hosts > 1 else "this machine has"


def _check_numbers(path: str, placing: Placing) -> None:
    for name, value, least in (("threads", placing.threads, 1), ("gpu", placing.gpu, 0)):
        if type(value) is not int or value < least:
            raise PlanError(f"{path}: {name}: expected an int of {least} or more, received {value!r}")


def _check_gpus(graph: Graph, machine: Machine) -> None:
    asking = {path: placing.gpu for path, placing in graph.placing.items() if placing.gpu}
    total, there = sum(asking.values()), len(machine.gpus)
    if total > there:
        each = ", ".join(f"{path}: {count}" for path, count in list(asking.items())[:4])
        raise PlanError(
            f"{total} GPU{'s' * (total != 1)} asked for ({each}{', …' if len(asking) > 4 else ''}), but "
            f"{_has(machine)} {there}; lower gpu=, or plan for a machine that has them"
        )
