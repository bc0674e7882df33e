"""Microseconds a message of a stream over TCP on the loopback, with pyzmq alone: DEALER to DEALER, nothing is copied.

With CURVE keys too: then ZeroMQ encrypts. The receiver looks at both ends of every message.
"""

from __future__ import annotations

import os
import time
from functools import partial

import zmq

from bench.contestants.edge import measure
from bench.contestants.rlreactor_stream import WARM_UP

__all__ = ["ALONE", "ALONE_WITH_KEYS"]

ALONE, ALONE_WITH_KEYS = "pyzmq alone, tcp", "pyzmq alone, tcp with keys"
UNDER_WAY = 8
"""Messages: as many as there are slots for 1 MB, so that what is under way stays in the same caches."""


def microseconds(nbytes: int, messages: int, *, keys: bool) -> float:
    """Per message, of `messages` of them, from one process to another."""
    server, client = zmq.curve_keypair(), zmq.curve_keypair()
    reading, writing = os.pipe()
    receiver = os.fork()
    if receiver == 0:
        _receive(writing, messages, server if keys else None)
    with zmq.Context() as context, context.socket(zmq.DEALER) as end, os.fdopen(reading) as port:
        end.sndhwm = UNDER_WAY
        if keys:
            end.curve_publickey, end.curve_secretkey = client
            end.curve_serverkey = server[0]
        end.connect(f"tcp://127.0.0.1:{port.readline().strip()}")
        memory = [b"\1" * nbytes for _ in range(UNDER_WAY)]  # in turn, as with slots: nobody sends one value for ever
        for number in range(WARM_UP + messages):
            end.send(memory[number % UNDER_WAY], copy=False)
        taken = float(end.recv())
    os.waitpid(receiver, 0)
    return taken


def _receive(writing: int, messages: int, server: tuple[bytes, bytes] | None) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as end:
        if server is not None:
            end.curve_publickey, end.curve_secretkey = server
            end.curve_server = True
        os.write(writing, f"{end.bind_to_random_port('tcp://127.0.0.1')}\n".encode())
        begun = 0
        for number in range(WARM_UP + messages):
            buffer = end.recv(copy=False).buffer
            assert buffer[0] == buffer[-1] == 1
            if number == WARM_UP - 1:
                begun = time.perf_counter_ns()
        end.send(str((time.perf_counter_ns() - begun) / messages * 1e-3).encode())
    os._exit(0)


def main() -> None:
    measure(__doc__, {ALONE: partial(microseconds, keys=False), ALONE_WITH_KEYS: partial(microseconds, keys=True)})


if __name__ == "__main__":
    main()
