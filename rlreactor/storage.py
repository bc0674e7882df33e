"""Where the values of a written port live."""

from __future__ import annotations

from typing import Any, Protocol

from rlreactor.lender import Lender
from rlreactor.lent import Lent
from rlreactor.pool import Pool
from rlreactor.spec import Spec

__all__ = ["Heap", "Objects", "Storage", "heap"]


class Storage(Protocol):
    """Where the values of a written port live: the heap, or memory shared with other workers."""

    stored: memoryview
    """The bytes of the value that was stored last, laid out as in a slot; what lies between arrays is 0."""

    def empty(self) -> Any:
        """A writable value to be filled in place."""
        ...

    def store(self, value: Any) -> Any:
        """The stored, from now on unchanging, form of a value that was set."""
        ...


NO_BYTES = memoryview(b"")


class Objects:
    """Storage of a port whose values have no fixed size."""

    stored = NO_BYTES

    def __init__(self, spec: Spec[Any]) -> None:
        self.store = spec.store
        self.empty = spec.empty


class Heap(Lender):
    """Storage of a port of fixed size that nobody outside the worker reads."""

    __slots__ = ("_pool", "_spec")

    def __init__(self, spec: Spec[Any]) -> None:
        pool = Pool(spec)
        super().__init__(pool.values)
        self._spec = spec
        self._pool = pool

    def _another(self) -> Lent:
        return self._pool.take()

    def _copy(self, value: Any) -> Lent:
        checked = self._spec.checked(value)
        self.empty()
        lent = self._lent
        assert lent is not None
        self._spec.fill(lent.value, checked)
        self._spec.freeze(checked)
        return lent


def heap(spec: Spec[Any]) -> Storage:
    """The storage of a port that nobody outside the worker reads."""
    return Heap(spec) if spec.fields else Objects(spec)
