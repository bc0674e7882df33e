"""Links that are reset, late or slow: nothing is lost, doubled or out of order, and memory stays small.

The long variants take minutes: RLREACTOR_RESETS=1000, RLREACTOR_SLOW_SECONDS=120.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlreactor import Array, Input, Output, Reactor, Result, Timer, reaction, run, shutdown, state
from rlreactor.errors import LinkError
from rlreactor.links import mixed_meeting
from rlreactor.links.sockets import Listener, SocketKind, listen_tcp
from rlreactor.planner.links import links_between

from ..deployment.forked import deploy_here
from ..placements import TINY, placed
from ..tcp_proxy import TcpProxy
from ..watchdog import watched

RESETS = int(os.environ.get("RLREACTOR_RESETS", "10"))
SLOW_SECONDS = float(os.environ.get("RLREACTOR_SLOW_SECONDS", "2"))
BETWEEN_RESETS = 3_000_000  # bytes: more than what is sent again after each
WHERE = {"far": 1}

BLOCK = Array(np.int64, ("size",))


class Talker(Reactor):
    """Sends numbered blocks and words, and keeps what comes back."""

    size: int
    count: int
    tick = Timer(0, 1)
    block = Output(BLOCK)
    word = Output(str)
    block_back = Input(BLOCK)
    word_back = Input(str)
    seen: list[tuple[int, int]] = state(factory=list[tuple[int, int]])

    @reaction(tick, effects=[block, word])
    def talk(self) -> None:
        number = self.tag.time
        if number < self.count:
            out = self.block.empty()
            out[:] = number
            self.block.set(out)
            self.word.set(f"{number} " * (number % 1000))

    @reaction(block_back, word_back)
    def listen(self) -> None:
        value = self.block_back.value
        self.seen.append((int(value[0]), int(value[-1])))


class Repeater(Reactor):
    """Sends back what it gets."""

    size: int
    block = Input(BLOCK)
    word = Input(str)
    block_back = Output(BLOCK)
    word_back = Output(str)

    @reaction(block, word, effects=[block_back, word_back])
    def repeat(self) -> None:
        out = self.block_back.empty()
        out[:] = self.block.value
        self.block_back.set(out)
        self.word_back.set(self.word.value)


class Conversation(Reactor):
    """Both, several blocks under way each way."""

    size: int = 1 << 14
    count: int = 500

    def compose(self) -> None:
        self.near, self.far = Talker(size=self.size, count=self.count), Repeater(size=self.size)
        self.connect(self.near.block, self.far.block, after=2)
        self.connect(self.near.word, self.far.word, after=2)
        self.connect(self.far.block_back, self.near.block_back, after=2)
        self.connect(self.far.word_back, self.near.word_back, after=2)


class Slow(Reactor):
    """Takes its time with every block."""

    size: int
    seconds: float
    block = Input(BLOCK)
    seen: list[int] = state(factory=list[int])
    peak: int = state(0)

    @reaction(block)
    def take(self) -> None:
        time.sleep(self.seconds)  # the load
        self.seen.append(int(self.block.value[-1]))

    @reaction(shutdown)
    def note(self) -> None:
        self.peak = own_peak()


class Eager(Reactor):
    """Sends blocks as fast as it may."""

    size: int
    count: int
    tick = Timer(0, 1)
    block = Output(BLOCK)
    peak: int = state(0)

    @reaction(tick, effects=[block])
    def send(self) -> None:
        if self.tag.time < self.count:
            out = self.block.empty()
            out[:] = self.tag.time
            self.block.set(out)

    @reaction(shutdown)
    def note(self) -> None:
        self.peak = own_peak()


class Unequal(Reactor):
    """Both."""

    size: int
    count: int
    seconds: float

    def compose(self) -> None:
        self.eager = Eager(size=self.size, count=self.count)
        self.far = Slow(size=self.size, seconds=self.seconds)
        self.connect(self.eager.block, self.far.block, after=1)


def own_peak() -> int:
    """Bytes of this process that were resident at most."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(fields["VmHWM"].split()[0])


Prepare = Callable[[TcpProxy], None]
Through = Callable[[Prepare], list[TcpProxy]]


