"""A slot's line to its caller, in a process of its own.

The slot itself forks workers, and a process that has a ZeroMQ context must not fork. Besides, the line gives signs of
life while the slot imports or waits. It goes through cuts: what was said arrives when the caller can be reached again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import time

from rlreactor.errors import LinkError
from rlreactor.links.conversation import LONGEST_FRAME, Conversation
from rlreactor.links.keys import SlotKeys
from rlreactor.runtime.channel import Channel, Closed
from rlreactor.runtime.process import fork

__all__ = ["SIGN_OF_LIFE_S", "Line"]

SIGN_OF_LIFE_S = 0.5
_LOOK_S = 0.05
_GOODBYE_S = 5.0  # for the last words
_REACH_S = 60.0  # until the job says how long the caller may be out of reach


class Line:
    """The slot's end.

    Messages go both ways over `channel`. {"kind": "lost"} comes from the line itself, once, when there is no more use
    in waiting; {"kind": "limit", "seconds"} is for the line.
    """

    def __init__(self, caller: str, keys: SlotKeys) -> None:
        self.channel, theirs = Channel.pair()

        def child() -> int:
            self.channel.close()
            line = _Process(theirs, caller, keys)
            try:
                return line.run()
            except Closed:  # the slot is gone
                return 0
            finally:
                line.close()

        self._pid = fork(child)
        self._pidfd = os.pidfd_open(self._pid)
        theirs.close()

    def hang_up(self) -> None:
        """End the process, after what there is to say."""
        with contextlib.suppress(Closed):
            self.channel.send("goodbye")
        if not select.select([self._pidfd], [], [], 2 * _GOODBYE_S)[0]:
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._pidfd)
        self.channel.close()


class _Process:
    """What runs there."""

    def __init__(self, channel: Channel, caller: str, keys: SlotKeys) -> None:
        import zmq

        from rlreactor.links.doorkeeper import Doorkeeper
        from rlreactor.links.sockets import open_line

        self._zmq = zmq
        self._channel = channel
        self._context = zmq.Context()
        self._doorkeeper = Doorkeeper(self._context)
        end = self._end = open_line(self._context, zmq.DEALER, LONGEST_FRAME, keys.own)
        end.set(zmq.IMMEDIATE, 1)
        end.set(zmq.LINGER, 0)
        end.curve_serverkey = keys.caller
        self._doorkeeper.follow(end, caller, "the caller")
        self._doorkeeper.start()
        end.connect(caller)
        # Random: the caller takes whoever comes with a number that it does not know for a new process.
        self._conversation = Conversation(secrets.randbits(32), first=True, send=self._send, clock=time.monotonic_ns)
        self._limit_s = _REACH_S
        self._heard = self._told = time.monotonic()
        self._leaving: float | None = None

    def run(self) -> int:
        """Until the slot says goodbye, or the caller is lost."""
        zmq = self._zmq
        poller = zmq.Poller()
        poller.register(self._end, zmq.POLLIN)
        poller.register(self._channel.fileno(), zmq.POLLIN)
        while not self._left():
            for source, _ in poller.poll(int(_LOOK_S * 1000)):
                if source is self._end:
                    self._listen()
                else:
                    self._forward()
            self._doorkeeper.renew()
            self._conversation.tick()
            self._give_sign_of_life()
            problem = self._doorkeeper.fault or self._silence()
            if problem:
                self._channel.send("lost", text=problem)
                return 1
        return 0

    def _left(self) -> bool:
        return self._leaving is not None and (self._conversation.settled or time.monotonic() > self._leaving)

    def _forward(self) -> None:
        for message in self._channel.receive():
            kind = message.pop("kind")
            if kind == "limit":
                self._limit_s = message["seconds"]
            elif kind == "goodbye":
                self._leaving = time.monotonic() + _GOODBYE_S
            else:
                self._conversation.say(kind, **message)

    def _listen(self) -> None:
        with contextlib.suppress(self._zmq.Again):  # nothing more, or it went with a connection that was cut just now
            while True:
                self._take(self._end.recv(self._zmq.NOBLOCK))

    def _take(self, frame: bytes) -> None:
        self._heard = time.monotonic()
        try:
            messages = self._conversation.take(frame) if frame else []
        except LinkError as error:
            messages = [{"kind": "lost", "text": f"the caller does not keep to the protocol: {error}"}]
        for message in messages:
            self._channel.send(**message)

    def _send(self, frame: bytes | memoryview) -> None:
        try:
            self._end.send(frame, self._zmq.NOBLOCK)
        except self._zmq.Again:
            return  # no connection now; what matters is sent again

    def _give_sign_of_life(self) -> None:
        if time.monotonic() - self._told >= SIGN_OF_LIFE_S:
            self._told = time.monotonic()
            self._send(b"")

    def _silence(self) -> str:
        silent = time.monotonic() - self._heard
        return f"nothing was heard of the caller for {silent:.0f} s" if silent > self._limit_s else ""

    def close(self) -> None:
        """Let go of the socket."""
        self._doorkeeper.close()
        self._context.destroy(linger=1000)
