"""Hosts that only have a network: late, reordered, lost and doubled frames, cuts, and ghosts of an earlier epoch.

Every worker is a host of its own. A `Host` is what an I/O thread would run beside the worker: the ends of all its
links, its board, and what arrived and was not read yet. It works whenever a frame arrives or a timer is due, also
while its worker computes or stalls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.doorbell import Wake
from rlreactor.links.reliable import HEADER, Address, Receiver, Sender

from .simulation import Simulation

__all__ = ["Host", "Network", "NetworkMemory"]

EPOCH = 3
_RUN = 0x5EED
_ROW, _MESSAGE = b"R", b"M"  # the first byte of a payload
_ROWS_UNDER_WAY = 4
_TIMEOUT_NS = 100_000
_LONGEST_DELAY_NS = 40_000
_LONGEST_CUT_NS = 2_000_000


class Network:
    """Carries frames from host to host, more or less."""

    def __init__(self, simulation: Simulation, hosts: int, longest: int) -> None:
        chance = simulation.chance
        self.simulation = simulation
        self.window = chance.choice([1, 2, 10, 1000]) * longest
        self.hosts = [Host(self, me, hosts) for me in range(hosts)]
        self.frames = 0
        self._loss = chance.choice([0.0, 0.02, 0.2])
        self._doubling = chance.choice([0.0, 0.02, 0.2])
        self._ghosts = chance.choice([0.0, 0.02])
        self._cut_chance = chance.choice([0.0, 0.0, 0.01])
        self._cut_until: dict[tuple[int, int], int] = {}

    def carry(self, source: int, target: int, frames: Iterable[bytes], *, back: bool) -> None:
        """Send `frames`; `back`: they answer what came from `target`."""
        for frame in frames:
            self._carry(source, target, frame, back)

    def _carry(self, source: int, target: int, frame: bytes, back: bool) -> None:
        chance, now = self.simulation.chance, self.simulation.now
        self.frames += 1
        if chance.random() < self._cut_chance:
            until = now + chance.randrange(_LONGEST_CUT_NS)
            self._cut_until[source, target] = self._cut_until[target, source] = until
        if not back and chance.random() < self._ghosts:
            self._arrive(source, target, _ghost(frame, chance.choice([0, 1])), back)
        if self._cut_until.get((source, target), 0) > now or chance.random() < self._loss:
            return
        self._arrive(source, target, frame, back)
        if chance.random() < self._doubling:
            self._arrive(source, target, frame, back)

    def _arrive(self, source: int, target: int, frame: bytes, back: bool) -> None:
        host = self.hosts[target]
        take = host.take_answer if back else host.take_frame
        self.simulation.after(self.simulation.chance.randrange(100, _LONGEST_DELAY_NS), lambda: take(source, frame))

    @property
    def unacknowledged(self) -> int:
        """Frames that some sender still retains."""
        return sum(sender.unacknowledged for host in self.hosts for sender in host.senders.values())


def _ghost(frame: bytes, age: int) -> bytes:
    """The frame of an earlier epoch that had the same number, with what was the message then."""
    data = bytearray(frame)
    data[8:12] = (EPOCH - 1 - age).to_bytes(4, "little")
    if len(data) > HEADER + 40 and data[HEADER] == _MESSAGE[0]:
        data[HEADER + 9] ^= 1  # another tag
    elif len(data) > HEADER:
        data[HEADER + 1 :] = bytes(b"\x01" * (len(data) - HEADER - 1))
    return bytes(data)


class Host:
    """The ends of one worker's links, and what it knows of the others."""

    def __init__(self, network: Network, me: int, hosts: int) -> None:
        self.me = me
        self.board = DistantBoard(hosts, me)
        self._network = network
        self._simulation = network.simulation
        others = [w for w in range(hosts) if w != me]
        window, timeouts = network.window, {"timeout": _TIMEOUT_NS, "longest_timeout": 4 * _TIMEOUT_NS}
        self.senders = {w: Sender(Address(_RUN, EPOCH, me * hosts + w), window=window, **timeouts) for w in others}
        self.receivers = {w: Receiver(Address(_RUN, EPOCH, w * hosts + me), window=window) for w in others}
        self.arrived: dict[int, list[bytes]] = {w: [] for w in others}
        self._told = dict.fromkeys(others, 0)  # revision of the row that went to each
        self._due: set[int] = set()  # rows to send as soon as there are fewer under way
        self._watched: set[int] = set()  # links whose timer runs

    # From the worker

    def send(self, target: int, message: bytes) -> bool:
        """False: no credits now."""
        sender = self.senders[target]
        payload = _MESSAGE + message
        if not sender.has_room(len(payload)):
            self._watch(target)
            return False
        if self._told[target] < self.board.fell_at:
            self._tell_now(target)
        self._carry(target, sender.send(payload, self._simulation.now))
        return True

    def tell(self, target: int) -> None:
        """Send the own row, unless that has happened since it changed."""
        if self._told[target] == self.board.revision:
            return
        if self.senders[target].unacknowledged < _ROWS_UNDER_WAY:
            self._tell_now(target)
        else:
            self._due.add(target)

    def _tell_now(self, target: int) -> None:
        self._told[target] = self.board.revision
        self._carry(target, self.senders[target].send(_ROW + self.board.row(), self._simulation.now, free=True))

    def tell_all(self) -> None:
        """Send the own row to everybody who does not have it."""
        for target in self.senders:
            self.tell(target)

    def read(self, source: int) -> list[bytes]:
        """The messages that have come from `source`."""
        messages, self.arrived[source] = self.arrived[source], []
        self.board.count_received(source, len(messages))
        length = sum(len(message) + len(_MESSAGE) for message in messages)
        if length:
            self._network.carry(self.me, source, self.receivers[source].consumed(length), back=True)
        return messages

    # From the network

    def take_frame(self, source: int, frame: bytes) -> None:
        """A frame of the link from `source`."""
        arrival = self.receivers[source].receive(frame)
        for payload, _ in arrival.payloads:
            if payload[0] == _ROW[0]:
                self.board.update(source, payload[1:])
                self.tell(source)  # it tells because it wants to know
            else:
                self.arrived[source].append(bytes(payload[1:]))
        self._network.carry(self.me, source, arrival.answers, back=True)
        if arrival.payloads:
            self._simulation.ring(self.me)

    def take_answer(self, target: int, frame: bytes) -> None:
        """An answer to the link to `target`."""
        if self.senders[target].receive(frame, self._simulation.now):
            self._simulation.ring(self.me)
        if target in self._due and self.senders[target].unacknowledged < _ROWS_UNDER_WAY:
            self._due.discard(target)
            self.tell(target)

    def _carry(self, target: int, frames: list[bytes]) -> None:
        self._network.carry(self.me, target, frames, back=False)
        self._watch(target)

    def _watch(self, target: int) -> None:
        """Look after the link again when its timer is due."""
        due = self.senders[target].due
        if due is not None and target not in self._watched:
            self._watched.add(target)
            self._simulation.after(max(0, due - self._simulation.now), lambda: self._tick(target))

    def _tick(self, target: int) -> None:
        self._watched.discard(target)
        self._carry(target, self.senders[target].tick(self._simulation.now))


