"""Slots: where values lie, who may write them, and what happens to those that are kept."""

import gc
import mmap
import re
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from rlreactor.errors import LinkError
from rlreactor.links import slots
from rlreactor.links.segment import PAGE, Segment
from rlreactor.links.slots import KEEPER, SlotMemory, slot_stride
from rlreactor.spec import Array, Object, Record, Spec, Struct

from .conftest import Fork

BATCH = Array(np.float32, (100, 20))  # 8,000 bytes: two pages
STEP = Struct(obs=Array(np.uint8, (3, 5)), reward=Array(np.float64, ()), none=Array(np.int32, (0, 2)))


def both_sides(spec: Spec[Any], count: int = 2) -> tuple[SlotMemory[Any], SlotMemory[Any]]:
    segment = Segment(PAGE + count * slot_stride(spec), "edge a.out")
    writer = SlotMemory(segment, PAGE, spec, count, writable=True)
    return writer, SlotMemory(segment, PAGE, spec, count, writable=False)


def write(writer: SlotMemory[Any], index: int, number: int) -> None:
    """Sets every array of the slot to a number, as a port does."""
    writer.detach_if_held(index)
    for array in arrays_of(writer.writable(index)):
        array[...] = number
    writer.freeze(index)


def arrays_of(value: Any) -> list[Any]:
    return [array for _, array in value] if isinstance(value, Record) else [value]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def mappings() -> int:
    return len(Path("/proc/self/maps").read_text().splitlines())


