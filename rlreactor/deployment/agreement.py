"""What the parts of a deployment must agree on, looked for in plain data, so that it is found beside other mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from rlreactor.errors import did_you_mean

__all__ = ["Problem", "disagreements", "machine_names", "most_machines"]

Problem = tuple[tuple[int | str, ...], str]
"""Where in the file, and what is wrong."""

most_machines = 4096
"""How many machines one entry, or all together, may stand for."""

_ONE_MACHINE = ("address", "data_address")


def disagreements(data: Any) -> list[Problem]:
    """Whatever the data is: what is not as it should be is left to others."""
    hosts = _entries(data, "hosts")
    machines = sum(map(_machines, hosts))
    if machines > most_machines:
        return [(("hosts",), f"expected at most {most_machines} machines, received {machines:,}")]
    constraints = _entries(data, "constraints")
    return [*_host_problems(hosts), *_constraint_problems(constraints, hosts), *_run_problems(data)]


def machine_names(name: str, count: int) -> tuple[str, ...]:
    """`actors` alone, or `actors-0`, `actors-1`, …"""
    return (name,) if count == 1 else tuple(f"{name}-{index}" for index in range(count))


def _entries(data: Any, name: str) -> list[Mapping[str, Any]]:
    found: Any = cast(Mapping[str, Any], data).get(name) if isinstance(data, Mapping) else None
    entries = cast(list[Any], found) if isinstance(found, list | tuple) else []
    return [cast(Mapping[str, Any], entry) if isinstance(entry, Mapping) else {} for entry in entries]


class _Names(NamedTuple):
    """An entry's own name, and those of its machines."""

    own: str
    machines: tuple[str, ...]

    @property
    def all(self) -> set[str]:
        return {self.own, *self.machines} - {""}


def _names(host: Mapping[str, Any]) -> _Names:
    name, count = host.get("name"), host.get("count", 1)
    if not isinstance(name, str):
        return _Names("", ())
    sensible = type(count) is int and 1 <= count <= most_machines
    return _Names(name, machine_names(name, count if sensible else 1))


def _machines(host: Mapping[str, Any]) -> int:
    count = host.get("count", 1)
    return count if type(count) is int and count > 0 else 1


def _host_problems(hosts: list[Mapping[str, Any]]) -> Iterator[Problem]:
    times = Counter(name for host in hosts for name in _names(host).all)
    for index, host in enumerate(hosts):
        twice = sorted(name for name in _names(host).all if times[name] > 1)
        if twice:
            yield ("hosts", index, "name"), f"expected a name of its own, received {twice[0]!r}, which others have too"
        for field in _ONE_MACHINE:
            if host.get("count", 1) != 1 and host.get(field) is not None:
                yield ("hosts", index, field), f"one address for {host['count']} hosts; list them one by one"


def _run_problems(data: Any) -> Iterator[Problem]:
    run: Any = cast(Mapping[str, Any], data).get("run") if isinstance(data, Mapping) else None
    given: Mapping[str, Any] = cast(Mapping[str, Any], run) if isinstance(run, Mapping) else {}
    if given.get("steps") is not None and given.get("timeout") is not None:
        yield ("run", "steps"), f"given beside timeout: {given['timeout']!r}; expected one of the two"
    if given.get("snapshots") is not None and given.get("recording") is not None:
        yield ("run", "snapshots"), "given beside recording, which is of whole runs; expected one of the two"
    if given.get("snapshot_every") is not None and given.get("snapshots") is None:
        yield ("run", "snapshot_every"), "says how often, but not where to; set run.snapshots to a folder too"


def _constraint_problems(constraints: list[Mapping[str, Any]], hosts: list[Mapping[str, Any]]) -> Iterator[Problem]:
    known = {name for host in hosts for name in _names(host).all}
    for index, constraint in enumerate(constraints):
        name = constraint.get("host")
        if isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known) if len(known) < 100 else f"there are {len(known)} others"
            yield ("constraints", index, "host"), f"there is no host {name!r}; {hint}"