class Bell:
    """In place of a doorbell: to ring another worker is to send it the own row."""

    def __init__(self, host: Host, simulation: Simulation, owner: int) -> None:
        self._host = host
        self._simulation = simulation
        self._owner = owner

    def wait(self, predicate: Callable[[], bool], *, spin: int = 0, timeout_s: float | None = None) -> Wake:
        """Sleep until the predicate is true or the time is up."""
        deadline = self._simulation.now + round(1e9 * (timeout_s or 0.05))
        self._host.tell_all()
        while not predicate():
            self._simulation.point()
            if not self._simulation.sleep(deadline):
                ready = predicate()
                if ready:
                    self._simulation.overslept()
                return Wake(ready)
        return Wake(True)

    def ring(self) -> None:
        """Let the owner know what this worker has to say."""
        self.ring_after_fence()

    def ring_after_fence(self) -> None:
        """The same."""
        if self._owner != self._host.me:
            self._simulation.point()
            self._host.tell(self._owner)


class Writer:
    """In place of the writing end of a ring."""

    def __init__(self, host: Host, simulation: Simulation, target: int) -> None:
        self._host = host
        self._simulation = simulation
        self._target = target

    def try_write(self, parts: list[bytes]) -> bool:
        """Take one message; False without room for it."""
        self._simulation.point()
        return self._host.send(self._target, b"".join(parts))

    def flush(self) -> bool:
        """Nothing is ever left over."""
        return True


class Reader:
    """In place of the reading end of a ring."""

    def __init__(self, host: Host, simulation: Simulation, source: int) -> None:
        self._host = host
        self._simulation = simulation
        self._source = source

    def waiting(self) -> bool:
        """Whether something has come."""
        return bool(self._host.arrived[self._source])

    def read(self) -> list[bytes]:
        """What has come."""
        self._simulation.point()
        return self._host.read(self._source)


class NetworkMemory:
    """Offers one worker what `Neighbourhood` uses of `HostMemory`."""

    def __init__(self, network: Network, me: int) -> None:
        hosts = range(len(network.hosts))
        self.workers = len(hosts)
        self.slot_plans: dict[str, Any] = {}
        self.rings = {(a, b): 0 for a in hosts for b in hosts if a != b}
        self._host = network.hosts[me]
        self._simulation = network.simulation

    def map(self) -> None:
        """There is nothing to map."""

    def board(self, mapping: None, me: int) -> DistantBoard:
        """The board as worker `me` knows it."""
        return self._host.board

    def writer(self, mapping: None, link: tuple[int, int]) -> Writer:
        """The writing end of a link."""
        return Writer(self._host, self._simulation, link[1])

    def reader(self, mapping: None, link: tuple[int, int]) -> Reader:
        """The reading end of a link."""
        return Reader(self._host, self._simulation, link[0])

    def doorbell(self, board: DistantBoard, worker: int) -> Bell:
        """The bell that wakes `worker`."""
        return Bell(self._host, self._simulation, worker)
