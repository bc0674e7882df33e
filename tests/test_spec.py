"""What ports carry: arrays, structs and plain Python types."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from rlreactor import Array, Output, Reactor, RunError, SpecError, Struct, reaction, run, startup
from rlreactor.spec import Object, Record, as_spec

STEP = Struct(obs=Array(np.float32, (2, 3)), done=Array(np.bool_, (2,)), reward=Array(np.float64, ()))


def step() -> dict[str, Any]:
    return {"obs": np.ones((2, 3), np.float32), "done": np.zeros(2, np.bool_), "reward": np.array(1.5)}


# Arrays


def test_specs_are_compared_by_what_they_describe() -> None:
    assert Array(np.float32, (3,)) == Array("float32", 3) == Array(np.dtype("f4"), (3,))
    assert Array(np.float32, (3,)) != Array(np.float64, (3,))
    assert Array(np.float32, (3,)) != Array(np.float32, (3, 1))
    assert len({Array(np.int8, ()), Array("i1").resolved({}), Array(np.int8, (0,))}) == 2


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (Array(np.float32, (3,)), "Array(float32, (3,))"),
        (Array(np.uint8, ()), "Array(uint8, ())"),
        (Array("dtype", ("horizon", 4)), "Array(dtype, (horizon, 4))"),
        (Struct(a=Array(np.int8, (1,))), "Struct(a=Array(int8, (1,)))"),
        (as_spec(dict[str, int]), "dict[str, int]"),
        (as_spec(int), "int"),
        (as_spec(None), "None"),
        (as_spec(int | None), "int | None"),
    ],
    ids=str,
)
def test_a_spec_is_printed_as_it_is_written(spec: Any, text: str) -> None:
    assert str(spec) == repr(spec) == text


@pytest.mark.parametrize(
    ("value", "received"),
    [
        (np.zeros(3), "Array(float64, (3,)); convert with value.astype(np.float32)"),
        (np.zeros(4, np.float32), "Array(float32, (4,))"),
        (np.zeros((3, 1), np.float32), "Array(float32, (3, 1))"),
        ([0.0, 0.0, 0.0], "list [0.0, 0.0, 0.0]"),
        (1.0, "float 1.0"),
        (None, "NoneType None"),
    ],
    ids=str,
)
def test_an_array_of_another_dtype_or_shape_is_refused(value: Any, received: str) -> None:
    with pytest.raises(SpecError) as caught:
        Array(np.float32, (3,)).store(value)
    assert str(caught.value) == f"expected Array(float32, (3,)), received {received}"


def test_array_subclasses_and_other_byte_orders_are_refused() -> None:
    for value in (np.ma.masked_array(np.zeros(3, np.float32)), np.zeros(3, ">f4")):
        with pytest.raises(SpecError, match="expected"):
            Array(np.float32, (3,)).store(value)


def test_a_numpy_scalar_fits_an_array_without_dimensions() -> None:
    stored = Array(np.float64, ()).store(np.float64(2.5))
    assert (stored.shape, float(stored)) == ((), 2.5)


@pytest.mark.parametrize("shape", [(-1,), (True,), (1.5,), (None,)])
def test_impossible_shapes_are_refused(shape: Any) -> None:
    with pytest.raises(SpecError, match="expected non-negative ints or parameter names"):
        Array(np.float32, shape)


def test_dtypes_without_a_size_are_refused() -> None:
    with pytest.raises(SpecError, match="holds Python objects; an Array needs a dtype of fixed size"):
        Array(np.object_, (1,))
    with pytest.raises(SpecError, match="'folat32' is neither a numpy dtype nor a parameter of the reactor"):
        Array("folat32", (1,)).resolved({})


def test_names_in_dtype_and_shape_are_parameters() -> None:
    spec = Array("dtype", ("horizon", "shape", 2))
    assert spec.resolved({"dtype": "int16", "horizon": 5, "shape": (3, 4)}) == Array(np.int16, (5, 3, 4, 2))
    assert spec.resolved({"dtype": "float64", "horizon": 0, "shape": ()}) == Array(np.float64, (0, 2))


def test_an_unknown_name_in_a_shape_says_which_are_known() -> None:
    with pytest.raises(SpecError, match="there is no parameter 'horizn'; did you mean 'horizon'"):
        Array(np.float32, ("horizn",)).resolved({"horizon": 3})
    with pytest.raises(SpecError, match="shape names 'horizon': expected a non-negative int, received -3"):
        Array(np.float32, ("horizon",)).resolved({"horizon": -3})


def test_what_was_stored_cannot_be_written() -> None:
    given = np.zeros(3, np.float32)
    stored = Array(np.float32, (3,)).store(given)
    assert not stored.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        given[0] = 1


def test_a_view_is_copied_because_its_memory_belongs_to_somebody_else() -> None:
    whole = np.zeros((2, 3), np.float32)
    stored = Array(np.float32, (3,)).store(whole[0])
    whole[0] = 7
    assert stored.tolist() == [0, 0, 0]


def test_a_strided_array_is_stored_contiguously() -> None:
    stored = Array(np.int64, (3,)).store(np.arange(6)[::2])
    assert stored.flags.c_contiguous
    assert stored.tolist() == [0, 2, 4]


def test_a_private_copy_can_be_written() -> None:
    spec = Array(np.int64, (2,))
    stored = spec.store(np.arange(2))
    copy = spec.private_copy(stored)
    copy += 5
    assert stored.tolist() == [0, 1]


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 0), (2, 3)])
def test_encoded_arrays_come_back(shape: tuple[int, ...]) -> None:
    spec = Array(np.float32, shape)
    stored = spec.store(np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape))
    result = spec.decode(spec.encode(stored))
    assert (result.shape, result.tobytes()) == (shape, stored.tobytes())


def test_bytes_of_another_length_are_refused() -> None:
    with pytest.raises(SpecError, match=r"expected the 64 bytes of Array\(float32, \(3,\)\), received 63"):
        Array(np.float32, (3,)).decode(bytes(63))


# Structs


def test_every_array_of_a_struct_begins_a_cache_line() -> None:
    assert [field.offset for field in STEP.fields] == [0, 64, 128]
    assert STEP.nbytes == 192
    value = STEP.view(bytearray(192))
    assert [name for name, _ in value] == ["obs", "done", "reward"]


def test_a_struct_takes_a_record_or_a_mapping_and_gives_a_record() -> None:
    from_mapping = STEP.store(step())
    assert isinstance(from_mapping, Record)
    assert STEP.store(Record(**step())) == from_mapping
    assert STEP.decode(STEP.encode(from_mapping)) == from_mapping


def test_a_struct_names_the_field_that_does_not_fit() -> None:
    with pytest.raises(SpecError) as caught:
        STEP.store({**step(), "done": np.zeros(2)})
    assert str(caught.value) == (
        "field 'done': expected Array(bool, (2,)), received Array(float64, (2,)); convert with value.astype(np.bool)"
    )


@pytest.mark.parametrize("change", [{"extra": np.zeros(1)}, {"obs": None}])
def test_a_struct_wants_all_its_fields_and_no_more(change: dict[str, Any]) -> None:
    value = {**step(), **change}
    if change.get("obs", 0) is None:
        del value["obs"]
    with pytest.raises(SpecError, match=r"expected Struct\(obs=Array\(float32, \(2, 3\)\)"):
        STEP.store(value)


def test_an_empty_struct_and_fields_that_are_no_arrays_are_refused() -> None:
    with pytest.raises(SpecError, match="a Struct needs at least one field"):
        Struct()
    with pytest.raises(SpecError, match="Struct field 'a': expected an Array, received <class 'int'>"):
        Struct(a=int)  # type: ignore[arg-type]


def test_the_fields_of_a_record_cannot_be_replaced() -> None:
    record = STEP.empty()
    with pytest.raises(AttributeError, match=r"fill the array in place: record\.obs\[\.\.\.\] = "):
        record.obs = np.zeros(1)
    with pytest.raises(AttributeError, match="'obs' cannot be deleted"):
        del record.obs


class Misspelt(Reactor):
    step = Output(STEP)

    @reaction(startup, effects=[step])
    def begin(self) -> None:
        _ = self.step.empty().rewrad


def test_a_misspelt_field_gets_a_hint() -> None:
    with pytest.raises(AttributeError, match="rewrad"):
        _ = STEP.empty().rewrad
    with pytest.raises(RunError, match=r"AttributeError: no field 'rewrad'; did you mean 'reward'\?"):
        run(Misspelt(), workers=1)


def test_records_are_compared_by_their_contents() -> None:
    one, other = STEP.store(step()), STEP.store(step())
    assert one == other
    assert one != STEP.store({**step(), "reward": np.array(float("nan"))})
    assert STEP.store({**step(), "reward": np.array(np.nan)}) == STEP.store({**step(), "reward": np.array(np.nan)})
    assert one != 3


# Python types


@pytest.mark.parametrize(
    ("annotation", "value", "kept"),
    [
        (int, 3, 3),
        (int, 2**70, 2**70),
        (float, 2, 2.0),
        (float, np.float64(1.5), 1.5),
        (str, "ä", "ä"),
        (bytes, b"x", b"x"),
        (bool, True, True),
        (type(None), None, None),
        (dict, {"a": (1, 2)}, {"a": (1, 2)}),
        (list[int], [1, 2], [1, 2]),
        (tuple[int, str], (1, "a"), (1, "a")),
        (int | None, None, None),
        (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
    ],
    ids=str,
)
def test_plain_values_come_back_with_their_type(annotation: Any, value: Any, kept: Any) -> None:
    spec = as_spec(annotation)
    stored = spec.store(value)
    for result in (spec.load(stored), spec.load(spec.decode(spec.encode(stored)))):
        assert result == kept
        assert type(result) is type(kept)


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (int, 1.0, "expected int, received float 1.0"),
        (int, True, "expected int, received bool True"),
        (int, np.int64(3), r"expected int, received int64 np\.int64\(3\); convert with int\(value\)"),
        (float, "1", "expected float, received str '1'"),
        (float, np.float32(1), r"expected float, received float32 np\.float32\(1\.0\); convert with float\(value\)"),
        (bool, 1, "expected bool, received int 1"),
        (str, b"x", "expected str, received bytes b'x'"),
        (dict, [1], r"expected dict, received list \[1\]"),
        (list[int], [1, "x"], r"expected list\[int\], received list \[1, 'x'\]"),
        (dict, {"a": object()}, "expected dict: cannot pack object"),
    ],
    ids=lambda value: str(value).partition(" at 0x")[0],  # the same in every process
)
def test_values_of_another_type_are_refused(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        as_spec(annotation).store(value)


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(SpecError) as caught:
        as_spec(int).store("x" * 10_000)
    assert len(str(caught.value)) < 120


@dataclasses.dataclass
class Episode:
    length: int
    rewards: list[float]


def test_a_dataclass_travels_as_itself() -> None:
    spec = as_spec(Episode)
    stored = spec.store(Episode(2, [0.5, 1.0]))
    assert spec.load(stored) == Episode(2, [0.5, 1.0])
    assert spec.load(stored) is not spec.load(stored)


def test_an_object_has_no_fixed_size() -> None:
    spec: Object[Any] = Object(dict)
    assert (spec.nbytes, spec.fields) == (0, ())
    with pytest.raises(SpecError, match="dict has no fixed size"):
        spec.empty()


def test_what_is_neither_spec_nor_type_is_refused() -> None:
    with pytest.raises(SpecError, match=r"expected a spec or a plain type .*received 3"):
        as_spec(3)
