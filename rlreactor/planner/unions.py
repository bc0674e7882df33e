"""Things that belong together because they were joined, directly or through others."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Unions"]


class Unions:
    """Disjoint sets of names; the head of each is its first member in the order given."""

    def __init__(self, names: Iterable[str]) -> None:
        self._order = {name: i for i, name in enumerate(dict.fromkeys(names))}
        self._above = {name: name for name in self._order}

    def __contains__(self, name: object) -> bool:
        return name in self._order

    def head(self, name: str) -> str:
        """The first member of the set that `name` is in."""
        while self._above[name] != name:
            self._above[name] = self._above[self._above[name]]
            name = self._above[name]
        return name

    def join(self, one: str, other: str) -> None:
        """Make one set of two."""
        first, second = sorted((self.head(one), self.head(other)), key=self._order.__getitem__)
        self._above[second] = first

    def heads(self) -> dict[str, str]:
        """Every name with the head of its set."""
        return {name: self.head(name) for name in self._order}
