"""Plain data to bytes and back, with the types kept: tuples stay tuples, arrays stay arrays.

msgpack underneath, never pickle: what is decoded can only be data. Used for `Object` values on edges, for state
that a worker hands back, and for control messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import msgpack
import numpy as np

from rlreactor.dynamic import is_a
from rlreactor.record import Record
from rlreactor.tag import Tag

__all__ = ["Unsaved", "pack", "pack_leniently", "unpack"]

_BIG_INT, _TUPLE, _ARRAY, _SCALAR, _SET, _FROZENSET, _TAG, _UNSAVED, _COMPLEX, _RECORD = range(1, 11)
_pack = cast("Any", msgpack.packb)  # msgpack ships no types
_unpack = cast("Any", msgpack.unpackb)
_BASES: tuple[Any, ...] = (str, bytes, float, list, dict)  # of subclasses: a StrEnum, a defaultdict
_PLAIN = "None, bool, int, float, complex, str, bytes, list, tuple, dict, set, Tag, Record or numpy"


class Unsaved(NamedTuple):
    """Stands for a state field that is not plain data (an environment, a network): it names its type."""

    type_name: str


def _extension(code: int, parts: Any, default: Callable[[Any], Any]) -> msgpack.ExtType:
    return msgpack.ExtType(code, _packb(parts, default))


def _encode_array(value: np.ndarray[Any, Any]) -> list[Any]:
    if value.dtype.hasobject:
        raise TypeError("an array of Python objects cannot be packed; use a numeric dtype")
    return [value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]


def _default(value: Any) -> Any:
    if is_a(value, tuple):
        return _extension(_TAG if type(value) is Tag else _TUPLE, list(value), _default)
    if is_a(value, np.ndarray):
        return _extension(_ARRAY, _encode_array(value), _default)
    if is_a(value, np.generic):
        return _extension(_SCALAR, [value.dtype.str, value.tobytes()], _default)
    if isinstance(value, Record):
        return _extension(_RECORD, dict(value), _default)
    if isinstance(value, int):  # beyond 64 bits, or a subclass such as an IntEnum
        return msgpack.ExtType(_BIG_INT, str(int(value)).encode())
    if is_a(value, set, frozenset):
        code = _SET if is_a(value, set) else _FROZENSET
        return _extension(code, sorted(_packb(item, _default) for item in value), _default)
    if isinstance(value, complex):
        return _extension(_COMPLEX, [value.real, value.imag], _default)
    for plain in _BASES:
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"cannot pack {type(value).__qualname__}: expected {_PLAIN}")


def _lenient(value: Any) -> Any:
    if is_a(value, tuple) and not is_a(value, Tag):
        return _extension(_TUPLE, list(value), _lenient)
    try:
        return _default(value)
    except TypeError:
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        return msgpack.ExtType(_UNSAVED, name.encode())


def _packb(value: Any, default: Callable[[Any], Any]) -> bytes:
    try:
        return bytes(_pack(value, default=default, strict_types=True))
    except OverflowError:  # msgpack refuses ints beyond 64 bits before it asks `default`
        return bytes(_pack(_big_ints_wrapped(value), default=default, strict_types=True))


def _big_ints_wrapped(value: Any) -> Any:
    kind = cast("Any", type(value))
    if kind is int and not -(2**63) <= value < 2**64:
        return _default(value)
    if kind is dict:
        return {_big_ints_wrapped(k): _big_ints_wrapped(v) for k, v in value.items()}
    if kind in (list, tuple):
        return cast("Any", kind)(_big_ints_wrapped(item) for item in value)
    return value


def _decode_extension(code: int, data: bytes) -> Any:
    if code == _BIG_INT:
        return int(data)
    if code == _UNSAVED:
        return Unsaved(bytes(data).decode())
    parts = unpack(data)
    if code == _TUPLE:
        return tuple(parts)
    if code == _TAG:
        return Tag(*parts)
    if code == _RECORD:
        return Record(**parts)
    if code == _ARRAY:
        return np.frombuffer(parts[2], np.dtype(parts[0])).reshape(parts[1]).copy()
    if code == _SCALAR:
        return np.frombuffer(parts[1], np.dtype(parts[0]))[0]
    if code in (_SET, _FROZENSET):
        return (set if code == _SET else frozenset)(unpack(item) for item in parts)
    if code == _COMPLEX:
        return complex(*parts)
    raise ValueError(f"unknown extension type {code} in packed data")


def pack(value: Any) -> bytes:
    """Bytes of plain data. Raises TypeError, naming the type, for anything else."""
    return _packb(value, _default)


def pack_leniently(value: Any) -> bytes:
    """Like `pack`, with `Unsaved` in place of whatever is not plain data."""
    return _packb(value, _lenient)


def unpack(data: bytes | memoryview) -> Any:
    """The value that `pack` was given."""
    return _unpack(data, ext_hook=_decode_extension, strict_map_key=False, use_list=True)
