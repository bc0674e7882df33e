"""What a port carries, known before any value exists.

Three kinds: `Array` (dtype and shape), `Struct` (named arrays) and `Object` (any plain Python type). Arrays have a
fixed size, so every edge's memory is known before the run. A spec also says how a value is *stored* once it was set:
stored values never change, whatever a reader or the former owner does. That is what makes a value the same for a
reader next door and one on another host.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from rlreactor import codec
from rlreactor.dynamic import is_a
from rlreactor.errors import SpecError, did_you_mean
from rlreactor.record import Record

if TYPE_CHECKING:
    from pydantic import PydanticUserError, TypeAdapter, ValidationError

__all__ = ["Array", "Field", "Object", "Record", "Spec", "Struct", "as_spec"]

T = TypeVar("T")
S = TypeVar("S", bound=np.generic)

Dimension = int | str
ALIGNMENT = 64  # bytes; numpy sums over odd addresses give other bits, and a cache line is never shared


class Field(NamedTuple):
    """One array inside a slot: where it starts and how to read it."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


class Spec(Generic[T]):
    """What a port carries. `T` is the type of the value, so that type checkers see a mismatched connection."""

    def resolved(self, parameters: Mapping[str, Any]) -> Spec[T]:
        """This spec with every parameter's name replaced by its value. Raises SpecError."""
        return self

    def checked(self, value: Any) -> Any:
        """The value itself, once it is sure that it fits. Raises SpecError if it does not."""
        raise NotImplementedError

    def store(self, value: Any) -> Any:
        """The stored form of a value that was set: it never changes again. Raises SpecError if it does not fit."""
        raise NotImplementedError

    def empty(self) -> Any:
        """A writable value with undefined contents. Raises SpecError where the size is not fixed."""
        raise SpecError(f"{self} has no fixed size")

    def freeze(self, value: Any) -> None:
        """Make a value that came from `empty()` read-only."""
        raise SpecError(f"{self} has no fixed size")

    def load(self, stored: Any) -> T:
        """What a reader sees of a stored value."""
        return cast(T, stored)

    def private_copy(self, stored: Any) -> T:
        """A copy that its reader may change."""
        return self.load(stored)

    @property
    def loads_as_stored(self) -> bool:
        """Whether readers share the stored value itself (no decoding between)."""
        return True

    @property
    def plain(self) -> type | None:
        """The type whose values are their own stored form; None where every value has to be looked at."""
        return None

    @property
    def is_number(self) -> bool:
        """Whether its values are what `codec.pack_number` takes."""
        return self.plain in codec.NUMBERS

    def encode(self, stored: Any) -> bytes:
        """A stored value as the bytes of a message: the arrays as they lie in a slot."""
        buffer = bytearray(self.nbytes)
        self.fill(self.view(buffer), stored)
        return bytes(buffer)

    def decode(self, data: bytes | memoryview) -> Any:
        """The stored value of a message's bytes. Raises SpecError for a wrong length."""
        if len(data) != self.nbytes:
            raise SpecError(f"expected the {self.nbytes} bytes of {self}, received {len(data)}")
        return self.view(data)

    def view(self, buffer: Any) -> Any:
        """A value whose arrays lie in `buffer`, laid out as `fields` says."""
        raise SpecError(f"{self} has no fixed size")

    def fill(self, target: Any, value: Any) -> None:
        """Copy a value into another one of the same spec."""
        raise SpecError(f"{self} has no fixed size")

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The arrays of a slot, in order; empty where the size is not fixed."""
        return ()

    @cached_property
    def nbytes(self) -> int:
        """Bytes of one slot; 0 where the size is not fixed."""
        return _aligned(self.fields[-1].offset + self.fields[-1].nbytes) if self.fields else 0


class Array(Spec[NDArray[S]], Generic[S]):
    """An array of fixed dtype and shape. A name in the shape (or as dtype) is a parameter of the reactor.

    A parameter that is a tuple of ints is spliced into the shape, `("horizon", "obs_shape")`, and a dotted name is an
    attribute of a parameter: `("horizon", "policy.observation_shape")`.
    """

    @overload
    def __init__(self, dtype: type[S] | np.dtype[S], shape: tuple[Dimension, ...] | Dimension = ()) -> None: ...
    @overload
    def __init__(self: Array[Any], dtype: str, shape: tuple[Dimension, ...] | Dimension = ()) -> None: ...
    def __init__(self, dtype: Any, shape: tuple[Dimension, ...] | Dimension = ()) -> None:
        self.dtype_name: str | None = dtype if isinstance(dtype, str) else None
        self.shape: tuple[Any, ...] = shape if isinstance(shape, tuple) else (shape,)
        self._dtype = None if isinstance(dtype, str) else _numeric(dtype)
        for dimension in self.shape:
            _check_dimension(dimension, self.shape)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype. Raises SpecError for a name that is neither a dtype nor resolved yet."""
        return self._dtype if self._dtype is not None else _numeric(cast(str, self.dtype_name))

    def resolved(self, parameters: Mapping[str, Any]) -> Array[S]:
        dtype: Any = self.dtype_name if self._dtype is None else self._dtype
        if isinstance(dtype, str) and dtype.partition(".")[0] in parameters:
            dtype = _looked_up(dtype, parameters)
        shape = tuple(n for d in self.shape for n in _resolve_dimension(d, parameters))
        return Array(_numeric(dtype), shape)

    def checked(self, value: Any) -> NDArray[S]:
        if is_a(value, np.generic) and not self.shape:
            value = np.asarray(value)
        if type(value) is not np.ndarray or value.dtype != self.dtype or value.shape != self.shape:
            raise SpecError(f"expected {self}, received {describe_value(value)}{self._hint(value)}")
        return cast("NDArray[S]", value)

    def store(self, value: Any) -> NDArray[S]:
        # A copy, always: whoever took a view of the array before could still write through it, and a reader next door
        # would see that while one on another worker would not. What comes from `empty()` is not copied.
        array = self.checked(value)
        stored = array.copy()
        stored.flags.writeable = array.flags.writeable = False
        return stored

    def freeze(self, value: Any) -> None:
        value.flags.writeable = False

    def empty(self) -> NDArray[S]:
        return np.empty(self.shape, self.dtype)

    def view(self, buffer: Any) -> NDArray[S]:
        return np.ndarray(self.shape, self.dtype, buffer=buffer)

    def fill(self, target: Any, value: Any) -> None:
        target[...] = value

    def private_copy(self, stored: Any) -> NDArray[S]:
        return cast("NDArray[S]", np.array(stored))

    def _hint(self, value: Any) -> str:
        if is_a(value, np.ndarray) and value.shape == self.shape:
            return f"; convert with value.astype(np.{self.dtype.name})"
        return ""

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return (Field("", self.dtype, self.shape, 0),)

    def __eq__(self, other: object) -> bool:
        return is_a(other, Array) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        name = self.dtype_name if self._dtype is None else self._dtype.name
        return f"Array({name}, {_shape_text(self.shape)})"

    __repr__ = __str__


