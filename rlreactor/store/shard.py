"""One worker's part of a snapshot as the bytes of a safetensors file, without pickle.

Arrays lie in it under the names array/0, array/1, ...; everything else, small arrays and those of other dtypes among
it, is packed into the bytes named plain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor import codec
from rlreactor.errors import RunError

__all__ = ["decode_shard", "encode_shard"]

_PLAIN = "plain"
_LARGE = 1024  # bytes of an array that is worth a name in the file
_DTYPES = {np.dtype(name) for name in ("?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8")}


def encode_shard(content: dict[str, Any]) -> bytes:
    """The bytes of a shard. Raises TypeError, naming the type, for what is neither plain data nor an array."""
    from safetensors.numpy import save  # late: a run without snapshots does not need it

    plain, arrays = codec.pack_apart(content, _is_apart)
    return save({_PLAIN: np.frombuffer(plain, np.uint8), **{_name(i): array for i, array in enumerate(arrays)}})


def decode_shard(data: bytes) -> dict[str, Any]:
    """The content of a shard; its arrays can be written. Raises RunError for what is no shard."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        parts = load(data)
        plain = parts.pop(_PLAIN)
        content: dict[str, Any] = codec.unpack(plain.data, [parts[_name(i)] for i in range(len(parts))])
    except (SafetensorError, ValueError, TypeError, LookupError) as error:
        raise RunError(f"not a shard of a snapshot, or of another version: {error}") from None
    return content


def _is_apart(array: NDArray[Any]) -> bool:
    return array.nbytes >= _LARGE and array.dtype in _DTYPES


def _name(place: int) -> str:
    return f"array/{place}"
