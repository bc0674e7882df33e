"""The sockets of one worker at work: takes frames from the exchange to the wire, and back.

Nothing runs beside the worker: it looks whenever it publishes how far it is, looks for messages or goes to sleep. One
descriptor tells whether any socket has news. ZeroMQ's descriptors signal a change, not a state, and sending on a socket
may take the signal: a socket that was sent on is therefore looked at again, but not at once, because a look costs as
much as a message: after a while, and before the worker sleeps.
"""

from __future__ import annotations

import logging
import select
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import cast

import zmq

from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.exchange import Exchange, Land
from rlreactor.links.keys import Certificate
from rlreactor.links.reliable import PeerFault
from rlreactor.links.sockets import Listener, Peer, SocketContext

__all__ = ["SocketLinks"]

_log = logging.getLogger("rlreactor")
_LONGEST_START_NS = 2_000_000_000
# Not as members of an enumeration: those take a microsecond each to combine or to look up.
_CAN_READ, _CAN_SEND, _EVENTS, _NOBLOCK = int(zmq.POLLIN), int(zmq.POLLOUT), int(zmq.EVENTS), int(zmq.NOBLOCK)
_LOOK_NS = 1_000_000  # after which a socket is looked at without a signal
_COPIED = 1 << 16  # bytes up to which a frame is copied by ZeroMQ: less work than to look after it


class _End:
    """One socket, and what it could not send yet."""

    def __init__(self, peer: int, socket: zmq.Socket[bytes], *, back: bool) -> None:
        self.peer = peer
        self.socket = socket
        self.back = back  # frames come in here, and answers go out
        self.unsent: deque[bytes | memoryview] = deque()
        self._in_place: dict[int, zmq.Frame] = {}  # by identity of what lies in them
        self.silent = True  # nothing has come yet
        self.fenced = False  # frames of another epoch have come

    def send(self, frame: bytes | memoryview) -> bool:
        """False: there is no connection now."""
        try:
            if len(frame) > _COPIED and isinstance(frame, memoryview):
                self.socket.send(self._lasting(frame), _NOBLOCK, copy=False)
            else:
                self.socket.send(frame, _NOBLOCK, copy=len(frame) <= _COPIED)
        except zmq.Again:
            return False
        return True

    def _lasting(self, memory: memoryview) -> zmq.Frame:
        """Slots are sent again and again: what ZeroMQ needs to know of one is made once.

        For a frame made anew it would tell each time, over a socket to a thread, that it has done with it.
        """
        frame = self._in_place.get(id(memory))
        if frame is None:
            frame = self._in_place[id(memory)] = zmq.Frame(memory, copy=False)
        return frame

    def events(self) -> int:
        """Whether something can be read or sent; afterwards the descriptor tells of what comes after."""
        return cast(int, self.socket.get(_EVENTS))

    def flush(self) -> None:
        while self.unsent and self.send(self.unsent[0]):
            self.unsent.popleft()


