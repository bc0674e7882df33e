"""One worker's links at work, with a peer that a test plays: what is repeated or old is not delivered.

And how the worker waits for them.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Generator

import pytest
import zmq
from zmq.utils.garbage import gc

from rlreactor.links import wire
from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.distant_ends import OwnBell, PumpingBoard
from rlreactor.links.doorbell import Doorbell, new_doorbell_fd
from rlreactor.links.ends import Wake
from rlreactor.links.exchange import _PREFIX, longest_frame  # pyright: ignore[reportPrivateUsage]
from rlreactor.links.keys import new_certificate
from rlreactor.links.reliable import Address, PeerFault, Sender
from rlreactor.links.socket_links import SocketLinks, _End  # pyright: ignore[reportPrivateUsage]
from rlreactor.links.sockets import Peer, SocketContext, listen_tcp
from rlreactor.links.words import Words

RUN, EPOCH, WINDOW = 77, 3, 1 << 14
LONGEST = longest_frame(WINDOW, [], 1000)
NOTICE = b"".join((wire.head((5, 0)), wire.inline(2, b"value")))


class Pair:
    """Worker 0, and the socket with which worker 1 would write to it."""

    def __init__(self) -> None:
        keys = [new_certificate(), new_certificate()]
        peers = [Peer(f"worker {w}", keys[w].public) for w in (0, 1)]
        here, there = listen_tcp(), listen_tcp()
        self.context = SocketContext(keys[1])
        self.end = self.context.connect(here.endpoint, LONGEST, peers[0])
        self.answers = self.context.bind(there, LONGEST, peers[0])
        self.context.open()
        self.links = SocketLinks(
            0, DistantBoard(2, 0), [1], listeners={(1, 0): here}, endpoints={(0, 1): there.endpoint},
            longest={(0, 1): LONGEST, (1, 0): LONGEST}, run=RUN, epoch=EPOCH, windows={(0, 1): WINDOW, (1, 0): WINDOW},
            land=lambda source, entry, data, may_stay: None, connected=lambda listener: None,
            own=keys[0], known={1: peers[1]},
        )  # fmt: skip
        assert self.end.poll(5000, zmq.POLLOUT)

    def frames(self, epoch: int = EPOCH, run: int = RUN, link: int = 2) -> list[bytes]:
        """One notice, as that worker, or another one, would send it."""
        return Sender(Address(run, epoch, link), window=WINDOW).send(_PREFIX.pack(1, 0, 0, 0, 0, 0, 0, 0) + NOTICE, 0)

    def read(self, limit_s: float) -> list[bytes]:
        end, found = time.monotonic() + limit_s, list[bytes]()
        while not found and time.monotonic() < end:
            self.links.pump()
            found = self.links.exchange.read(1)
        return found


@pytest.fixture
def pair() -> Generator[Pair]:
    pair = Pair()
    yield pair
    pair.links.close(give_up=True)
    pair.context.close(give_up=True)


def test_a_frame_is_delivered_once_however_often_it_comes(pair: Pair) -> None:
    (frame,) = pair.frames()
    for _ in range(20):
        pair.end.send(frame)
    assert pair.read(5) == [NOTICE]
    assert pair.read(0.2) == []


@pytest.mark.parametrize("epoch", [0, EPOCH - 1, EPOCH + 1])
def test_frames_of_another_epoch_are_dropped_and_told_of_once(
    pair: Pair, epoch: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        pair.end.send(pair.frames(epoch=epoch)[0])
    assert pair.read(0.2) == []
    (message,) = caplog.messages
    assert message.startswith("worker 1 sends frames of another epoch: expected epoch 3; they are dropped")
    pair.end.send(pair.frames()[0])
    assert pair.read(5) == [NOTICE]


@pytest.mark.parametrize(("run", "link"), [(RUN + 1, 2), (RUN, 1)])
def test_a_frame_for_somebody_else_ends_the_link(pair: Pair, run: int, link: int) -> None:
    pair.end.send(pair.frames(run=run, link=link)[0])
    text = f"worker 1 does not keep to the protocol: a frame for run {run}, link {link}: expected run {RUN}, link 2"
    with pytest.raises(PeerFault, match=text):
        pair.read(2)


def test_memory_that_is_sent_again_and_again_is_looked_after_once() -> None:
    memory, before = memoryview(bytearray(1 << 20)), len(gc.refs)
    with zmq.Context() as context, context.socket(zmq.DEALER) as here, context.socket(zmq.DEALER) as there:
        there.bind("inproc://there")
        here.connect("inproc://there")
        end = _End(1, here, back=False)
        assert all([end.send(memory) for _ in range(5)])
        assert [len(there.recv()) for _ in range(5)] == [1 << 20] * 5
        assert len(gc.refs) == before + 1


class CountingBell(Doorbell):
    """Counts how often its owner sleeps."""

    waits = 0

    def wait(
        self,
        predicate: Callable[[], bool],
        *,
        spin: int = 0,
        timeout_s: float | None = None,
        any_ring: bool = False,
        extra_fds: tuple[int, ...] = (),
    ) -> Wake:
        self.waits += 1
        return super().wait(predicate, spin=spin, timeout_s=timeout_s, any_ring=any_ring, extra_fds=extra_fds)


@pytest.fixture
def bell() -> Generator[CountingBell]:
    bell = CountingBell(new_doorbell_fd(), Words(mmap.mmap(-1, mmap.PAGESIZE), 0, 1))
    yield bell
    os.close(bell.fd)


@pytest.mark.interpreted
def test_a_nap_ends_when_something_comes(pair: Pair, bell: CountingBell) -> None:
    own, end = OwnBell(pair.links, PumpingBoard(2, 0, {}, {}), bell), time.monotonic() + 5
    pair.end.send(pair.frames()[0])
    while not pair.links.exchange.waiting(1):  # ZeroMQ's signals may have other reasons
        own.nap()
        assert time.monotonic() < end
    assert pair.read(2) == [NOTICE]


@pytest.mark.interpreted
def test_naps_in_vain_are_left_out_until_one_is_not(pair: Pair, bell: CountingBell) -> None:
    own, end = OwnBell(pair.links, PumpingBoard(2, 0, {}, {}), bell), time.monotonic() + 10
    assert not any([own.nap() for _ in range(127)])  # a list: all of them
    assert bell.waits == 7
    pair.end.send(pair.frames()[0])
    while not own.nap():
        assert time.monotonic() < end
    bell.waits = 0
    own.nap()
    assert bell.waits == 1
