"""Who may come in: the allow-list of every listening socket, and what is said of those who are turned away.

With CURVE alone, a server lets in whoever knows its public key. So ZeroMQ asks for every connection (its ZAP protocol,
RFC 27), and here every listening socket has a list of its own: a key that is right on one link is wrong on another.
ZeroMQ tells of a handshake that failed only on monitor sockets; both are looked after by one thread, because a worker
may compute for long while somebody knocks.

Whoever fails to come in changes nothing but a count. A peer that turns *us* away, or that is not the one whose key we
were told, is a fault of the run: nothing can ever be sent there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import zmq
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

__all__ = ["Doorkeeper"]

_log = logging.getLogger("rlreactor")
_ZAP = "inproc://zeromq.zap.01"  # the address that RFC 27 fixes
_FAILURES = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_CONNECTING = zmq.EVENT_CONNECT_RETRIED | zmq.EVENT_CONNECT_DELAYED | zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | _FAILURES | _CONNECTING
_UNKNOWN = 400  # the status of our own answer
_STRANDED_S = 0.3  # ZeroMQ tries again at once, except after bytes on the way were changed: then never
_BROKEN_OFF, _BROKEN_OFF_S = 5, 1.0  # handshakes in a row, and for how long, that cannot be the network's doing
_OUTSIDE: dict[int, str] = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "its key is not the one that is allowed there",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "it speaks to another key than ours, or not the protocol",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "it broke the handshake off, as one without keys does, or a line that is cut",
}


class _Approach:
    """A connection that this side makes."""

    def __init__(self, end: zmq.Socket[bytes], endpoint: str, peer: str) -> None:
        self._end = end
        self._endpoint = endpoint
        self._peer = f"{peer} at {endpoint}"
        self._arrived = False  # at least once: then what breaks off is the network's doing
        self._failures = 0
        self._since = 0.0
        self.lost_at: float | None = None  # since when nobody tries to connect

    def hear(self, event: int, value: int) -> str:
        """What is wrong for good, if anything is."""
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._arrived, self._failures = True, 0
        elif event == zmq.EVENT_DISCONNECTED:
            self.lost_at = time.monotonic()
        elif event in (zmq.EVENT_CONNECT_RETRIED, zmq.EVENT_CONNECT_DELAYED, zmq.EVENT_CONNECTED):
            self.lost_at = None
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH and value == _UNKNOWN:
            return f"{self._peer} refuses our key: expected the one that its list allows on this link"
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and not self._arrived:
            return f"{self._peer} does not speak our protocol with keys: something else listens there"
        elif event & _FAILURES and not self._arrived:
            return self._broken_off()
        return ""

    def _broken_off(self) -> str:
        self._since = self._since if self._failures else time.monotonic()
        self._failures += 1
        if self._failures < _BROKEN_OFF or time.monotonic() - self._since < _BROKEN_OFF_S:
            return ""
        return (
            f"{self._peer} breaks off every handshake: its key is not the one that we were told, "
            "or something else listens there"
        )

    def renew(self) -> None:
        """Connect again. In the thread that uses the socket."""
        with contextlib.suppress(zmq.ZMQError):
            self._end.disconnect(self._endpoint)
        self._end.connect(self._endpoint)


class _Door:
    """A socket that listens."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = "an unknown address"
        self._refused: Counter[int] = Counter()

    def hear(self, event: int, value: int) -> str:
        """What to tell of it: of the first refusal of a kind, the tenth, the hundredth …"""
        if event == zmq.EVENT_ACCEPTED:
            self._last = _peer_address(value)
        elif event & _FAILURES:
            self._refused[event] += 1
            count = self._refused[event]
            if str(count).strip("0") == "1":
                times = "" if count == 1 else f" ({count} times by now)"
                return f"refused a connection from {self._last} to {self._name}: {_OUTSIDE[event]}{times}"
        return ""

    @property
    def refused(self) -> int:
        return self._refused.total()


class _Watched(NamedTuple):
    monitor: zmq.Socket[bytes]
    watched: _Door | _Approach


