"""The line between a slot and its caller, which is broken off again and again: whatever was said arrives, and soon.

RLREACTOR_LINE_SECONDS says for how long; the troubles are drawn anew in every run, and their seed is printed.
"""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rlreactor.deployment.line import Line
from rlreactor.deployment.switchboard import Switchboard
from rlreactor.errors import LinkError
from rlreactor.links import doorkeeper
from rlreactor.links.keys import CALLER, make_keys, read_public, read_secret, read_slot_keys, slot_name

from ..runtime.test_troubled_links import free_ports
from ..tcp_proxy import TcpProxy
from ..watchdog import children, watched

SECONDS = float(os.environ.get("RLREACTOR_LINE_SECONDS", "5"))
LIMIT_S = 5.0
STARVED_TURNS, STOPPED_S, RUNNING_S = 4, 1.8, 0.05
HANDSHAKE = 1500  # bytes: what both ends say until they know each other


class Talk:
    """Both ends, and a proxy between them."""

    def __init__(self, folder: Path) -> None:
        make_keys(folder, 1)
        (port,) = free_ports(1)
        self.proxy = TcpProxy(f"127.0.0.1:{port}")
        before = set(children())
        self.line = Line(f"tcp://{self.proxy.address}", read_slot_keys(folder, 0))  # forks: before there are sockets
        (self.line_pid,) = set(children()) - before
        publics = {0: read_public(folder, slot_name(0))}
        self.board = Switchboard("127.0.0.1", (port, port), read_secret(folder, CALLER), publics)
        self.heard: dict[str, list[int]] = {"slot": [], "caller": []}

    def look(self) -> None:
        for said in self.board.attend(0.005):
            assert not said.again
            self.heard["caller"].append(said.message["number"])
        if select.select([self.line.channel.fileno()], [], [], 0)[0]:
            self.heard["slot"] += [message["number"] for message in self.line.channel.receive()]

    def until(self, ready: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
        end = time.monotonic() + limit_s
        while not ready() and time.monotonic() < end:
            self.look()
        return ready()

    def say(self, number: int, **fields: Any) -> None:
        self.line.channel.send("word", number=number, **fields)
        self.board.say(0, "word", number=number)

    def close(self) -> None:
        self.line.hang_up()
        self.board.close()
        self.proxy.close()


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    talk = Talk(tmp_path / "keys")
    yield talk
    talk.close()


def broken_off(talk: Talk, chance: random.Random) -> None:
    """Again and again, while it begins anew."""
    for _ in range(chance.randint(1, 20)):
        talk.proxy.reset()
        talk.until(lambda: False, chance.uniform(0, 0.05))


def broken_off_in_handshakes(talk: Talk, chance: random.Random) -> None:
    talk.proxy.reset_after(chance.randint(1, HANDSHAKE))
    talk.until(lambda: False, chance.uniform(0.05, 1))
    talk.proxy.reset_after(0)


def stuck(talk: Talk, chance: random.Random) -> None:
    talk.proxy.stall()
    talk.until(lambda: False, chance.uniform(0.05, 2))
    talk.proxy.heal()


@pytest.mark.timeout(120 + 2 * SECONDS)
def test_what_is_said_arrives_once_in_order_and_soon(talk: Talk) -> None:
    seed = int.from_bytes(os.urandom(4), "little")
    chance, begun, slowest, count = random.Random(seed), time.monotonic(), 0.0, 1
    talk.line.channel.send("word", number=0)
    assert talk.until(lambda: talk.heard["caller"] == [0])
    talk.board.say(0, "word", number=0)
    with watched(60 + 2 * SECONDS):
        while time.monotonic() - begun < SECONDS:
            talk.say(count, more=bytes(chance.choice([0, 10_000, 3_000_000])))
            chance.choice([broken_off, broken_off_in_handshakes, stuck])(talk, chance)
            healed = time.monotonic()
            count += 1
            everything = list(range(count))
            assert talk.until(lambda: all(heard == everything for heard in talk.heard.values())), (seed, talk.heard)  # noqa: B023
            slowest = max(slowest, time.monotonic() - healed)
    print(f"seed {seed}: {count} troubles, {talk.proxy.resets} resets; all was said within {slowest:.2f} s of each end")


def test_who_hardly_gets_any_time_is_heard_all_the_same(talk: Talk) -> None:
    """As on a machine that has far too much to do: connections may not be given up faster than they are made."""
    talk.line.channel.send("word", number=0)
    assert talk.until(lambda: talk.heard["caller"] == [0])
    with watched(60):
        for number in range(STARVED_TURNS):
            os.kill(talk.line_pid, signal.SIGSTOP)
            talk.board.say(0, "word", number=number)
            talk.until(lambda: False, STOPPED_S)
            os.kill(talk.line_pid, signal.SIGCONT)
            talk.until(lambda: False, RUNNING_S)
    assert len(talk.heard["slot"]) >= STARVED_TURNS - 1


@pytest.fixture
def broken_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """From before anybody knocks."""

    def broken(_: object) -> None:
        raise ValueError("no such event")

    monkeypatch.setattr(doorkeeper, "parse_monitor_message", broken)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.usefixtures("broken_door")
def test_nobody_waits_where_nobody_can_be_let_in_any_more(talk: Talk) -> None:
    with pytest.raises(
        LinkError, match=r"no slot can be heard any more: the thread .* has failed: ValueError\('no such"
    ):
        talk.until(lambda: False)