def resident() -> int:
    """Bytes of private memory that this process has touched."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"RssAnon:\s+(\d+) kB", status)[0]) * 1024


# ------------------------------------------------------------------ layout


@pytest.mark.parametrize(
    ("spec", "stride"),
    [
        (Array(np.float32, (3,)), PAGE),
        (Array(np.float32, ()), PAGE),
        (Array(np.float32, (0,)), PAGE),
        (BATCH, 2 * PAGE),
        (Array(np.uint8, (PAGE,)), PAGE),
        (Struct(full=Array(np.uint8, (PAGE,)), none=Array(np.uint8, (0,))), PAGE),
    ],
)
def test_slots_lie_on_pages(spec: Spec[Any], stride: int) -> None:
    assert slot_stride(spec) == stride
    writer, reader = both_sides(spec)
    write(writer, 1, 1)
    assert all((array == 1).all() for array in arrays_of(reader.readable(1)))


def test_values_of_any_size_have_no_slots() -> None:
    with pytest.raises(LinkError, match="dict has no fixed size and cannot lie in slots"):
        slot_stride(Object(dict))


@pytest.mark.parametrize("spec", [BATCH, STEP])
def test_fields_are_aligned_to_64_bytes(spec: Spec[Any]) -> None:
    for side in both_sides(spec):
        for index in range(2):
            for array in arrays_of(side.readable(index)):
                assert array.ctypes.data % 64 == 0


def test_a_struct_has_its_fields_with_dtype_and_shape() -> None:
    value = both_sides(STEP)[1].readable(0)
    assert [(name, array.dtype.name, array.shape) for name, array in value] == [
        ("obs", "uint8", (3, 5)),
        ("reward", "float64", ()),
        ("none", "int32", (0, 2)),
    ]


@pytest.mark.parametrize("dtype", ["bool", "<f2", ">i4", "c16", "M8[ns]", "<U3", "S5", "V7", "i1,f8"])
def test_every_dtype_of_fixed_size(dtype: str) -> None:
    writer, reader = both_sides(Array(np.dtype(dtype), (4,)))
    given = np.frombuffer(bytes(range(1, 9)) * 16, np.uint8)[: 4 * np.dtype(dtype).itemsize]
    given = given.view(np.dtype(dtype)) if dtype != "<U3" else np.array(["a", "bc", "", "def"])
    writer.writable(0)[...] = given
    assert reader.readable(0).dtype == np.dtype(dtype)
    assert reader.readable(0).tobytes() == given.astype(dtype).tobytes()


@pytest.mark.parametrize(("offset", "count"), [(64, 1), (-PAGE, 1), (0, 0), (0, 3), (2 * PAGE, 2)])
def test_slots_that_do_not_fit_are_refused(offset: int, count: int) -> None:
    segment = Segment(5 * PAGE, "edge a.out")
    pattern = f"{count} slots of 8192 bytes at byte {offset} of .*'edge a.out'.*: expected"
    with pytest.raises(LinkError, match=pattern):
        SlotMemory(segment, offset, BATCH, count, writable=False)


def test_a_segment_that_was_closed_cannot_be_mapped() -> None:
    segment = Segment(2 * PAGE, "edge a.out")
    segment.close()
    with pytest.raises(LinkError, match=r"cannot map 8192 bytes at 0 .*Bad file descriptor"):
        SlotMemory(segment, 0, BATCH, 1, writable=False)


# ------------------------------------------------------------------ access


@pytest.mark.parametrize("spec", [BATCH, STEP])
def test_readers_cannot_write_nor_allow_themselves_to(spec: Spec[Any]) -> None:
    for array in arrays_of(both_sides(spec)[1].readable(0)):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize("spec", [BATCH, STEP])
def test_the_writer_cannot_write_after_freeze_until_it_is_its_turn_again(spec: Spec[Any]) -> None:
    writer, _ = both_sides(spec)
    value = writer.writable(0)
    writer.freeze(0)
    for array in arrays_of(value):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
    assert writer.writable(0) is value
    for array in arrays_of(value):
        array[...] = 2


def test_the_steady_state_makes_no_new_objects() -> None:
    writer, reader = both_sides(STEP)
    assert writer.writable(0) is writer.writable(0) is writer.readable(0)
    assert reader.readable(0) is reader.readable(0)
    assert reader.readable(0) is not reader.readable(1)


def test_slots_are_shared_across_a_fork(fork: Fork) -> None:
    segment = Segment(4 * slot_stride(BATCH), "edge a.out")

    def body() -> None:
        writer = SlotMemory(segment, 0, BATCH, 4, writable=True)
        for index in range(4):
            write(writer, index, index + 1)

    fork(body).join()
    reader = SlotMemory(segment, 0, BATCH, 4, writable=False)
    assert [float(reader.readable(i).mean()) for i in range(4)] == [1, 2, 3, 4]


# ------------------------------------------------------------------ values that are kept


def test_nothing_is_detached_when_nobody_holds_anything() -> None:
    for spec in (BATCH, STEP):
        for side in both_sides(spec):
            assert float(arrays_of(side.readable(0))[0].sum()) == 0
            assert not any(side.detach_if_held(index) for index in (0, 1, 0, 1))
            assert side.detached == 0


def from_array(hold: Callable[[Any], Any]) -> Any:
    return pytest.param(BATCH, hold, id=hold.__name__)


def from_record(hold: Callable[[Any], Any]) -> Any:
    return pytest.param(STEP, hold, id=hold.__name__)


def whole(value: Any) -> Any:
    return value


def part(value: Any) -> Any:
    return value[1:3, ::2]


def part_of_a_part(value: Any) -> Any:
    return value.reshape(-1)[5:50].view(np.uint8)[3:].T


def rows(value: Any) -> Any:
    return list(value)


def export(value: Any) -> Any:
    return memoryview(value)[2:4]


def exported_as_bytes(value: Any) -> Any:
    return np.frombuffer(memoryview(value), np.uint8)[1:]


def dlpack(value: Any) -> Any:
    return np.from_dlpack(value)


def subclass(value: Any) -> Any:
    return value.view(np.recarray)[:3]


def strided(value: Any) -> Any:
    return np.lib.stride_tricks.as_strided(value, (3,), (160,))


def owner(value: Any) -> Any:
    return np.ndarray((10,), np.uint8, buffer=value.base)


def record(value: Any) -> Any:
    return value


def field(value: Any) -> Any:
    return value.obs


def scalar_field(value: Any) -> Any:
    return value.reward


def part_of_a_field(value: Any) -> Any:
    return value.obs[1:]


def dictionary(value: Any) -> Any:
    return cast(object, value.__dict__)


HOLDERS = [
    *map(from_array, (whole, part, part_of_a_part, rows, export, exported_as_bytes, dlpack)),
    *map(from_array, (subclass, strided, owner)),
    *map(from_record, (record, field, scalar_field, part_of_a_field, dictionary)),
]


def contents(held: Any) -> list[bytes]:
    if isinstance(held, Record | dict):
        fields = cast("dict[str, Any]", vars(held) if isinstance(held, Record) else held)
        return [array.tobytes() for array in fields.values()]
    parts = cast("list[NDArray[Any]]", held if isinstance(held, list) else [held])
    return [part.tobytes() for part in parts]


@pytest.mark.parametrize("side_index", [0, 1], ids=["writer", "reader"])
@pytest.mark.parametrize(("spec", "hold"), HOLDERS)
def test_what_is_kept_never_changes(spec: Spec[Any], hold: Callable[[Any], Any], side_index: int) -> None:
    writer, reader = sides = both_sides(spec, count=1)
    side = sides[side_index]
    write(writer, 0, 7)
    held = hold(side.readable(0))
    before = contents(held)
    assert side.detach_if_held(0)
    for number in range(8, 108):
        write(writer, 0, number)
        assert contents(held) == before
        assert all((array == number).all() for array in arrays_of(reader.readable(0)))
        assert not side.detach_if_held(0)
    del held
    gc.collect()
    assert not side.detach_if_held(0)
    assert side.detached == 1


def test_a_tensor_keeps_its_value() -> None:
    torch = pytest.importorskip("torch")
    writer, reader = both_sides(BATCH, count=1)
    write(writer, 0, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # not writable: torch says so once a process
        kept = torch.from_numpy(reader.readable(0))[1:]
    assert reader.detach_if_held(0)
    write(writer, 0, 8)
    assert float(kept.mean()) == 7
    assert float(reader.readable(0).mean()) == 8


def test_what_is_kept_stays_at_its_address() -> None:
    _, reader = both_sides(BATCH, count=1)
    kept = reader.readable(0)
    address = kept.ctypes.data
    reader.detach_if_held(0)
    assert kept.ctypes.data == address != reader.readable(0).ctypes.data


def test_one_slot_goes_without_the_others() -> None:
    writer, reader = both_sides(BATCH, count=3)
    first, last = reader.readable(0), reader.readable(2)
    assert reader.detach_if_held(0)
    assert not reader.detach_if_held(1)
    for index in range(3):
        write(writer, index, index + 1)
    assert float(first.mean()) == 0
    assert float(last.mean()) == 3, "not detached yet, so still the slot's own"
    assert [float(reader.readable(i).mean()) for i in range(3)] == [1, 2, 3]


def test_a_value_that_was_kept_stays_read_only() -> None:
    writer, reader = both_sides(BATCH, count=1)
    write(writer, 0, 1)
    for side in (writer, reader):
        kept = side.readable(0)
        assert side.detach_if_held(0)
        with pytest.raises(ValueError, match="read-only"):
            kept[...] = 2
        assert side.detach_if_held(0) is False


def test_a_record_whose_field_was_replaced_is_made_anew() -> None:
    _, reader = both_sides(STEP, count=1)
    vars(reader.readable(0))["obs"] = "spoiled"
    reader.detach_if_held(0)
    assert reader.readable(0).obs.shape == (3, 5)


def test_a_thousand_kept_values_are_given_back() -> None:
    writer, _ = both_sides(BATCH)
    write(writer, 0, 0)
    before, memory = mappings(), resident()
    kept: list[Any] = []
    for number in range(1_000):
        write(writer, number % 2, number)
        kept.append(writer.readable(number % 2))
        writer.detach_if_held(number % 2)
    assert writer.detached == 1_000
    assert [int(value[9, 9]) for value in kept] == list(range(1_000))
    assert resident() - memory > 7_000_000
    kept.clear()
    assert mappings() <= before + 5
    assert resident() - memory < 2_000_000


def test_a_thousand_detached_one_by_one_leave_nothing() -> None:
    writer, reader = both_sides(STEP, count=1)
    kept = reader.readable(0).obs
    before = mappings()
    for number in range(1_000):
        write(writer, 0, number % 100)
        kept = writer.readable(0).obs
        assert writer.detach_if_held(0)
    assert int(kept[0, 0]) == 99
    assert mappings() <= before + 5


@pytest.mark.parametrize("spec", [BATCH, STEP])
def test_a_reader_that_keeps_everything_is_given_copies(spec: Spec[Any]) -> None:
    writer, reader = both_sides(spec, count=1)
    kept: list[Any] = []
    for number in range(3 * KEEPER):
        write(writer, 0, number)
        kept.append(reader.readable(0))
        assert reader.detach_if_held(0) == (number < KEEPER)
    assert reader.detached == KEEPER
    for number, value in enumerate(kept):
        for array in arrays_of(value):
            assert (array == number).all()
            assert array.ctypes.data % 64 == 0
            with pytest.raises(ValueError, match="cannot set WRITEABLE"):
                array.flags.writeable = True


def test_keeping_now_and_then_costs_no_copies() -> None:
    writer, reader = both_sides(BATCH, count=1)
    kept: list[Any] = []
    for number in range(4 * KEEPER):
        write(writer, 0, number)
        if number % 4:
            kept.append(reader.readable(0))
        reader.detach_if_held(0)
    assert reader.readable(0) is reader.readable(0)


def test_arrays_outlive_the_slots() -> None:
    before = mappings()
    writer, reader = both_sides(BATCH, count=1)
    write(writer, 0, 7)
    kept = reader.readable(0)
    del writer, reader
    gc.collect()
    assert float(kept.mean()) == 7
    del kept
    assert mappings() <= before + 1


def test_another_thread_sees_one_value_while_it_is_detached() -> None:
    spec = Array(np.uint8, (1 << 20,))
    writer, reader = both_sides(spec, count=1)
    over, spoiled = threading.Event(), threading.Event()
    shown: list[Any] = []

    def look() -> None:
        while not over.is_set():
            for number, value in shown[-1:]:
                if not (value == number).all():
                    spoiled.set()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for number in range(1, 31):
            write(writer, 0, number)
            shown.append((number, reader.readable(0)))
            assert reader.detach_if_held(0)
            write(writer, 0, 0)
            shown.pop(0) if len(shown) > 3 else None
    finally:
        over.set()
        thread.join()
    assert not spoiled.is_set()


def test_memory_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    _, reader = both_sides(BATCH, count=1)

    def refuse(mapping: mmap.mmap) -> None:
        raise LinkError("cannot keep a copy")

    monkeypatch.setattr(slots, "make_private", refuse)
    kept = reader.readable(0)
    with pytest.raises(LinkError, match="cannot keep a copy"):
        reader.detach_if_held(0)
    assert reader.readable(0) is kept


def test_no_descriptor_per_slot() -> None:
    segment = Segment(64 * PAGE, "edge a.out")
    before = open_files()
    SlotMemory(segment, 0, Array(np.float32, (3,)), 64, writable=False)
    assert open_files() == before
