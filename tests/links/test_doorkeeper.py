"""Who is let in: each key on its own link alone, and whoever is turned away does no harm.

RLREACTOR_HOSTILE says how many hostile connections are made to each socket.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Generator

import psutil
import pytest
import zmq

from rlreactor.errors import LinkError
from rlreactor.links.keys import Certificate, new_certificate
from rlreactor.links.sockets import Listener, Peer, SocketContext, listen_tcp

LONGEST = 1000
HOSTILE = int(os.environ.get("RLREACTOR_HOSTILE", "600"))
LIMIT_S = 2.0

Socket = zmq.Socket[bytes]


def eventually(found: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
    end = time.monotonic() + limit_s
    while not found() and time.monotonic() < end:
        time.sleep(0.005)
    return found()


class Door:
    """Worker 0, which listens for worker 1 on one link and for worker 2 on another."""

    def __init__(self) -> None:
        self.keys = [new_certificate() for _ in range(3)]
        self.context = SocketContext(self.keys[0])
        self.listeners = {w: listen_tcp() for w in (1, 2)}
        self.ends = {w: self.context.bind(self.listeners[w], LONGEST, self.peer(w)) for w in (1, 2)}
        self.context.open()

    def peer(self, worker: int) -> Peer:
        return Peer(f"worker {worker}", self.keys[worker].public)

    def silent(self) -> bool:
        return not any(end.poll(0) for end in self.ends.values())


@pytest.fixture
def door() -> Generator[Door]:
    door = Door()
    yield door
    door.context.close(give_up=True)


@contextlib.contextmanager
def approaching(own: Certificate, listener: Listener, peer: Peer) -> Generator[tuple[SocketContext, Socket]]:
    context = SocketContext(own)
    end = context.connect(listener.endpoint, LONGEST, peer)
    context.open()
    try:
        yield context, end
    finally:
        context.close(give_up=True)


def fault(context: SocketContext) -> str:
    try:
        context.check()
    except LinkError as error:
        return str(error)
    return ""


def test_the_right_key_on_the_right_link(door: Door) -> None:
    with approaching(door.keys[1], door.listeners[1], door.peer(0)) as (context, end):
        assert end.poll(5000, zmq.POLLOUT)
        end.send(b"there")
        assert door.ends[1].recv() == b"there"
        door.ends[1].send(b"back")
        assert end.recv() == b"back"
        context.check()


@pytest.mark.parametrize("longest", [1, 100, LONGEST, 1 << 20])
def test_the_longest_frame_passes_and_no_longer_one(longest: int) -> None:
    one, other = new_certificate(), new_certificate()
    listener, server, client = listen_tcp(), SocketContext(one), SocketContext(other)
    reader = server.bind(listener, longest, Peer("worker 1", other.public))
    writer = client.connect(listener.endpoint, longest, Peer("worker 0", one.public))
    server.open()
    client.open()
    assert writer.poll(5000, zmq.POLLOUT)
    writer.send(bytes(longest))
    assert reader.recv() == bytes(longest)
    writer.send(bytes(longest + 2048))
    assert not reader.poll(100)
    for context in (server, client):
        context.close(give_up=True)


@pytest.mark.parametrize(("who", "link"), [("unknown", 1), ("worker 1", 2), ("worker 0", 1)])
def test_a_key_that_is_not_on_the_list_of_the_link(
    door: Door, who: str, link: int, caplog: pytest.LogCaptureFixture
) -> None:
    own = {"unknown": new_certificate(), "worker 1": door.keys[1], "worker 0": door.keys[0]}[who]
    with caplog.at_level(logging.WARNING), approaching(own, door.listeners[link], door.peer(0)) as (context, end):
        assert eventually(lambda: fault(context) != "")
        endpoint = re.escape(door.listeners[link].endpoint)
        assert re.fullmatch(rf"worker 0 at {endpoint} refuses our key: expected .* allows on this link", fault(context))
        assert eventually(lambda: bool(caplog.messages))
        assert re.fullmatch(
            rf"refused a connection from 127\.0\.0\.1:\d+ to the link from worker {link} at {endpoint}: "
            "its key is not the one that is allowed there",
            caplog.messages[0],
        )
        with pytest.raises(zmq.Again):
            end.send(b"let me in", zmq.NOBLOCK)
    assert door.silent()


def test_a_peer_with_another_key_than_we_were_told(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    other = Peer("worker 0 of host b", new_certificate().public)
    with caplog.at_level(logging.WARNING), approaching(door.keys[1], door.listeners[1], other) as (context, end):
        assert eventually(lambda: fault(context) != "")
        assert re.match(
            r"worker 0 of host b at tcp://.* breaks off every handshake: its key is not the", fault(context)
        )
        with pytest.raises(zmq.Again):
            end.send(b"let me in", zmq.NOBLOCK)
    assert "it speaks to another key than ours" in caplog.messages[0]
    assert door.silent()


def test_a_client_without_keys(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    context = SocketContext()
    end = context.connect(door.listeners[1].endpoint, LONGEST)
    assert eventually(lambda: bool(caplog.messages))
    address = r"(127\.0\.0\.1:\d+|an unknown address)"  # ZeroMQ may be faster to close it than we to ask
    assert re.match(f"refused a connection from {address} to the link from worker 1", caplog.messages[0])
    assert not end.poll(100, zmq.POLLOUT)
    context.close(give_up=True)
    assert door.silent()


def test_a_server_without_keys() -> None:
    listener, server = listen_tcp(), SocketContext()
    reader = server.bind(listener, LONGEST)
    with approaching(new_certificate(), listener, Peer("worker 7", new_certificate().public)) as (context, end):
        assert eventually(lambda: fault(context) != "")
        assert re.match(r"worker 7 at tcp://.* (does not speak our protocol with keys|breaks off)", fault(context))
        assert not end.poll(0, zmq.POLLOUT)
    assert not reader.poll(0)
    server.close(give_up=True)


class Meddler(threading.Thread):
    """Stands between two, and changes a byte of each of the first connections, once that many bytes have passed."""

    def __init__(self, target: str, after: list[int]) -> None:
        super().__init__(daemon=True)
        self._target = target
        self._after = after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._ends: list[socket.socket] = []
        self._relays: list[threading.Thread] = []
        self.start()

    def run(self) -> None:
        host, port = self._target.removeprefix("tcp://").split(":")
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((host, int(port)))
                left = self._after.pop(0) if self._after else -1
                self.connections += 1
                self._ends += [near, far]
                for source, target, limit in ((near, far, left), (far, near, -1)):
                    self._relays.append(threading.Thread(target=self._pass, args=(source, target, limit), daemon=True))
                    self._relays[-1].start()

    def _pass(self, source: socket.socket, target: socket.socket, left: int) -> None:
        with contextlib.suppress(OSError):
            while data := bytearray(source.recv(1 << 16)):
                if 0 <= left < len(data):
                    data[left] ^= 0xFF
                left -= len(data)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.join()
        for end in (*self._ends, self._listener):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for relay in self._relays:
            relay.join()
        for end in (*self._ends, self._listener):
            end.close()


def test_bytes_that_are_changed_on_the_way_cut_the_line_and_nothing_more(door: Door) -> None:
    """ZeroMQ itself would never connect again."""
    meddler = Meddler(door.listeners[1].endpoint, after=[1000, 5000])
    own, peer = door.keys[1], door.peer(0)
    context = SocketContext(own)
    end = context.connect(meddler.endpoint, LONGEST, peer)
    context.open()
    received: list[bytes] = []

    def lively() -> bool:
        context.check()
        with contextlib.suppress(zmq.Again):
            end.send(b"x" * 100, zmq.NOBLOCK)
        if door.ends[1].poll(0):
            received.append(door.ends[1].recv())
        return meddler.connections == 3 and len(received) > 200

    assert eventually(lively, 20)
    assert set(received) == {b"x" * 100}
    context.close(give_up=True)
    meddler.close()


def nothing(end: socket.socket, chance: random.Random) -> None:
    """Comes and goes."""


def noise(end: socket.socket, chance: random.Random) -> None:
    end.sendall(chance.randbytes(chance.randint(1, 300)))


def greeting(end: socket.socket, chance: random.Random) -> None:
    """Begins as ZeroMQ does, and goes on with anything."""
    mechanism = chance.choice([b"CURVE", b"NULL", b"PLAIN"]).ljust(20, b"\0")
    end.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism + bytes(32))
    end.sendall(chance.choice([b"\x04", b"\x06"]) + chance.randbytes(chance.randint(1, 300)))


def reset(end: socket.socket, chance: random.Random) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.timeout(600)
def test_hostile_connections_change_nothing(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    chance, process = random.Random(1), psutil.Process()
    kept: list[socket.socket] = []
    with approaching(door.keys[1], door.listeners[1], door.peer(0)) as (_, end):
        assert end.poll(5000, zmq.POLLOUT)
        before = process.memory_info().rss
        for number in range(HOSTILE):
            for worker, listener in door.listeners.items():
                host, port = listener.endpoint.removeprefix("tcp://").split(":")
                hostile = socket.create_connection((host, int(port)), timeout=10)
                with contextlib.suppress(OSError):
                    chance.choice([nothing, noise, greeting, reset])(hostile, chance)
                kept.append(hostile)
                if len(kept) > 50:
                    kept.pop(chance.randrange(len(kept))).close()
                if worker == 1 and number % 10 == 0:
                    end.send(number.to_bytes(4, "big"))
        received = [int.from_bytes(door.ends[1].recv(), "big") for _ in range(0, HOSTILE, 10)]
        for hostile in kept:
            hostile.close()
        assert received == list(range(0, HOSTILE, 10))
        assert process.memory_info().rss - before < 20 << 20
    assert door.silent()
    assert 1 <= len(caplog.messages) < 40
