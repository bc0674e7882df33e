"""Storage in slots: taken in turn, written once, given back by the readers; both forms do the same."""

from __future__ import annotations

import gc
import mmap
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rlreactor.errors import SpecError
from rlreactor.links import near_storage
from rlreactor.links.near_storage import NearStorage, slotted_storage
from rlreactor.links.segment import PAGE, Segment
from rlreactor.links.slot_lender import IS_OPEN, SlotLender
from rlreactor.links.slots import SlotMemory, slot_stride
from rlreactor.links.slotted import Slotted, SlottedStorage
from rlreactor.links.words import CACHE_LINE, WORD, Words
from rlreactor.spec import Array, Spec, Struct

PAIR = Array(np.float32, (2,))
STEP = Struct(obs=Array(np.uint8, (3,)), reward=Array(np.float64, ()))
SLOTS = 2
READERS = (3, 5)
FORMS = {"in C": NearStorage, "as it stands": SlottedStorage}


class Port:
    """The storage of one port, and what its readers see."""

    def __init__(self, form: str, spec: Spec[Any]) -> None:
        segment = Segment(SLOTS * slot_stride(spec), "edge a.out")
        self.memory: SlotMemory[Any] = SlotMemory(segment, 0, spec, SLOTS, writable=True)
        self.seen: SlotMemory[Any] = SlotMemory(segment, 0, spec, SLOTS, writable=False)
        mapping = mmap.mmap(-1, PAGE)
        self.released = {r: Words(mapping, n * CACHE_LINE, CACHE_LINE // WORD) for n, r in enumerate(READERS)}
        self.waits: list[int] = []
        self.on_wait: Callable[[int], None] = self.release
        self.storage: Any = FORMS[form](spec, self.memory, list(self.released.items()), self._wait)

    def _wait(self, holder: int, ready: Callable[[], bool]) -> None:
        assert not ready()
        self.waits.append(holder)
        self.on_wait(holder)

    def release(self, reader: int, count: int = 1) -> None:
        """The reader has finished with so many more slots."""
        self.released[reader].store(0, self.released[reader].load(0) + count)

    def release_all(self, count: int = 1) -> None:
        for reader in READERS:
            self.release(reader, count)

    def send(self, value: Any) -> int:
        self.storage.store(value)
        return int(self.storage.sent())


@pytest.fixture(params=FORMS)
def make(request: pytest.FixtureRequest) -> Callable[[Spec[Any]], Port]:
    if request.param == "in C" and not IS_OPEN:
        pytest.skip("it is not compiled: `make engine`")
    return lambda spec: Port(request.param, spec)


@pytest.fixture
def port(make: Callable[[Spec[Any]], Port]) -> Port:
    return make(PAIR)


def test_what_is_lent_is_the_slot_itself(port: Port) -> None:
    for number in range(5):
        value = port.storage.empty()
        assert value.flags.writeable
        value[:] = number
        stored = port.storage.store(value)
        assert stored is value
        assert not value.flags.writeable
        assert bytes(port.storage.stored[: value.nbytes]) == value.tobytes()
        slot = port.storage.sent()
        assert slot == number % SLOTS
        assert port.seen.readable(slot).tolist() == [number, number]
        del value, stored
        port.release_all()
    assert port.storage.taken == 5
    assert port.waits == []
    assert port.memory.detached == 0


def test_any_other_array_is_copied_and_given_away(port: Port) -> None:
    given = np.array([3, 4], np.float32)
    stored = port.storage.store(given)
    assert stored is not given
    assert stored.tolist() == [3, 4]
    assert not given.flags.writeable
    assert not stored.flags.writeable
    assert port.seen.readable(port.storage.sent()).tolist() == [3, 4]


def test_what_lies_otherwise_in_memory_is_copied_by_its_spec(port: Port) -> None:
    assert port.send(np.arange(4, dtype=np.float32)[::2]) == 0
    assert port.seen.readable(0).tolist() == [0, 2]


def test_records_are_copied_by_their_spec(make: Callable[[Spec[Any]], Port]) -> None:
    port = make(STEP)
    lent = port.storage.empty()
    lent.obs[:] = 7
    lent.reward[...] = 0.5
    assert port.storage.store(lent) is lent
    assert port.seen.readable(port.storage.sent()).obs.tolist() == [7, 7, 7]
    given = STEP.empty()
    given.obs[:] = 9
    given.reward[...] = 1.5
    slot = port.send(given)
    assert port.seen.readable(slot).obs.tolist() == [9, 9, 9]
    assert port.seen.readable(slot).reward == 1.5
    assert not given.obs.flags.writeable


def test_a_wrong_value_is_refused_and_the_next_one_takes_the_slot(port: Port) -> None:
    with pytest.raises(SpecError, match="float64"):
        port.storage.store(np.zeros(2))
    assert port.send(np.ones(2, np.float32)) == 0
    assert port.storage.taken == 1


def test_no_slot_is_taken_before_every_reader_has_finished_with_it(port: Port) -> None:
    for number in range(SLOTS):
        port.send(np.full(2, number, np.float32))
    port.release(3)
    port.send(np.full(2, 2, np.float32))
    assert port.waits == [5], "the one that still needs the oldest"
    port.on_wait = lambda _: port.release_all()
    port.send(np.full(2, 3, np.float32))
    assert len(port.waits) == 2
    assert [port.seen.readable(slot).tolist() for slot in range(SLOTS)] == [[2, 2], [3, 3]]


def test_a_wait_that_is_broken_off_takes_nothing(port: Port) -> None:
    for number in range(SLOTS):
        port.send(np.full(2, number, np.float32))

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    port.on_wait = interrupt
    with pytest.raises(KeyboardInterrupt):
        port.storage.empty()
    assert port.storage.taken == SLOTS
    port.on_wait = lambda _: port.release_all()
    assert port.send(np.full(2, 9, np.float32)) == 0


def test_what_the_writer_keeps_stays_as_it_is(port: Port) -> None:
    kept: list[Any] = []
    for number in range(3 * SLOTS):
        value = port.storage.empty()
        value[:] = number
        kept.append(port.storage.store(value)[:1])
        del value
        port.storage.sent()
        port.release_all()
    assert [float(view[0]) for view in kept] == list(range(3 * SLOTS))
    assert port.memory.detached == 2 * SLOTS


def test_the_last_value_of_a_tag_is_sent_and_the_first_stays_with_whoever_has_it(port: Port) -> None:
    first = port.storage.empty()
    first[:] = 1
    first = port.storage.store(first)
    second = port.storage.empty()
    assert second is not first
    second[:] = 2
    stored = port.storage.store(second)
    assert first.tolist() == [1, 1]
    assert stored.tolist() == [2, 2]
    slot = port.storage.sent()
    assert slot == 0
    assert port.seen.readable(slot).tolist() == [2, 2]
    assert port.storage.taken == 1


def test_another_value_than_the_one_that_was_lent(port: Port) -> None:
    lent = port.storage.empty()
    lent[:] = 5
    slot = port.send(np.full(2, 6, np.float32))
    assert lent.tolist() == [5, 5]
    assert port.seen.readable(slot).tolist() == [6, 6]


def test_nothing_is_sent_twice(port: Port) -> None:
    port.send(np.zeros(2, np.float32))
    with pytest.raises(AssertionError):
        port.storage.sent()


def test_storage_goes_with_what_refers_to_it(port: Port) -> None:
    storage = port.storage
    if not isinstance(storage, NearStorage):
        pytest.skip("compiled classes of Python have no weak references")
    vars(storage)["itself"] = storage
    storage.empty()
    gone = weakref.ref(storage)
    del storage, port.storage
    gc.collect()
    assert gone() is None


# ------------------------------------------------------------------ which of them


class Elsewhere:
    """A count that lies in no shared words."""

    def load(self, index: int, /) -> int:
        return 0

    def store(self, index: int, value: int, /) -> None:
        raise AssertionError("the reader counts")


def a_storage(counts: list[tuple[int, Any]]) -> Slotted:
    memory: SlotMemory[Any] = SlotMemory(Segment(SLOTS * slot_stride(PAIR), "a"), 0, PAIR, SLOTS, writable=True)
    return slotted_storage(PAIR, memory, counts, lambda _, ready: None)


def test_the_short_way_is_for_those_who_share_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    here = (1, Words(mmap.mmap(-1, PAGE), 0, 1))
    assert isinstance(a_storage([here]), NearStorage if IS_OPEN else SlottedStorage)
    assert isinstance(a_storage([here, (2, Elsewhere())]), SlottedStorage)
    monkeypatch.setattr(near_storage, "IS_OPEN", False)
    assert isinstance(a_storage([here]), SlottedStorage)


@pytest.mark.skipif(not IS_OPEN, reason="it is not compiled: `make engine`")
def test_a_lender_of_anything_else_says_so() -> None:
    with pytest.raises(TypeError, match="expected words, received 7"):
        SlotLender([], (7,))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="without slots"):
        SlotLender([], ()).empty()
    with pytest.raises(RuntimeError, match="without slots"):
        SlotLender.__new__(SlotLender).empty()
    with pytest.raises(NotImplementedError, match="_await_room"):
        SlotLender([], ())._await_room()
