"""What one worker holds between two tags: taken apart for a snapshot, and put back.

Everything goes by the paths of the topology, never by worker, so that a snapshot can be taken up on any placement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rlreactor import codec
from rlreactor.access import NEVER
from rlreactor.action import Action
from rlreactor.dynamic import is_a
from rlreactor.errors import RunError
from rlreactor.execution import generator
from rlreactor.pool import Pool
from rlreactor.reactor import Reactor
from rlreactor.runtime.inlet import Inlet
from rlreactor.scheduler.binding import Binding, CellKey
from rlreactor.scheduler.modes import scope_of
from rlreactor.scheduler.queue import EventQueue, Target
from rlreactor.scheduler.steady import TimerTarget
from rlreactor.spec import Spec
from rlreactor.tag import Point

__all__ = ["Contents", "Row", "Shard", "merged", "part_of"]

Contents = dict[str, Any]
"""What a shard holds, as plain data and arrays."""

Row = tuple[str, Point, bytes]
"""An event: the name of its target, its tag, the bytes of its value."""


class Shard:
    """The contents of one worker.

    Args:
        binding: its reactors.
        inlets: where other workers' values arrive.
    """

    def __init__(self, binding: Binding, inlets: Mapping[CellKey, Inlet]) -> None:
        self._binding = binding
        self._inlets = inlets
        self._targets: dict[str, Target] = {}
        self._targets |= {f"timer {path}": target for path, target in binding.timers.items()}
        actions = ((path, a) for path, a in binding.graph.actions.items() if a.owner and a.owner.path in binding.local)
        self._actions: dict[str, Action[Any]] = dict(actions)
        self._targets |= {f"action {path}": action for path, action in self._actions.items()}
        self._targets |= {name_of(key): group for key, group in binding.groups.items()}
        self._targets |= {name_of(key): inlet for key, inlet in inlets.items()}
        self._names = {id(target): name for name, target in self._targets.items()}
        self._keys = {name_of(key): key for key in binding.cells}

    # Out

    def save(self, cut: int, last: Point) -> Contents:
        """All that was known at `cut`. Raises RunError for what cannot be saved."""
        binding = self._binding
        queues = {"": binding.queue, **{name: scope.pending for name, scope in binding.modes.scopes.items()}}
        return {
            "last": last,
            "reactors": {path: self._reactor(path) for path in sorted(binding.local)},
            "held": {name_of(key): self._encoded(key) for key in sorted(binding.held) if self._is_set(key)},
            "events": {scope: self._rows(queue, cut) for scope, queue in queues.items()},
            "actions": {path: action.state() for path, action in self._actions.items()},
            "modes": binding.modes.state(),
            "ports": {path: outlet.recorder.state() for path, outlet in binding.outlets.items()},
        }

    def _reactor(self, path: str) -> dict[str, Any]:
        """What a reactor holds; where it lies in a mode that was never entered, it has not made anything of its own."""
        reactor, modes = self._binding.graph.reactors[path], self._binding.modes
        scope = modes.scopes.get(scope_of(reactor, None))
        return _saved(reactor, begun=scope is None or scope.activated)

    def row(self, arrival: Point, inlet: Inlet, value: Any) -> Row:
        """The event of a value that has just come over a link."""
        name = self._names[id(inlet)]
        return name, arrival, self._spec(name).encode(value)

    def _is_set(self, key: CellKey) -> bool:
        return self._binding.cells[key].value is not NEVER

    def _encoded(self, key: CellKey) -> bytes:
        return self._binding.graph.ports[key.root].spec.encode(self._binding.cells[key].value)

    def _rows(self, queue: EventQueue, cut: int) -> list[Row]:
        """What was queued before the cut. What came from workers that are ahead will be sent again."""
        rows: list[Row] = []
        for tag, target, stored in queue.events():
            name = self._names.get(id(target), "")
            if isinstance(target, Inlet):
                if sent(tag, target) < cut:
                    rows.append((name, tag, self._spec(name).encode(stored[0])))
            elif isinstance(target, TimerTarget):
                rows.append((name, tag, b""))
            elif name:
                rows.append((name, tag, self._spec(name).encode(stored)))
        return rows

    def _spec(self, name: str) -> Spec[Any]:
        kind, _, path = name.partition(" ")
        return self._actions[path].spec if kind == "action" else self._binding.graph.ports[self._keys[name].root].spec

    # In

    def load(self, cut: int, contents: Contents) -> None:
        """Hold what a snapshot holds of this worker's reactors, and nothing older. Raises RunError."""
        ahead = self._forget(cut)
        binding = self._binding
        binding.modes.load_state(contents["modes"])
        for path, state in contents["actions"].items():
            if path in self._actions:
                self._actions[path].load_state(state)
        for name, data in contents["held"].items():
            if self._keys.get(name) in binding.held:
                self._hold(self._keys[name], self._decoded(name, data))
        for scope, rows in contents["events"].items():
            self._queue(binding.modes.scopes[scope].pending if scope in binding.modes.scopes else binding.queue, rows)
        for tag, target, stored in ahead:
            binding.queue.push(tag, target, stored)
        for path, outlet in binding.outlets.items():
            outlet.recorder.load(contents["ports"][path])
        for path in sorted(binding.local):
            _load(binding.graph.reactors[path], contents["reactors"][path], binding.execution.seed)

    def _forget(self, cut: int) -> list[tuple[Point, Target, Any]]:
        """Drop what is queued; returns what came from workers that have gone on already."""
        ahead: list[tuple[Point, Target, Any]] = []
        for queue in (self._binding.queue, *(scope.pending for scope in self._binding.modes.scopes.values())):
            for tag, target, stored in queue.events():
                if isinstance(target, Inlet) and sent(tag, target) >= cut:
                    ahead.append((tag, target, stored))
                elif isinstance(target, Inlet):
                    target.give_back(stored)
            queue.clear()
        return ahead

    def _hold(self, key: CellKey, value: Any) -> None:
        inlet = self._inlets.get(key)
        if inlet is None:
            self._binding.cells[key].value = value
        else:
            inlet.hold(value)

    def _queue(self, queue: EventQueue, rows: Iterable[Row]) -> None:
        for name, tag, data in rows:
            target = self._targets.get(name)
            if isinstance(target, TimerTarget):
                queue.push(tag, target)
            elif isinstance(target, Inlet):
                queue.push(tag, target, target.take(self._decoded(name, data)))
            elif target is not None:
                queue.push(tag, target, self._decoded(name, data))

    def _decoded(self, name: str, data: bytes) -> Any:
        return decoded(self._spec(name), data)