class Doorkeeper:
    """Looks after the sockets of one context that use keys, in a thread from `start` to `close`.

    Args:
        context: whose sockets.
        tell: takes what there is to say of those who were turned away; called in the thread.

    Attributes:
        fault: in words, why some peer can never be reached, or can reach us; "" as long as there is none.
        stranded: connections that have to be made anew, with `renew`; empty nearly always.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], tell: Callable[[str], None] = _log.warning) -> None:
        self._context = context
        self._tell = tell
        self._allowed: dict[bytes, Mapping[bytes, str]] = {}
        self._watched: list[_Watched] = []
        self._zap = context.socket(zmq.REP)
        self._zap.linger = 0
        self._zap.bind(_ZAP)
        self._end = os.eventfd(0)
        self._thread = threading.Thread(target=self._serve, name="doorkeeper", daemon=True)
        self.fault = ""
        self.stranded: deque[_Approach] = deque()  # both threads may touch it: each step of it is whole

    def admit(self, door: zmq.Socket[bytes], name: str, allowed: Mapping[bytes, str]) -> None:
        """Let only these public keys in; what comes from each carries its text as `User-Id`. Before it is bound."""
        domain = f"{len(self._allowed)}".encode()
        self._allowed[domain] = dict(allowed)
        door.zap_domain = domain
        door.zap_enforce_domain = True  # when nobody answers any more, nobody comes in
        self._watch(door, _Door(name))

    def follow(self, end: zmq.Socket[bytes], endpoint: str, peer: str) -> None:
        """Notice when a peer turns out to be out of reach for good. Before it is connected."""
        self._watch(end, _Approach(end, endpoint, peer))

    def renew(self) -> None:
        """Make those connections anew that ZeroMQ has given up. In the thread that uses their sockets."""
        while self.stranded:
            self.stranded.popleft().renew()

    @property
    def refused(self) -> int:
        """How many connections were turned away."""
        return sum(each.watched.refused for each in self._watched if isinstance(each.watched, _Door))

    def _watch(self, watched: zmq.Socket[bytes], as_what: _Door | _Approach) -> None:
        address = f"inproc://monitor-{len(self._watched)}"
        watched.monitor(address, _EVENTS)
        monitor = self._context.socket(zmq.PAIR)
        monitor.rcvhwm = 0  # ZeroMQ's own thread must never wait for ours
        monitor.linger = 0
        monitor.connect(address)
        self._watched.append(_Watched(monitor, as_what))

    def start(self) -> None:
        """From now on somebody answers; nothing more may be added."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Before the context goes."""
        os.eventfd_write(self._end, 1)
        if self._thread.ident is not None:
            self._thread.join()
        for end in (self._zap, *(each.monitor for each in self._watched)):
            end.close()
        os.close(self._end)

    def _serve(self) -> None:
        try:
            self._look_after_all()
        except Exception as error:  # nobody would be let in any more, and nobody would know why
            self.fault = self.fault or f"the thread that lets connections in has failed: {error!r}"
            raise

    def _look_after_all(self) -> None:
        poller = zmq.Poller()
        watched = {each.monitor: each.watched for each in self._watched}
        for end in (self._end, self._zap, *watched):
            poller.register(end, zmq.POLLIN)
        approaches = [each.watched for each in self._watched if isinstance(each.watched, _Approach)]
        while True:
            lost = any(approach.lost_at for approach in approaches)
            for end, _ in poller.poll(int(_STRANDED_S * 1000) if lost else None):
                if end == self._end:
                    return
                if end is self._zap:
                    self._answer()
                else:
                    self._hear(end, watched[end])
            self._look_for_stranded(approaches)

    def _look_for_stranded(self, approaches: list[_Approach]) -> None:
        for approach in approaches:
            if approach.lost_at is not None and time.monotonic() - approach.lost_at > _STRANDED_S:
                approach.lost_at = None
                self.stranded.append(approach)

    def _answer(self) -> None:
        version, request, domain, _, _, mechanism, *credentials = self._zap.recv_multipart()
        user = None
        if mechanism == b"CURVE" and len(credentials) == 1 and len(credentials[0]) == 32:
            user = self._allowed.get(domain, {}).get(z85.encode(credentials[0]))
        status = (b"400", b"unknown key", b"") if user is None else (b"200", b"OK", user.encode())
        self._zap.send_multipart([version, request, *status, b""])

    def _hear(self, monitor: zmq.Socket[bytes], watched: _Door | _Approach) -> None:
        message = parse_monitor_message(monitor.recv_multipart())
        news = watched.hear(int(message["event"]), int(message["value"]))
        if news and isinstance(watched, _Door):
            self._tell(news)
        elif not self.fault:
            self.fault = news


def _peer_address(descriptor: int) -> str:
    """Who is at the other end; ZeroMQ may have closed it by now."""
    with contextlib.suppress(OSError, ValueError, TypeError), socket.socket(fileno=os.dup(descriptor)) as end:
        host, port = end.getpeername()[:2]
        return f"{host}:{port}"
    return "an unknown address"
