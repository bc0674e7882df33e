"""What goes between workers while a schedule is played: how long messages are, and when they are there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from rlreactor.graph import Graph
from rlreactor.links import wire
from rlreactor.planner.flows import flows
from rlreactor.planner.machine import Network
from rlreactor.planner.memory import slot_bytes
from rlreactor.planner.profile import Profile
from rlreactor.planner.sites import Site
from rlreactor.tag import Tag

__all__ = ["Mail"]

_RECORD = 8  # bytes that a ring adds to a notice
_WORD = 8  # bytes


class Mail:
    """The messages of a schedule, sent in the order in which it is played.

    Attributes:
        sent: bytes from worker to worker.
    """

    def __init__(
        self, graph: Graph, profile: Profile, place: Mapping[str, int], sites: Sequence[Site], network: Network | None
    ) -> None:
        self._sites = sites
        self._network = network
        self._takes = profile.engine.message / 2  # seconds, at either end
        self._readers = _readers(graph, place)
        self._bytes = {port: profile.bytes_of(graph, port) for port in self._readers}
        self._in_slots = {port for port in self._readers if slot_bytes(graph, port)}
        self._cards_out: defaultdict[int, float] = defaultdict(float)  # by host: until when the card is taken
        self._cards_in: defaultdict[int, float] = defaultdict(float)
        self._arrivals: dict[tuple[int, int], float] = {}  # (firing, worker) → when its news is there, from afar
        self._messages: Counter[tuple[int, int]] = Counter()  # (firing, worker) → messages that it sent
        self._notices: dict[tuple[int, int], Tag] = {}  # from worker to worker: the tag of the last one
        self.sent: defaultdict[tuple[int, int], float] = defaultdict(float)

    def carries(self, port: str) -> bool:
        """Whether a port is read on other workers than its writer's."""
        return port in self._readers

    def send(self, ports: Sequence[str], tag: Tag, firing: int, worker: int, clock: float) -> float:
        """Send what a firing has set and is read elsewhere; when that is done."""
        for port in ports:
            for reader in self._readers.get(port, ()):
                clock += self._takes
                size = self._size(port) + self._notice(worker, reader, tag)
                self._messages[firing, reader] += 1
                self.sent[worker, reader] += size
                if self._sites[reader].host != self._sites[worker].host:
                    late = self._cross(worker, reader, size, clock)
                    self._arrivals[firing, reader] = max(late, self._arrivals.get((firing, reader), 0.0))
        return clock

    def arrival(self, firing: int, worker: int, sent: float) -> float:
        """When the news of a firing is there, which was out at `sent`."""
        return self._arrivals.pop((firing, worker), sent)

    def reading(self, firing: int, worker: int) -> float:
        """Seconds that a worker takes to read what a firing sent to it."""
        return self._takes * self._messages.pop((firing, worker), 0)

    def _size(self, port: str) -> float:
        """Bytes of an entry and its value: what lies in a notice is rounded up to whole words."""
        size = self._bytes[port]
        return wire.ENTRY + (size if port in self._in_slots else -(-size // _WORD) * _WORD)

    def _notice(self, worker: int, reader: int, tag: Tag) -> int:
        """Bytes of a notice besides its entries; 0 where one leaves for that reader at this tag already."""
        if self._notices.get((worker, reader)) == tag:
            return 0
        self._notices[worker, reader] = tag
        return wire.HEAD + _RECORD

    def _cross(self, worker: int, reader: int, size: float, clock: float) -> float:
        """When a message is there that leaves at `clock` for another host; a card sends one after another."""
        assert self._network is not None
        source, target = self._sites[worker].host, self._sites[reader].host
        takes = size / self._network.bandwidth
        leaves = self._cards_out[source] = max(clock, self._cards_out[source]) + takes
        arrives = max(leaves + self._network.latency, self._cards_in[target] + takes)
        self._cards_in[target] = arrives
        return arrives


def _readers(graph: Graph, place: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Port → the other workers that read it."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for flow in flows(graph):
        if place[flow.writer] != place[flow.reader]:
            found[flow.source].add(place[flow.reader])
    return {port: tuple(sorted(workers)) for port, workers in found.items()}
