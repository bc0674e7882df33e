"""Plain data to bytes and back, with the types kept: tuples stay tuples, arrays stay arrays.

msgpack underneath, never pickle: what is decoded can only be data. Used for `Object` values on edges, for state
that a worker hands back, and for control messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, cast

import msgpack
import numpy as np
from numpy.typing import NDArray

from rlreactor.dynamic import is_a
from rlreactor.record import Record
from rlreactor.tag import Tag

__all__ = ["NUMBERS", "Unsaved", "pack", "pack_apart", "pack_leniently", "pack_number", "unpack"]

_BIG_INT, _TUPLE, _ARRAY, _SCALAR, _SET, _FROZENSET, _TAG, _UNSAVED, _COMPLEX, _RECORD, _APART = range(1, 12)
_Packer = cast("Any", msgpack.Packer)  # msgpack ships no types
_idle: list[Any] = []  # packers of `pack`: to make one takes longer than to pack a number
_LONG = 1 << 16  # bytes: a packer keeps as much memory as it ever needed
NUMBERS: Final = (bool, int, float, type(None))
"""Types of what `pack_number` takes."""
_pack_number = _Packer(strict_types=True).pack  # calls nobody, so nobody else can come in between
_unpack = cast("Any", msgpack.unpackb)
_BASES: tuple[Any, ...] = (str, bytes, float, list, dict)  # of subclasses: a StrEnum, a defaultdict
_PLAIN = "None, bool, int, float, complex, str, bytes, list, tuple, dict, set, Tag, Record or numpy"


class Unsaved(NamedTuple):
    """Stands for a state field that is not plain data (an environment, a network): it names its type."""

    type_name: str


def _extension(code: int, parts: Any, default: Callable[[Any], Any]) -> msgpack.ExtType:
    return msgpack.ExtType(code, _packb(parts, default))


def _axes(array: NDArray[Any]) -> list[int]:
    """The axes as they lie in memory, the slowest first; none where that is their order."""
    if array.flags.c_contiguous:
        return []
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def _as_it_lies(array: NDArray[Any], axes: Sequence[int]) -> NDArray[Any]:
    return np.ascontiguousarray(array.transpose(axes)) if axes else array


def _turned_back(array: NDArray[Any], axes: Sequence[int]) -> NDArray[Any]:
    return array.transpose(np.argsort(axes)) if axes else array


def _described(dtype: np.dtype[Any]) -> Any:
    if dtype.hasobject:
        raise TypeError("an array of Python objects cannot be packed; use a numeric dtype")
    return dtype.str if dtype.names is None else np.lib.format.dtype_to_descr(dtype)


def _dtype(described: Any) -> np.dtype[Any]:
    return np.dtype(described) if is_a(described, str) else np.lib.format.descr_to_dtype(described)


def _encode_array(value: NDArray[Any]) -> list[Any]:
    axes = _axes(value)
    array = _as_it_lies(value, axes)
    return [_described(value.dtype), list(array.shape), array.tobytes(), *([axes] if axes else [])]


def _decode_array(described: Any, shape: list[int], data: bytes, axes: Sequence[int] = ()) -> NDArray[Any]:
    return _turned_back(np.frombuffer(data, _dtype(described)).reshape(shape).copy(), axes)


def _encode(value: Any, default: Callable[[Any], Any]) -> msgpack.ExtType | Any:
    """What msgpack can pack in place of `value`; what lies within is left to `default`."""
    if is_a(value, tuple):
        return _extension(_TAG if type(value) is Tag else _TUPLE, list(value), default)
    if is_a(value, np.ndarray):
        return _extension(_ARRAY, _encode_array(value), default)
    if is_a(value, np.generic):
        return _extension(_SCALAR, [_described(value.dtype), value.tobytes()], default)
    if isinstance(value, Record):
        return _extension(_RECORD, dict(value), default)
    if isinstance(value, int):  # beyond 64 bits, or a subclass such as an IntEnum
        return msgpack.ExtType(_BIG_INT, str(int(value)).encode())
    if is_a(value, set, frozenset):
        code = _SET if is_a(value, set) else _FROZENSET
        return _extension(code, sorted(_packb(item, default) for item in value), default)
    if isinstance(value, complex):
        return _extension(_COMPLEX, [value.real, value.imag], default)
    for plain in _BASES:
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"cannot pack {type(value).__qualname__}: expected {_PLAIN}")


def _default(value: Any) -> Any:
    return _encode(value, _default)


def _lenient(value: Any) -> Any:
    try:
        return _encode(value, _lenient)
    except TypeError:
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        return msgpack.ExtType(_UNSAVED, name.encode())


def _packb(value: Any, default: Callable[[Any], Any]) -> bytes:
    packer = _packer(default)
    try:
        packed: bytes = packer.pack(value)
    except OverflowError:  # msgpack refuses ints beyond 64 bits before it asks `default`
        packed = packer.pack(_big_ints_wrapped(value))
    if default is _default and len(packed) < _LONG:
        _idle.append(packer)
    return packed


def _packer(default: Callable[[Any], Any]) -> Any:
    """One that nobody uses: no other thread, and nobody who is about to pack what this lies in."""
    if default is _default:
        try:
            return _idle.pop()
        except IndexError:
            pass
    return _Packer(default=default, strict_types=True)


def _big_ints_wrapped(value: Any) -> Any:
    kind = cast("Any", type(value))
    if kind is int and not -(2**63) <= value < 2**64:
        return _default(value)
    if kind is dict:
        return {_big_ints_wrapped(k): _big_ints_wrapped(v) for k, v in value.items()}
    if kind in (list, tuple):
        return cast("Any", kind)(_big_ints_wrapped(item) for item in value)
    return value


def _decode_extension(apart: Sequence[NDArray[Any]], code: int, data: bytes) -> Any:
    if code == _BIG_INT:
        return int(data)
    if code == _UNSAVED:
        return Unsaved(bytes(data).decode())
    parts = unpack(data, apart)
    if code == _TUPLE:
        return tuple(parts)
    if code == _TAG:
        return Tag(*parts)
    if code == _RECORD:
        return Record(**parts)
    if code == _ARRAY:
        return _decode_array(*parts)
    if code == _APART:
        place: int = parts[0]
        return _turned_back(apart[place], parts[1])
    if code == _SCALAR:
        return np.frombuffer(parts[1], _dtype(parts[0]))[0]
    if code in (_SET, _FROZENSET):
        return (set if code == _SET else frozenset)(unpack(item) for item in parts)
    if code == _COMPLEX:
        return complex(*parts)
    raise ValueError(f"unknown extension type {code} in packed data")


_decode_plainly = partial(_decode_extension, ())


def pack(value: Any) -> bytes:
    """Bytes of plain data. Raises TypeError, naming the type, for anything else."""
    return _packb(value, _default)


def pack_number(value: float | None) -> bytes:
    """The same bytes as `pack`, in half the time, of a bool, an int, a float or None."""
    try:
        packed: bytes = _pack_number(value)
    except OverflowError:
        return pack(value)
    return packed


def pack_leniently(value: Any) -> bytes:
    """Like `pack`, with `Unsaved` in place of whatever is not plain data."""
    return _packb(value, _lenient)


def pack_apart(value: Any, is_apart: Callable[[NDArray[Any]], bool]) -> tuple[bytes, list[NDArray[Any]]]:
    """Like `pack`, with some of the arrays beside the bytes: each once, in C order. Raises TypeError as `pack` does."""
    arrays: list[NDArray[Any]] = []
    places: dict[int, int] = {}  # by identity; `value` keeps them alive

    def default(value: Any) -> Any:
        if not is_a(value, np.ndarray) or not is_apart(value):
            return _encode(value, default)
        place, axes = places.setdefault(id(value), len(arrays)), _axes(value)
        if place == len(arrays):
            arrays.append(_as_it_lies(value, axes))
        return _extension(_APART, [place, axes], default)

    return _packb(value, default), arrays


def unpack(data: bytes | memoryview, apart: Sequence[NDArray[Any]] = ()) -> Any:
    """The value that was packed; `apart` are the arrays that `pack_apart` gave beside the bytes."""
    hook = partial(_decode_extension, apart) if apart else _decode_plainly
    return _unpack(data, ext_hook=hook, strict_map_key=False)
