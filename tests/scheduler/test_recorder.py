"""Recorders whose state is saved in the middle of a run and goes on in another process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from rlreactor import Array, RunError, Struct, Tag, codec
from rlreactor.dynamic import is_a
from rlreactor.scheduler.recorder import PortRecorder, Trace
from rlreactor.spec import Object, Spec
from rlreactor.storage import heap

BOTH = Struct(a=Array(np.int8, (3,)), b=Array(np.bool_))
SPECS: dict[str, tuple[Spec[Any], Callable[[int], Any]]] = {
    "small array": (Array(np.float32, (3,)), lambda n: np.full(3, n, np.float32)),
    "array": (Array(np.float64, (300,)), lambda n: np.full(300, n, np.float64)),
    "large array": (Array(np.uint8, (150_000,)), lambda n: np.full(150_000, n % 251, np.uint8)),
    "struct": (BOTH, lambda n: {"a": np.full(3, n % 99, np.int8), "b": np.bool_(n > 7)}),
    "number": (Object(int), lambda n: n if n % 5 else 2**70 + n),
    "text": (Object(str), lambda n: "x" * n),
    "container": (Object(dict), lambda n: {"n": n, "array": np.arange(n % 7)}),
}
EVERYTHING = {"fingerprint": True, "trace": True, "history": True}
KEPT = [EVERYTHING, {"fingerprint": True, "trace": False}, {"fingerprint": False, "trace": True}]


class Port:
    """A port that is set, with what is kept of it."""

    def __init__(self, name: str, *, fingerprint: bool = True, trace: bool = False, history: bool = False) -> None:
        spec, self._value = SPECS[name]
        self._storage = heap(spec)
        options = {"fingerprint": fingerprint, "trace": trace, "history": history}
        self.recorder = PortRecorder("a.port", spec, 0, self._storage, **options)

    def set(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            stored = self._storage.store(self._value(number))
            assert self.recorder.record is not None
            self.recorder.record((number, 0), stored)

    def set_free(self, numbers: Iterable[int]) -> None:
        """As the scheduler's inner loop does it."""
        for number in numbers:
            stored = self._storage.store(self._value(number))
            self.recorder.unhashed.append((number, 0))
            if self.recorder.hash_bytes is None:
                self.recorder.unhashed.append(stored)
            else:
                self.recorder.hash_bytes(self._storage.stored)


def saved(port: Port) -> Any:
    return codec.unpack(codec.pack(port.recorder.state()))


@pytest.mark.parametrize("kept", KEPT, ids=str)
@pytest.mark.parametrize("name", SPECS)
def test_saved_and_gone_on_is_as_gone_through(name: str, kept: dict[str, bool]) -> None:
    through, before, after = (Port(name, **kept) for _ in range(3))
    through.set(range(40))
    before.set(range(23))
    after.set(range(3))  # of which nothing stays
    after.recorder.load(saved(before))
    after.set(range(23, 40))
    assert after.recorder.digest() == through.recorder.digest()
    assert after.recorder.history == through.recorder.history
    assert Trace(as_tuples(after)) == Trace(as_tuples(through))
    assert len(after.recorder.events) == (40 if kept["trace"] else 0)


def as_tuples(port: Port) -> list[Any]:
    """Events, with the fields of a struct in a form that compares by contents."""
    events = port.recorder.events
    return [e._replace(value=tuple(e.value.items()) if is_a(e.value, dict) else e.value) for e in events]


@pytest.mark.parametrize("name", SPECS)
def test_saving_changes_nothing(name: str) -> None:
    plain, watched = Port(name), Port(name)
    for start in range(0, 60, 7):
        plain.set(range(start, start + 7))
        watched.set(range(start, start + 7))
        saved(watched)
    assert watched.recorder.digest() == plain.recorder.digest()


@pytest.mark.parametrize("name", SPECS)
def test_what_goes_on_is_still_known_to_the_scheduler(name: str) -> None:
    through, before, after = Port(name), Port(name), Port(name)
    through.set(range(40))
    before.set_free(range(23))
    after.recorder.load(saved(before))
    after.set_free(range(23, 40))
    assert after.recorder.digest() == through.recorder.digest()


def test_a_state_is_small_however_long_the_run() -> None:
    port = Port("small array")
    port.set(range(5000))
    assert len(codec.pack(port.recorder.state())) < 2 * (1 << 16) + 200


def test_the_types_of_a_trace_stay() -> None:
    before, after = Port("number", **EVERYTHING), Port("number", **EVERYTHING)
    before.set([5])
    after.recorder.load(saved(before))
    assert repr(after.recorder.events) == repr(before.recorder.events)
    assert type(after.recorder.events[0].tag) is Tag


def test_what_is_no_longer_kept_is_left_aside() -> None:
    before, after = Port("array", **EVERYTHING), Port("array")
    before.set(range(3))
    after.recorder.load(saved(before))
    assert after.recorder.digest() == before.recorder.digest()
    assert (after.recorder.events, after.recorder.history) == ([], [])


@pytest.mark.parametrize("what", ["fingerprint", "trace", "history"])
def test_what_was_not_kept_cannot_go_on(what: str) -> None:
    before, after = Port("number", fingerprint=False), Port("number", **{"fingerprint": False, what: True})
    expected = f"the snapshot has no {what} of a.port: the run that made it kept none; switch it off"
    with pytest.raises(RunError, match=expected):
        after.recorder.load(saved(before))