class Struct(Spec[Record]):
    """Named arrays that travel as one value: `Struct(obs=Array(...), reward=Array(...))`."""

    def __init__(self, **arrays: Array[Any]) -> None:
        if not arrays:
            raise SpecError("a Struct needs at least one field: Struct(obs=Array(np.float32, (4,)))")
        for name, array in arrays.items():
            if not is_a(array, Array):
                raise SpecError(f"Struct field {name!r}: expected an Array, received {array!r}")
        self.arrays = arrays

    def resolved(self, parameters: Mapping[str, Any]) -> Struct:
        return Struct(**{name: array.resolved(parameters) for name, array in self.arrays.items()})

    def checked(self, value: Any) -> Record:
        return self._each(value, "checked")

    def store(self, value: Any) -> Record:
        return self._each(value, "store")

    def _each(self, value: Any, method: str) -> Record:
        given: Any = value.__dict__ if is_a(value, Record) else value
        if not is_a(given, Mapping) or set(given) != set(self.arrays):
            raise SpecError(f"expected {self}, received {describe_value(value)}")
        arrays: dict[str, NDArray[Any]] = {}
        for name, array in self.arrays.items():
            try:
                arrays[name] = getattr(array, method)(given[name])
            except SpecError as error:
                raise SpecError(f"field {name!r}: {error}") from None
        return Record(**arrays)

    def empty(self) -> Record:
        return Record(**{name: array.empty() for name, array in self.arrays.items()})

    def freeze(self, value: Any) -> None:
        for _, array in value:
            array.flags.writeable = False

    def view(self, buffer: Any) -> Record:
        return Record(**{f.name: np.ndarray(f.shape, f.dtype, buffer=buffer, offset=f.offset) for f in self.fields})

    def fill(self, target: Any, value: Any) -> None:
        for name, array in target:
            array[...] = value.__dict__[name]

    def private_copy(self, stored: Any) -> Record:
        return Record(**{name: np.array(array) for name, array in stored})

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        fields: list[Field] = []
        offset = 0
        for name, array in self.arrays.items():
            fields.append(Field(name, array.dtype, array.shape, offset))
            offset = _aligned(offset + fields[-1].nbytes)
        return tuple(fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Struct) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return f"Struct({', '.join(f'{name}={array}' for name, array in self.arrays.items())})"

    __repr__ = __str__


