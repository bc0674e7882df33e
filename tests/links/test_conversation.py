"""Messages of any length, exactly once and in order, however many frames are lost."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest

from rlreactor.links.conversation import LONGEST_FRAME, Conversation
from rlreactor.links.reliable import PeerFault


class Line:
    """Both ends, and what is under way between them."""

    def __init__(self, loss: float = 0.0) -> None:
        self.now = 0
        self.chance = random.Random(1)
        self.loss = loss
        self.under_way: list[tuple[str, bytes]] = []
        self.ends = {
            name: Conversation(7, first=name == "slot", send=partial(self.carry, name), clock=lambda: self.now)
            for name in ("slot", "caller")
        }
        self.heard: dict[str, list[dict[str, object]]] = {"slot": [], "caller": []}

    def carry(self, source: str, frame: bytes | memoryview) -> None:
        assert len(frame) <= LONGEST_FRAME
        if self.chance.random() >= self.loss:
            self.under_way.append(("caller" if source == "slot" else "slot", bytes(frame)))

    def run(self, steps: int = 4000) -> None:
        for _ in range(steps):
            self.now += 50_000_000
            arriving, self.under_way = self.under_way, []
            for target, frame in arriving:
                self.heard[target] += self.ends[target].take(frame)
            for end in self.ends.values():
                end.tick()
            if not self.under_way and all(end.settled for end in self.ends.values()):
                return


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.6])
def test_both_ways_at_once(loss: float) -> None:
    line = Line(loss)
    for number in range(100):
        line.ends["slot"].say("metrics", number=number)
        line.ends["caller"].say("order", number=number)
    line.run()
    assert line.heard["caller"] == [{"kind": "metrics", "number": n} for n in range(100)]
    assert line.heard["slot"] == [{"kind": "order", "number": n} for n in range(100)]


def test_a_message_longer_than_the_window() -> None:
    line = Line(0.2)
    weights = np.arange(4 << 20, dtype=np.float64)  # 32 MB
    line.ends["slot"].say("done", weights=weights)
    line.ends["slot"].say("ended")
    line.run()
    done, ended = line.heard["caller"]
    assert np.array_equal(np.asarray(done["weights"]), weights)
    assert ended == {"kind": "ended"}


def test_what_another_incarnation_says_is_not_heard() -> None:
    frames: list[bytes] = []
    old = Conversation(6, first=True, send=lambda frame: frames.append(bytes(frame)), clock=lambda: 0)
    old.say("done")
    assert Line().ends["caller"].take(frames[0]) == []


@pytest.mark.parametrize("payload", [b"\1", b"\0" * 8 + b"\xc1", b"\0" * 8 + b"\x01", b"\0" * 8 + b"\x81\xa4kind\x01"])
def test_what_is_no_message_is_the_peers_fault(payload: bytes) -> None:
    from rlreactor.links.reliable import Address, Sender

    (frame,) = Sender(Address(0, 7, 0), window=1 << 20).send(payload, 0)
    with pytest.raises(PeerFault):
        Line().ends["caller"].take(frame)


def test_noise_is_the_peers_fault() -> None:
    with pytest.raises(PeerFault):
        Line().ends["caller"].take(b"noise")
