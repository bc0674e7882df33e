"""Frames that somebody changed: whatever they hold, they are the peer's fault, or none, and nothing else happens.

RLREACTOR_MUTATIONS says how many.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable

import numpy as np
import psutil
import pytest

from rlreactor.links import wire
from rlreactor.links.conversation import Conversation
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.envelope import Envelope
from rlreactor.links.exchange import Exchange
from rlreactor.links.reliable import HEADER, PeerFault

COUNT = int(os.environ.get("RLREACTOR_MUTATIONS", "20000"))


def mutated(frame: bytes, chance: random.Random) -> bytes:
    data = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        kind = chance.randrange(5)
        at = chance.randrange(len(data) + 1)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            data[at:at] = chance.randbytes(chance.randint(1, 40))
        elif data:
            start = chance.randrange(len(data))
            data[start : start + 8] = chance.choice([0, 1, 2**31, 2**63 - 1, 2**64 - 1]).to_bytes(8, "little")
    return bytes(data)


class Ends:
    """The exchange of worker 0, and frames that worker 1 could send it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.landed = 0
        self.one, self.other = (self.exchange(me, 1 - me) for me in (0, 1))
        self.other.board.publish(self.other.board.read(1)[1])
        self.other.tell_everybody()
        self.other.try_write(0, [wire.head((3, 0)), wire.inline(2, b"value")])
        self.other.try_write(0, [bytes(5000)])
        notice = b"".join([wire.head((3, 0), 4), wire.entry(2, 1)])
        self.other.board.tell_idle()  # so that a row goes with the slot
        memory = memoryview(bytearray(1 << 12))
        self.other.send_slot(0, notice, Envelope(memory, 1 << 10, len(memory)))
        self.other.send_slot(0, notice, Envelope(memory[: (1 << 10) + 100], 1 << 10, (1 << 10) + 50))

    def exchange(self, me: int, peer: int) -> Exchange:
        def land(source: int, entry: wire.Entry, data: memoryview, may_stay: bool) -> None:
            assert not may_stay or np.frombuffer(data, np.uint8).ctypes.data % 64 == 0
            self.landed += 1

        def carry(target: int, frames: Iterable[bytes | memoryview], *, back: bool) -> None:
            self.sent += map(bytes, frames)

        return Exchange(
            me, DistantBoard(2, me), [peer], run=7, epoch=1, windows={(0, 1): 1 << 14, (1, 0): 1 << 14},
            carry=carry, land=land, clock=lambda: 0, long=1 << 10,
        )  # fmt: skip


@pytest.mark.timeout(1200)
def test_mutated_frames_of_a_link() -> None:
    chance, refused = random.Random(1), 0
    originals = Ends().sent
    assert len(originals) >= 4
    before = psutil.Process().memory_info().rss
    ends = Ends()
    for number in range(COUNT):
        if number % 100 == 0:
            ends = Ends()
        frame = mutated(chance.choice(originals), chance)
        try:
            if chance.random() < 0.8:
                ends.one.take_frame(1, frame)
            else:
                ends.one.take_answer(1, frame)
            ends.one.read(1)
        except PeerFault:
            refused += 1
    assert refused > COUNT // 2
    assert psutil.Process().memory_info().rss - before < 20 << 20


@pytest.mark.timeout(1200)
def test_mutated_frames_of_a_conversation() -> None:
    chance, refused = random.Random(2), 0
    originals: list[bytes] = []
    speaker = Conversation(3, first=True, send=lambda frame: originals.append(bytes(frame)), clock=lambda: 0)
    for number in range(8):
        speaker.say("metrics", number=number, values=[1.5, "x", b"y", (1, 2), {"a": None}])
    listener = speaker
    for number in range(COUNT):
        if number % 100 == 0:
            listener = Conversation(3, first=False, send=lambda frame: None, clock=lambda: 0)
        try:
            listener.take(mutated(chance.choice(originals), chance))
        except PeerFault:
            refused += 1
    assert refused > COUNT // 2
    assert all(len(frame) > HEADER for frame in originals)