def _no_data() -> type[PydanticUserError]:
    from pydantic import PydanticUserError

    return PydanticUserError


def _invalid() -> type[ValidationError]:
    from pydantic import ValidationError

    return ValidationError


_SCALARS = (*codec.NUMBERS, str, bytes)
_CONTAINERS = (list, tuple, dict, set, frozenset)


class Object(Spec[T]):
    """Any plain Python type: scalars, containers, dataclasses, pydantic models. Of no fixed size.

    Scalars travel as they are. Everything that could be changed is stored as bytes, and each reader decodes its own:
    no reader can see what another one did to its copy.
    """

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self._type: type[Any] = typing.get_origin(annotation) or annotation
        self._scalar = annotation in _SCALARS
        self._bare = annotation in _CONTAINERS

    def resolved(self, parameters: Mapping[str, Any]) -> Object[T]:
        if is_a(self.annotation, type) and issubclass(self._type, np.generic):
            raise SpecError(f"{self} is a numpy scalar type; write float, int or bool, or Array(np.{self})")
        try:
            if not (self._scalar or self._bare):
                _ = self._adapter
        except _no_data():
            raise SpecError(
                f"{self} is not plain data; a port carries an Array, a Struct, numbers, strings, containers, "
                "dataclasses or pydantic models"
            ) from None
        return self

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter  # late: a third of what importing rlreactor would take

        return TypeAdapter(self.annotation)

    @property
    def loads_as_stored(self) -> bool:
        return self._scalar

    @property
    def plain(self) -> type | None:
        return self._type if self._scalar else None

    def checked(self, value: Any) -> Any:
        self.store(value)
        return value

    def store(self, value: Any) -> Any:
        if type(value) is self.annotation and self._scalar:
            return value
        return self._store_scalar(value) if self._scalar else self._store_bytes(value)

    def _store_scalar(self, value: Any) -> Any:
        # A subclass (np.float64 is a float) would arrive as the plain type on another worker: make it plain here too.
        if isinstance(value, self._type) and not (isinstance(value, bool) and self._type is int):
            return self._type(value)
        if self._type is float and type(value) is int:
            return float(value)
        raise SpecError(f"expected {self}, received {describe_value(value)}{_number_hint(value)}")

    def _store_bytes(self, value: Any) -> bytes:
        if self._bare and type(value) is not self._type:
            raise SpecError(f"expected {self}, received {describe_value(value)}")
        try:
            return codec.pack(value if self._bare else self._dumped(value))
        except TypeError as error:
            raise SpecError(f"expected {self}: {error}") from None

    def _dumped(self, value: Any) -> Any:
        try:
            return self._adapter.dump_python(self._adapter.validate_python(value, strict=True))
        except _invalid() as error:
            raise SpecError(f"expected {self}, received {describe_value(value)}: {error}") from None

    def encode(self, stored: Any) -> bytes:
        if self.is_number:
            return codec.pack_number(stored)
        return codec.pack(stored) if self._scalar else bytes(stored)

    def decode(self, data: bytes | memoryview) -> Any:
        return codec.unpack(data) if self._scalar else bytes(data)

    def load(self, stored: Any) -> T:
        if self._scalar:
            return cast(T, stored)
        value = codec.unpack(stored)
        return cast(T, value if self._bare else self._adapter.validate_python(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and self.annotation == other.annotation

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return (
            "None"
            if self._type is type(None)
            else getattr(
                self.annotation if isinstance(self.annotation, type) else None, "__name__", str(self.annotation)
            )
        )

    __repr__ = __str__


def as_spec(given: Any) -> Spec[Any]:
    """The spec that a port was declared with: a Spec, or a plain Python type. Raises SpecError."""
    if is_a(given, Spec):
        spec: Spec[Any] = given
        return spec
    if given is None:
        return Object(type(None))
    if isinstance(given, type | types.GenericAlias | types.UnionType) or typing.get_origin(given):
        return Object(given)
    raise SpecError(
        f"expected a spec or a plain type (Array(np.float32, (3,)), Struct(...), int, dict), received {given!r}"
    )


def _numeric(dtype: Any) -> np.dtype[Any]:
    try:
        numeric: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise SpecError(f"{dtype!r} is neither a numpy dtype nor a parameter of the reactor") from None
    if numeric.hasobject:
        raise SpecError(f"dtype {dtype!r} holds Python objects; an Array needs a dtype of fixed size")
    return numeric


def _check_dimension(dimension: Any, shape: tuple[Any, ...]) -> None:
    if isinstance(dimension, str):
        return
    if not isinstance(dimension, int) or isinstance(dimension, bool) or dimension < 0:
        raise SpecError(f"shape {shape}: expected non-negative ints or parameter names, received {dimension!r}")


def _looked_up(name: str, parameters: Mapping[str, Any]) -> Any:
    """The value of a parameter, `horizon`, or of an attribute of one, `policy.size`."""
    first, *attributes = name.split(".")
    if first not in parameters:
        raise SpecError(f"spec names {name!r}, but there is no parameter {first!r}; {did_you_mean(first, parameters)}")
    value = parameters[first]
    for attribute in attributes:
        if not hasattr(value, attribute):
            raise SpecError(f"spec names {name!r}, but {type(value).__name__} has no attribute {attribute!r}")
        value = getattr(value, attribute)
    return value


def _resolve_dimension(dimension: Dimension, parameters: Mapping[str, Any]) -> tuple[int, ...]:
    if isinstance(dimension, int):
        return (dimension,)
    value = _looked_up(dimension, parameters)
    sizes: tuple[Any, ...] = tuple(value) if is_a(value, tuple, list) else (value,)
    for size in sizes:
        if type(size) is not int or size < 0:
            raise SpecError(f"shape names {dimension!r}: expected a non-negative int, received {value!r}")
    return sizes


def _shape_text(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _number_hint(value: Any) -> str:
    return f"; convert with {type(value.item()).__name__}(value)" if is_a(value, np.generic) else ""


def describe_value(value: Any) -> str:
    """A value in an error message: kind, dtype and shape, never megabytes of numbers."""
    if is_a(value, np.ndarray):
        return f"Array({value.dtype.name}, {_shape_text(value.shape)})"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