@pytest.fixture
def through_proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Through]:
    """Puts a proxy, prepared as the test says, before both sockets that a run listens on, in whatever process."""
    proxies: dict[int, TcpProxy] = {}

    def listen(*_: object, **__: object) -> Listener:
        for port, proxy in proxies.items():
            with contextlib.suppress(LinkError):  # the other slot has taken it
                return listen_tcp(ports=(port, port))._replace(endpoint=f"tcp://{proxy.address}")
        raise AssertionError("a third socket")

    def begin(prepare: Prepare) -> list[TcpProxy]:
        for port in free_ports(2):
            proxies[port] = TcpProxy(f"127.0.0.1:{port}")
            prepare(proxies[port])
        monkeypatch.setattr(mixed_meeting, "listen_tcp", listen)
        return list(proxies.values())

    yield begin
    for proxy in proxies.values():
        proxy.close()


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        ends = [held.enter_context(socket.socket()) for _ in range(count)]
        for end in ends:
            end.bind(("127.0.0.1", 0))
        return [end.getsockname()[1] for end in ends]


def apart(topology: Reactor, carrier: SocketKind = "tcp", **options: Any) -> Result:
    made = placed(topology, WHERE, inline_limit=TINY).model_copy(update={"links": links_between(2, carrier)})
    return run(topology, plan=made, **options)


def apart_with_keys(topology: Reactor, **options: Any) -> Result:
    """Each worker on a slot of its own."""
    return deploy_here(topology, placed(topology, WHERE, inline_limit=TINY), [[0], [1]], **options)


@pytest.mark.timeout(120 + 2 * RESETS)
@pytest.mark.parametrize("run_apart", [apart, apart_with_keys])
def test_resets_under_load_lose_nothing(through_proxies: Through, run_apart: Callable[..., Result]) -> None:
    count = 25 * RESETS
    topology = Conversation(count=count)
    alone = run(topology, workers=1, timeout=count + 9)
    proxies = through_proxies(lambda proxy: proxy.reset_after(BETWEEN_RESETS))
    with watched(60 + RESETS):
        result = run_apart(topology, timeout=count + 9)
    resets = sum(proxy.resets for proxy in proxies)
    print(f"{resets} resets, {sum(proxy.passed for proxy in proxies):,} bytes")
    assert resets >= RESETS
    assert result.state("near")["seen"] == [(number, number) for number in range(count)]
    assert result.fingerprint == alone.fingerprint


def test_a_line_that_is_late_changes_nothing(through_proxies: Through) -> None:
    topology = Conversation(count=40)
    alone = run(topology, workers=1, timeout=50)
    proxies = through_proxies(lambda proxy: proxy.delay(0.02))
    with watched(60):
        assert apart(topology, timeout=50).fingerprint == alone.fingerprint
    assert all(proxy.passed for proxy in proxies)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("megabytes", [1, 10])
def test_a_slow_receiver_fills_nobodys_memory(megabytes: int) -> None:
    size, seconds = megabytes * 125_000, 0.1 * megabytes
    count = max(3, round(SLOW_SECONDS / seconds))
    few, many = (Unequal(size=size, count=n, seconds=pause) for n, pause in ((1, 0), (count, seconds)))
    peaks: list[list[int]] = []
    for topology in (few, many):
        with watched(60 + SLOW_SECONDS):
            result = apart(topology, timeout=topology.count + 9)
        assert result.state("far")["seen"] == list(range(topology.count))
        peaks.append([result.state(path)["peak"] for path in ("eager", "far")])
    print(
        f"{count} blocks of {megabytes} MB: resident bytes at most of sender and receiver {peaks[1]}, of few {peaks[0]}"
    )
    assert all(most - least <= 64 << 20 for least, most in zip(*peaks, strict=True)), peaks


@pytest.mark.parametrize("carrier", ["ipc", "tcp"])
def test_values_of_a_hundred_megabytes(carrier: SocketKind) -> None:
    topology = Unequal(size=12_500_000, count=5, seconds=0)
    alone = run(topology, workers=1, timeout=9)
    with watched(60):
        assert apart(topology, carrier, timeout=9).fingerprint == alone.fingerprint
