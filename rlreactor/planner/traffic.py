"""What would have to cross between workers, while groups are put on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Channel", "Traffic"]


class Channel(NamedTuple):
    """A port with the group that sets it, the other groups that read it, and the bytes of a message."""

    bytes: int
    writer: int
    readers: tuple[int, ...]


class Traffic:
    """Bytes per tag that placed groups exchange. A value is written once for all readers on a worker."""

    def __init__(self, channels: Iterable[Channel], group_count: int) -> None:
        self._written: list[list[int]] = [[] for _ in range(group_count)]
        self._read: list[list[int]] = [[] for _ in range(group_count)]
        self._channels = tuple(channels)
        for index, channel in enumerate(self._channels):
            self._written[channel.writer].append(index)
            for reader in channel.readers:
                self._read[reader].append(index)
        self._sources: dict[int, int] = {}  # channel → worker of its writer
        self._readers: defaultdict[int, Counter[int]] = defaultdict(Counter)  # → readers by worker

    def put(self, group: int, worker: int) -> None:
        """The group is on this worker now."""
        self._sources.update(dict.fromkeys(self._written[group], worker))
        for channel in self._read[group]:
            self._readers[channel][worker] += 1

    def take(self, group: int, worker: int) -> None:
        """It is no longer there."""
        for channel in self._written[group]:
            del self._sources[channel]
        for channel in self._read[group]:
            self._readers[channel][worker] -= 1
            if not self._readers[channel][worker]:
                del self._readers[channel][worker]

    def added(self, group: int, worker: int) -> int:
        """Bytes that cross between workers because this group, not placed yet, comes to this one."""
        sent = sum(
            self._channels[c].bytes * (len(self._readers[c]) - (worker in self._readers[c]))
            for c in self._written[group]
        )
        received = sum(
            self._channels[c].bytes
            for c in self._read[group]
            if self._sources.get(c, worker) != worker and worker not in self._readers[c]
        )
        return sent + received

    def partners(self, group: int) -> set[int]:
        """Workers that the group exchanges messages with."""
        sending = {self._sources[c] for c in self._read[group] if c in self._sources}
        return sending.union(*(self._readers[c] for c in self._written[group]))
