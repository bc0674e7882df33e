"""Workers without memory in common: late, reordered, lost and doubled frames, cuts, ghosts of an earlier epoch.

A frame that arrives waits until its worker looks, and wakes it if it sleeps, as with sockets. So does a timer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.exchange import ROOM, Exchange, Land
from rlreactor.links.reliable import HEADER
from rlreactor.spec import ALIGNMENT

from .simulation import Simulation

__all__ = ["Network", "NetworkLinks"]

EPOCH = 3
_RUN = 0x5EED
_ROWS_UNDER_WAY = 4
_TIMEOUTS_NS = (100_000, 400_000)
_LONGEST_DELAY_NS = 40_000
_LONGEST_CUT_NS = 2_000_000

Frame = bytes | memoryview


class Network:
    """Carries frames from worker to worker, more or less."""

    def __init__(self, simulation: Simulation, workers: int, longest: int) -> None:
        chance = simulation.chance
        self.simulation = simulation
        size = chance.choice([1, 2, 10, 1000]) * longest
        self.windows = {(a, b): size for a in range(workers) for b in range(workers) if a != b}
        self.links: dict[int, NetworkLinks] = {}
        self.frames = 0
        self._early: list[tuple[int, int, Frame, bool]] = []  # came before the worker was there
        self._loss = chance.choice([0.0, 0.02, 0.2])
        self._doubling = chance.choice([0.0, 0.02, 0.2])
        self._ghosts = chance.choice([0.0, 0.02])
        self._cut_chance = chance.choice([0.0, 0.0, 0.01])
        self._cut_until: dict[tuple[int, int], int] = {}

    def connect(self, me: int, board: DistantBoard, peers: Iterable[int], land: Land) -> NetworkLinks:
        """The links of a worker that has just come up."""
        links = self.links[me] = NetworkLinks(self, me, board, tuple(peers), land)
        early, self._early = self._early, []
        for source, target, frame, back in early:
            self._deliver(source, target, frame, back)
        return links

    def carry(self, source: int, target: int, frame: Frame, *, back: bool) -> None:
        """Send a frame; `back`: it answers what came from `target`."""
        chance, now = self.simulation.chance, self.simulation.now
        self.frames += 1
        if chance.random() < self._cut_chance:
            until = now + chance.randrange(_LONGEST_CUT_NS)
            self._cut_until[source, target] = self._cut_until[target, source] = until
        if not back and chance.random() < self._ghosts:
            self._send(source, target, _ghost(frame, chance.choice([0, 1])), back)
        if self._cut_until.get((source, target), 0) > now or chance.random() < self._loss:
            return
        if chance.random() < self._doubling:
            self._send(source, target, bytes(frame), back)  # a copy, as everything that is sent again
        self._send(source, target, frame, back)

    def _send(self, source: int, target: int, frame: Frame, back: bool) -> None:
        delay = self.simulation.chance.randrange(100, _LONGEST_DELAY_NS)
        self.simulation.after(delay, lambda: self._deliver(source, target, frame, back))

    def _deliver(self, source: int, target: int, frame: Frame, back: bool) -> None:
        if target not in self.links:
            self._early.append((source, target, frame, back))
            return
        # A copy: what lies at the reader is the reader's, whatever the writer does to its memory from now on.
        self.links[target].arrived.append((source, _placed(frame, 24 if self.frames % 5 else 56), back))
        self.simulation.ring(target)


def _placed(frame: Frame, place: int) -> memoryview:
    """A copy where the address modulo 64 is `place`."""
    memory = np.empty(len(frame) + 2 * ALIGNMENT, np.uint8)
    start = (place - int(memory.__array_interface__["data"][0])) % ALIGNMENT
    memory[start : start + len(frame)] = np.frombuffer(frame, np.uint8)
    return memory.data[start : start + len(frame)]


def _ghost(frame: Frame, age: int) -> bytes:
    """The frame of an earlier epoch that had the same number, with what was the message then."""
    data = bytearray(frame)
    data[8:12] = (EPOCH - 1 - age).to_bytes(4, "little")
    if len(data) >= ROOM and data[HEADER] > 0:
        data[ROOM - 24] ^= 1  # another tag
    elif len(data) > HEADER:
        data[HEADER + 32 :] = bytes(b"\x01" * (len(data) - HEADER - 32))
    return bytes(data)


class NetworkLinks:
    """What `SocketLinks` is, over this network."""

    def __init__(self, network: Network, me: int, board: DistantBoard, peers: tuple[int, ...], land: Land) -> None:
        self._network = network
        self._me = me
        self._simulation = network.simulation
        self.arrived: deque[tuple[int, memoryview, bool]] = deque()
        self._alarm = -1
        self.exchange = Exchange(
            me, board, peers, run=_RUN, epoch=EPOCH, windows=network.windows, carry=self._carry, land=land,
            clock=self.now, timeouts=_TIMEOUTS_NS, rows_under_way=_ROWS_UNDER_WAY, long=1,
        )  # fmt: skip
        self.exchange.tell_everybody()

    @property
    def fd(self) -> int:
        """Whatever it would tell rings here."""
        return -1

    def now(self) -> int:
        """Virtual time."""
        return self._simulation.now

    def _carry(self, target: int, frames: Iterable[Frame], *, back: bool) -> None:
        for frame in frames:
            self._network.carry(self._me, target, frame, back=back)

    def pump(self) -> None:
        """Take in what has come and send what is due."""
        self._simulation.point()
        self.exchange.tick()
        while self.arrived:
            source, frame, back = self.arrived.popleft()
            (self.exchange.take_answer if back else self.exchange.take_frame)(source, frame)
        self.exchange.answer()
        self._set_alarm()

    def settle(self) -> None:
        """The same; before a sleep."""
        self.exchange.send_rows()
        self.pump()
        self.exchange.send_rows()

    def _set_alarm(self) -> None:
        due, now = self.exchange.due, self.now()
        if due is not None and not now <= self._alarm <= due:
            self._alarm = max(now, due)
            self._simulation.after(self._alarm - now, lambda: self._simulation.ring(self._me))

    def close(self, *, give_up: bool) -> None:
        """Nothing is left to do."""