class SocketLinks:
    """The links between this worker and `peers`, over sockets.

    Args:
        me: this worker.
        board: what it knows of the others.
        peers: those it reaches over sockets.
        listeners: by link (from, to), for those that lead here.
        endpoints: by link, where it is listened.
        longest: by link, bytes of its longest frame.
        run: a number that no other run has.
        epoch: grows with every restart of the links.
        windows: by link, bytes of messages that may wait at its reader.
        land: takes slots that arrive.
        connected: called once for every link that leads here, when its writer has come.
        own: this worker's keys, if it has any.
        known: the peers that are reached with keys.
    """

    now = staticmethod(time.monotonic_ns)

    def __init__(
        self,
        me: int,
        board: DistantBoard,
        peers: Collection[int],
        *,
        listeners: Mapping[tuple[int, int], Listener],
        endpoints: Mapping[tuple[int, int], str],
        longest: Mapping[tuple[int, int], int],
        run: int,
        epoch: int,
        windows: Mapping[tuple[int, int], int],
        land: Land,
        connected: Callable[[Listener], None],
        own: Certificate | None,
        known: Mapping[int, Peer],
    ) -> None:
        self.exchange = Exchange(
            me, board, peers, run=run, epoch=epoch, windows=windows,
            carry=self._carry, land=land, clock=self.now,
        )  # fmt: skip
        context = self._context = SocketContext(own)
        self._names = {w: known[w].name if w in known else f"worker {w}" for w in peers}
        self._connected = connected
        self._listeners = {w: listeners[w, me] for w in peers}
        self._incoming = {
            w: _End(w, context.bind(listeners[w, me], longest[w, me], known.get(w)), back=True) for w in peers
        }
        self._outgoing = {
            w: _End(w, context.connect(endpoints[me, w], longest[me, w], known.get(w)), back=False) for w in peers
        }
        context.open()
        self._look_at = 0  # when to look without a signal
        self._poll = select.epoll()
        self._ends: dict[int, _End] = {}
        for end in (*self._incoming.values(), *self._outgoing.values()):
            self._ends[end.socket.FD] = end
            self._poll.register(end.socket.FD, select.EPOLLIN)
        self._stirred: dict[_End, None] = dict.fromkeys(self._ends.values())  # to be looked at in any case
        self._await_connections()
        self.exchange.tell_everybody()

    def _await_connections(self) -> None:
        """Until all writing ends are connected: a worker that computes for long could not send what waits for that.

        Everybody listened before anybody was started, so this takes milliseconds. Who ends meanwhile is not waited for.
        """
        poller, end_ns = zmq.Poller(), self.now() + _LONGEST_START_NS
        for end in self._outgoing.values():
            poller.register(end.socket, zmq.POLLOUT)
        while poller.sockets and (left_ns := end_ns - self.now()) > 0:
            for socket, _ in poller.poll(left_ns // 1_000_000):
                poller.unregister(socket)

    @property
    def fd(self) -> int:
        """Can be read when there is news."""
        return self._poll.fileno()

    def pump(self) -> None:
        """Take in what has come and send what is due. Raises PeerFault, and LinkError for a peer out of reach."""
        signalled, look = self._poll.poll(0), self.now() >= self._look_at
        if signalled or look or self.exchange.hurries:
            self._work(signalled, everywhere=look)

    def settle(self) -> None:
        """The same, until all is done that can be done now: what comes later, the descriptor tells."""
        self.exchange.send_rows()
        while (
            (signalled := self._poll.poll(0))
            or self._stirred
            or self.exchange.hurries
            or self.now() >= self._look_at
        ):  # fmt: skip
            self._work(signalled, everywhere=True)
            self.exchange.send_rows()

    def _work(self, signalled: Iterable[tuple[int, int]], *, everywhere: bool) -> None:
        for fd, _ in signalled:
            end = self._ends[fd]
            self._stirred.pop(end, None)
            self._drain(end, _CAN_READ if not end.unsent else end.events())  # what else should it be
        if everywhere:
            self._context.check()
            self._look_at = self.now() + _LOOK_NS
            while self._stirred:
                end = self._stirred.popitem()[0]
                self._drain(end, end.events())
        due, now = self.exchange.due, self.now()
        if self.exchange.hurries or (due is not None and due <= now):
            self.exchange.tick()
            self.exchange.answer()
            due = self.exchange.due
        if due is not None:
            self._look_at = min(self._look_at, max(due, now))

    def _drain(self, end: _End, events: int) -> None:
        if end.unsent and events & _CAN_SEND:
            end.flush()
        while events & _CAN_READ:
            try:
                frame = end.socket.recv(_NOBLOCK, copy=False)
            except zmq.Again:  # another signal, or what was announced went with its connection, which was cut
                return
            self._take(end, frame.buffer)
            events = end.events()

    def _take(self, end: _End, frame: memoryview) -> None:
        try:
            self._take_in(end, frame)
        except PeerFault as fault:
            raise PeerFault(f"{self._names[end.peer]} does not keep to the protocol: {fault}") from fault

    def _take_in(self, end: _End, frame: memoryview) -> None:
        # Taken by reference, and copied once at most, to where it belongs: `recv_into` copies always, and would have to
        # know the place before it knows the frame.
        if not end.back:
            self.exchange.take_answer(end.peer, frame)
            return
        if end.silent:
            end.silent = False
            self._connected(self._listeners[end.peer])
        if not self.exchange.take_frame(end.peer, frame):
            self._warn_if_fenced(end)

    def _warn_if_fenced(self, end: _End) -> None:
        receiver = self.exchange.receivers[end.peer]
        if receiver.fenced and not end.fenced:
            end.fenced = True
            _log.warning(
                "%s sends frames of another epoch: expected epoch %d; they are dropped, as what a worker from "
                "before a restart sends has to be", self._names[end.peer], receiver.address.epoch,
            )  # fmt: skip

    def _carry(self, target: int, frames: Iterable[bytes | memoryview], *, back: bool) -> None:
        end = self._incoming[target] if back else self._outgoing[target]
        self._stirred[end] = None
        for frame in frames:
            if (end.unsent or not end.send(frame)) and not back:  # an answer that is lost is asked for again
                end.unsent.append(frame)

    def close(self, *, give_up: bool) -> None:
        """Let go of the sockets, after what they have to send, or at once."""
        self._poll.close()
        self._context.close(give_up=give_up)
