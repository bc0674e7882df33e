"""What a worker keeps of its run: the trace, the fingerprint, metrics.

The fingerprint covers every value that a reaction set, at its tag. Each port has a hash of its own, so that the
result does not depend on which worker the port was on; `combined` joins them in the order of the paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

import msgpack
import numpy as np
import xxhash

from rlreactor.dynamic import is_a
from rlreactor.errors import RunError
from rlreactor.scheduler.foldable_hash import BLOCK, FoldableHash
from rlreactor.scheduler.gathering import Gathering
from rlreactor.spec import Object, Record, Spec
from rlreactor.storage import Storage
from rlreactor.tag import Point, Tag

__all__ = ["Event", "PortRecorder", "Trace", "combined"]

_pack = cast("Any", msgpack.packb)  # msgpack ships no types
_CHUNK = 2048  # tags and values, fewer than 2**16 in any case, see `_taken`; or bytes of tags and numbers
_SMALL = 256  # bytes of a value of which a chunk may gather; from here on a hash each is cheaper than a copy


class Event(NamedTuple):
    """One value set by a reaction."""

    tag: Tag
    path: str
    value: Any


class Trace(list[Event]):
    """A list of events that compares arrays by their contents."""

    def __eq__(self, other: Any) -> bool:
        return is_a(other, list) and _equal(tuple(self), tuple(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def _equal(a: Any, b: Any) -> bool:
    if is_a(a, np.ndarray) or is_a(b, np.ndarray):
        return bool(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc"))
    if is_a(a, tuple) and is_a(b, tuple, list):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


class PortRecorder:
    """The hash, and on request the trace, of one port."""

    def __init__(
        self,
        path: str,
        spec: Spec[Any],
        order: int,
        storage: Storage,
        *,
        fingerprint: bool,
        trace: bool,
        history: bool = False,
    ) -> None:
        self.path = path
        self.order = order
        self.events: list[Event] = []
        self.history: list[tuple[Point, int]] = []  # tag and hash of each value
        self._spec = spec
        self._storage = storage
        self._trace = trace
        self._history = history
        self._hash = FoldableHash() if fingerprint else None
        self._arrays = _stream(spec) if fingerprint and spec.fields else None  # their bytes, one after another
        # Tags and values (of arrays the tags alone), hashed a thousand at a time: one by one is dear.
        gathers = self._arrays is not None or spec.is_number
        self.unhashed: list[Any] | Gathering = Gathering() if gathers else []
        self._add = self._add_object if isinstance(spec, Object) else self._add_arrays
        self._kept = _as_it_is if isinstance(spec, Object) else _copied
        self.record: Callable[[Point, Any], None] | None = self._record
        """Notes that a (stored) value was set at a tag; None when nothing is to be kept."""
        self.plain = fingerprint and not (trace or history)
        """Whether all that is to be done is to add tag and value to `unhashed`, or the tag and bytes to the hash."""
        self.hash_bytes = None if self._arrays is None else _adding(self._arrays, spec)
        if not (trace or history):
            self.record = self._add if fingerprint else None

    def _record(self, tag: Point, stored: Any) -> None:
        if self._hash is not None:
            self._add(tag, stored)
        if self._history:
            self.history.append((tag, xxhash.xxh3_64_intdigest(self._spec.encode(stored)) >> 1))
        if self._trace:
            self.events.append(Event(Tag(*tag), self.path, self._kept(stored)))

    def _add_object(self, tag: Point, stored: Any) -> None:
        unhashed = self.unhashed
        unhashed.append(tag)
        unhashed.append(stored)
        if len(unhashed) >= _CHUNK:
            self.flush()

    def _add_arrays(self, tag: Point, stored: Any) -> None:
        assert self.hash_bytes is not None
        self.hash_bytes(self._storage.stored)
        self.unhashed.append(tag)
        if len(self.unhashed) >= _CHUNK:
            self.flush()

    def flush(self) -> None:
        """Hash what has gathered."""
        if self._hash is not None and self.unhashed:
            self._hash.update(_taken(self.unhashed))
        if self._arrays is not None:
            self._arrays.fold()

    def digest(self) -> bytes:
        """The hash of everything recorded so far; empty when switched off."""
        if self._hash is None:
            return b""
        self.flush()
        return self._hash.digest() + (b"" if self._arrays is None else self._arrays.digest())

    def state(self) -> dict[str, Any]:
        """What another recorder of the port goes on from: plain data."""
        self.flush()
        state: dict[str, Any] = {name: stream.state() for name, stream in self._streams()}
        if self._history:
            state["history"] = list(self.history)
        if self._trace:
            state["trace"] = [(event.tag, event.value) for event in self.events]
        return state

    def load(self, state: dict[str, Any]) -> None:
        """Go on from where another recorder was. Raises RunError where that one did not keep what this one keeps."""
        _taken(self.unhashed)
        for name, stream in self._streams():
            stream.load(self._part(state, name, "fingerprint"))
        if self._history:
            self.history[:] = self._part(state, "history", "history")
        if self._trace:
            self.events[:] = [Event(tag, self.path, value) for tag, value in self._part(state, "trace", "trace")]

    def _streams(self) -> list[tuple[str, FoldableHash]]:
        streams = (("hash", self._hash), ("arrays", self._arrays))
        return [(name, stream) for name, stream in streams if stream is not None]

    def _part(self, state: dict[str, Any], name: str, what: str) -> Any:
        if name not in state:
            raise RunError(f"the snapshot has no {what} of {self.path}: the run that made it kept none; switch it off")
        return state[name]


def _taken(unhashed: list[Any] | Gathering) -> bytes | memoryview:
    """The bytes to hash of what has gathered, which is forgotten."""
    if isinstance(unhashed, Gathering):
        return unhashed.take()
    packed, count = _pack(unhashed, default=_big_int), len(unhashed)
    unhashed.clear()
    # Without the header of the list: how much is hashed at a time is nobody's business but this worker's.
    return memoryview(packed)[1 if count < 16 else 3 :]


def _stream(spec: Spec[Any]) -> FoldableHash:
    return FoldableHash(spec.nbytes if spec.nbytes > _SMALL else BLOCK)


def _adding(stream: FoldableHash, spec: Spec[Any]) -> Callable[[memoryview], object]:
    """What adds a value to its stream: a large one is a block, small ones are folded when their tags are hashed."""
    return stream.add_block if spec.nbytes > _SMALL else stream.gather


def _as_it_is(stored: Any) -> Any:
    return stored


def _copied(stored: Any) -> Any:
    if isinstance(stored, Record):
        return {name: array.copy() for name, array in stored}
    return stored.copy()


def _big_int(value: int) -> str:
    return str(value)


def combined(digests: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> str:
    """One fingerprint from the digests of all ports; the order in which they come does not matter."""
    total = xxhash.xxh3_128()
    for path, digest in sorted(dict(digests).items()):
        total.update(path.encode() + b"\0" + digest)
    return total.hexdigest()