def name_of(key: CellKey) -> str:
    """What a snapshot calls a cell."""
    return f"port {key.root} {key.delay.time} {key.delay.microsteps} {key.scope}"


def sent(arrival: Point, inlet: Inlet) -> int:
    """The logical time at which a value was sent."""
    return arrival[0] - inlet.delay.time


def decoded(spec: Spec[Any], data: bytes) -> Any:
    """The stored value of these bytes; its arrays lie as in a slot, for the sake of the same bits."""
    if not spec.fields:
        return spec.decode(data)
    lent = Pool(spec, frozen=True).take()
    lent.memory[:] = data
    return lent.value


def merged(shards: Iterable[Contents]) -> Contents:
    """One worker's contents as if it had held everything."""
    whole: Contents = {"last": (0, -1), "events": {}}
    for shard in shards:
        whole["last"] = max(whole["last"], shard["last"])
        for part in ("reactors", "held", "actions", "modes", "ports"):
            whole.setdefault(part, {}).update(shard[part])
        for scope, rows in shard["events"].items():
            _join(whole["events"].setdefault(scope, []), rows)
    return whole


def part_of(contents: Contents, paths: Iterable[str]) -> Contents:
    """The same without what other reactors hold."""
    wanted = set(paths)
    return {**contents, "reactors": {path: held for path, held in contents["reactors"].items() if path in wanted}}


def _join(known: list[Row], rows: Iterable[Row]) -> None:
    """What two workers read is an event on both: it is taken once."""
    names = {name for name, _, _ in known}
    known += [row for row in rows if row[0] not in names]


# One reactor


def _saved(reactor: Reactor, *, begun: bool) -> dict[str, Any]:
    path = reactor.path or type(reactor).__name__
    fields = {name: getattr(reactor, name) for name in type(reactor)._declaration.states}
    made = reactor._generator
    return {
        "fields": {name: _frozen(value, f"{path}.{name}") for name, value in fields.items()},
        "rng": None if made is None else _frozen(made.bit_generator.state, f"{path}.rng"),
        "own": _own(reactor, path) if begun else None,
    }


def _own(reactor: Reactor, path: str) -> dict[str, Any]:
    try:
        given = dict(reactor.to_snapshot())
    except Exception as error:
        raise RunError(f"{path}.to_snapshot() failed: {type(error).__name__}: {error}") from error
    return {name: _frozen(value, f"{path}.to_snapshot()[{name!r}]") for name, value in given.items()}


def _load(reactor: Reactor, saved: dict[str, Any], seed: int) -> None:
    path = reactor.path or type(reactor).__name__
    for name, field in type(reactor)._declaration.states.items():
        value = _thawed(saved["fields"][name])
        if not _fill(getattr(reactor, name), value, field.default):
            setattr(reactor, name, value)
    reactor._generator = None
    if saved["rng"] is not None:
        reactor._generator = generator(seed, reactor.path)
        reactor._generator.bit_generator.state = _thawed(saved["rng"])
    if saved["own"] is None:
        return
    try:
        reactor.from_snapshot({name: _thawed(value) for name, value in saved["own"].items()})
    except Exception as error:
        raise RunError(f"{path}.from_snapshot() failed: {type(error).__name__}: {error}") from error


def _fill(current: Any, value: Any, default: Any) -> bool:
    """Put an array's values in place, where somebody else may share it; whether that was possible."""
    if not (is_a(current, np.ndarray) and is_a(value, np.ndarray)) or current is default:
        return False
    if current.dtype != value.dtype or current.shape != value.shape or not current.flags.writeable:
        return False
    current[...] = value
    return True


def _frozen(value: Any, what: str) -> Any:
    """An array as a copy, anything else as bytes. Raises RunError for what is not plain data."""
    if type(value) is np.ndarray and not value.dtype.hasobject:
        return value.copy()
    try:
        return codec.pack(value)
    except TypeError as error:
        raise RunError(
            f"{what} cannot be part of a snapshot: {error}; make it in a reaction to startup, keep it in an attribute "
            "that is no state field, and let to_snapshot() and from_snapshot() give and take what it is made of"
        ) from None


def _thawed(frozen: Any) -> Any:
    return codec.unpack(frozen) if isinstance(frozen, bytes) else frozen
