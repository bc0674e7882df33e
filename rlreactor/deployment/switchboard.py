"""The caller's end of the lines to all slots: one socket, which admits the key of each slot of this run alone.

Who speaks is told by the key that ZeroMQ let in, never by what is said.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import zmq

from rlreactor.deployment.line import SIGN_OF_LIFE_S
from rlreactor.errors import LinkError
from rlreactor.links.conversation import LONGEST_FRAME, Conversation
from rlreactor.links.doorkeeper import Doorkeeper
from rlreactor.links.keys import Certificate
from rlreactor.links.reliable import epoch_of
from rlreactor.links.sockets import listen_tcp, open_line

__all__ = ["Said", "Switchboard"]

_LINGER_MS = 1000
_MOST_AT_ONCE = 1000  # frames: slots that say more and more must not keep the caller from what else it has to do


class Said(NamedTuple):
    """A slot's message, as plain data; `again`: none yet, but a new process has come that takes the slot's part."""

    slot: int
    message: dict[str, Any]
    again: bool = False


class _Party:
    """A slot as it is heard."""

    def __init__(self) -> None:
        self.identity = b""  # of its newest connection
        self.conversation: Conversation | None = None
        self.incarnations: list[int] = []
        self.heard = time.monotonic()


class Switchboard:
    """All lines.

    Args:
        address: where to listen.
        ports: first and last port that may be used; None: any that is free.
        own: the caller's keys.
        slots: public key of each slot.

    Raises LinkError when it cannot listen there.
    """

    def __init__(
        self, address: str, ports: tuple[int, int] | None, own: Certificate, slots: Mapping[int, bytes]
    ) -> None:
        listener = listen_tcp(address, ports, with_keys=True)
        self.endpoint = listener.endpoint
        self._parties = {slot: _Party() for slot in slots}
        self._context = zmq.Context()
        self._doorkeeper = Doorkeeper(self._context)
        end = self._end = open_line(self._context, zmq.ROUTER, LONGEST_FRAME, own)
        end.set(zmq.ROUTER_MANDATORY, 1)
        end.curve_server = True
        self._doorkeeper.admit(end, f"the caller at {listener.endpoint}", {slots[s]: str(s) for s in slots})
        self._doorkeeper.start()
        end.set(zmq.USE_FD, listener.fd)
        end.bind(listener.endpoint)
        self._told = 0.0

    def say(self, slot: int, kind: str, **fields: Any) -> None:
        """Tell a slot that has joined; it arrives when the slot can be reached."""
        conversation = self._parties[slot].conversation
        assert conversation is not None, f"slot {slot} has not joined"
        conversation.say(kind, **fields)

    def joined(self, slot: int) -> bool:
        """Whether anything has been heard of it."""
        return self._parties[slot].conversation is not None

    def silent_s(self, slot: int) -> float:
        """Seconds since the last sign of life of a slot that has joined."""
        return time.monotonic() - self._parties[slot].heard

    def settled(self, slot: int) -> bool:
        """Whether all that was said to a slot has arrived."""
        conversation = self._parties[slot].conversation
        return conversation is None or conversation.settled

    def attend(self, timeout_s: float) -> list[Said]:
        """Wait until something is said, for that long at most.

        Raises LinkError for what breaks the protocol, and when nobody can be let in any more.
        """
        if self._doorkeeper.fault:
            raise LinkError(f"no slot can be heard any more: {self._doorkeeper.fault}")
        said: list[Said] = []
        if self._end.poll(int(timeout_s * 1000)):
            with contextlib.suppress(zmq.Again):  # nothing more, or it went with a connection that was cut just now
                for _ in range(_MOST_AT_ONCE):
                    said += self._listen()
        for party in self._parties.values():
            if party.conversation is not None:
                party.conversation.tick()
        self._give_sign_of_life()
        return said

    def _listen(self) -> list[Said]:
        identity, *frames = self._end.recv_multipart(zmq.NOBLOCK, copy=False)
        if len(frames) != 1:
            return []
        slot = int(str(frames[0].get("User-Id")))
        party = self._parties[slot]
        party.identity, party.heard = identity.bytes, time.monotonic()
        frame = frames[0].buffer
        return self._take(slot, party, frame) if len(frame) else []

    def _take(self, slot: int, party: _Party, frame: memoryview) -> list[Said]:
        try:
            incarnation = epoch_of(frame)
            again: list[Said] = []
            if incarnation not in party.incarnations:
                again = [Said(slot, {}, again=True)] if party.incarnations else []
                self._begin(party, incarnation)
            assert party.conversation is not None
            messages = party.conversation.take(frame)
        except LinkError as error:
            raise LinkError(f"slot {slot} does not keep to the protocol: {error}") from None
        return [*again, *(Said(slot, message) for message in messages)]

    def _begin(self, party: _Party, incarnation: int) -> None:
        party.incarnations.append(incarnation)
        party.conversation = Conversation(
            incarnation, first=False, send=lambda frame: self._send(party.identity, frame), clock=time.monotonic_ns
        )

    def _send(self, identity: bytes, frame: bytes | memoryview) -> None:
        try:
            self._end.send_multipart([identity, frame], zmq.NOBLOCK)
        except zmq.ZMQError as error:  # it is away; what matters is sent again
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise

    def _give_sign_of_life(self) -> None:
        if time.monotonic() - self._told >= SIGN_OF_LIFE_S:
            self._told = time.monotonic()
            for party in self._parties.values():
                if party.identity:
                    self._send(party.identity, b"")

    def close(self) -> None:
        """Let go of the socket, after what has been said."""
        self._doorkeeper.close()
        self._context.destroy(linger=_LINGER_MS)
