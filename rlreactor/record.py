"""Records: the values of a `Struct`."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.errors import did_you_mean

__all__ = ["Record", "unknown_field"]


class Record:
    """The value of a `Struct`: its arrays as attributes, in the order of the spec."""

    def __init__(self, **arrays: NDArray[Any]) -> None:
        self.__dict__.update(arrays)

    if typing.TYPE_CHECKING:

        def __getattr__(self, name: str) -> NDArray[Any]: ...

    def __setattr__(self, name: str, value: object) -> None:
        if self.__dict__.get(name) is value:
            return  # the end of `record.field += ...`, which has filled the array already
        raise AttributeError(f"a record's fields cannot be replaced; fill the array in place: record.{name}[...] = ...")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a record keeps all of its fields; {name!r} cannot be deleted")

    def __iter__(self) -> Iterator[tuple[str, NDArray[Any]]]:
        return iter(self.__dict__.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or list(self.__dict__) != list(other.__dict__):
            return NotImplemented if not isinstance(other, Record) else False
        return all(np.array_equal(a, other.__dict__[n], equal_nan=a.dtype.kind in "fc") for n, a in self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Record({', '.join(f'{name}={array!r}' for name, array in self)})"


def unknown_field(error: AttributeError) -> AttributeError | None:
    """What to say of a field that a record does not have; None where the error is about something else.

    Said afterwards: a `__getattr__` in the class would make every field of every record ten times as slow.
    """
    record = error.obj
    if not isinstance(record, Record) or not error.name or error.name in vars(record):
        return None
    unknown = AttributeError(f"no field {error.name!r}; {did_you_mean(error.name, vars(record))}")
    return unknown.with_traceback(error.__traceback__)
