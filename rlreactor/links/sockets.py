"""ZeroMQ sockets: the one place where they are configured, bound and connected.

Each link is a pair of DEALER sockets, bound at its reader. The supervisor binds the listening sockets before it forks
the workers, so that every address is known and nobody else can take it; a worker hands those of its own links to
ZeroMQ, in a context that is made after the fork: a process that has one must not be forked.

Nothing of ZeroMQ's own is relied on for delivery or back-pressure: messages are lost when a connection is cut, and its
limits count messages, not bytes. The reliable protocol above does both, so queues are unlimited here, and bounded by
credits.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any, Literal, NamedTuple

import zmq

from rlreactor.errors import LinkError
from rlreactor.links.socket_folder import SocketFolder

__all__ = ["Listener", "SocketContext", "SocketKind", "listen_ipc", "listen_tcp"]

SocketKind = Literal["ipc", "tcp"]
_HEARTBEAT_MS, _HEARTBEAT_TIMEOUT_MS = 500, 1500  # after a cut, data flows again within a second
_CONNECT_MS, _HANDSHAKE_MS = 500, 2000  # the kernel asks again after 1, 2, 4, 8, 16 s, which is too late after a cut
_RECONNECT_MS, _LONGEST_RECONNECT_MS = 10, 200
_LINGER_MS = 1000  # for the last acknowledgements
_BACKLOG = 8


class Listener(NamedTuple):
    """A bound socket before ZeroMQ takes it: its address, its descriptor, its file if it has one."""

    endpoint: str
    fd: int
    file: str = ""

    @property
    def kind(self) -> str:
        """One of "ipc" and "tcp"."""
        return self.endpoint.partition(":")[0]


def listen_ipc(folder: SocketFolder, name: str) -> Listener:
    """A listening socket in a folder. Raises LinkError."""
    path = folder.file(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    return Listener(f"ipc://{path}", _bound(listener, path, f"ipc://{path}"), name)


def listen_tcp(address: str = "127.0.0.1") -> Listener:
    """A listening socket on a free port. Raises LinkError, also for an address that others can reach.

    Without keys whoever reaches the port could take part in the run.
    """
    if not ipaddress.ip_address(address).is_loopback:
        raise LinkError(
            f"cannot bind tcp://{address} without keys: expected a loopback address (127.0.0.1), because everybody who "
            "reaches any other could read and change what the workers send"
        )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    fd = _bound(listener, (address, 0), f"tcp://{address}")
    return Listener(f"tcp://{address}:{listener_port(fd)}", fd)


def listener_port(fd: int) -> int:
    """The port to which a descriptor is bound."""
    with socket.socket(fileno=os.dup(fd)) as duplicate:
        return int(duplicate.getsockname()[1])


def _bound(listener: socket.socket, place: Any, endpoint: str) -> int:
    try:
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise LinkError(f"cannot bind {endpoint}: {error.strerror}") from error
    return listener.detach()


class SocketContext:
    """All ZeroMQ sockets of one worker. Raises LinkError when there cannot be so many."""

    def __init__(self) -> None:
        self._context = zmq.Context()

    def bind(self, listener: Listener, longest: int) -> zmq.Socket[bytes]:
        """The reading end of a link, whose frames have `longest` bytes at most."""
        end = self._socket(listener.kind, longest)
        end.set(zmq.USE_FD, listener.fd)
        end.bind(listener.endpoint)
        return end

    def connect(self, endpoint: str, longest: int) -> zmq.Socket[bytes]:
        """The writing end."""
        end = self._socket(endpoint.partition(":")[0], longest)
        end.connect(endpoint)
        return end

    def _socket(self, kind: str, longest: int) -> zmq.Socket[bytes]:
        end = self._context.socket(zmq.DEALER)
        end.set(zmq.IMMEDIATE, 1)  # what is sent waits here, not in a connection that may never come
        end.set(zmq.SNDHWM, 0)
        end.set(zmq.RCVHWM, 0)
        end.set(zmq.MAXMSGSIZE, longest)
        end.set(zmq.LINGER, _LINGER_MS)
        if kind == "tcp":  # a Unix socket cannot be cut, but a process that is stopped for a while would look like it
            end.set(zmq.CONNECT_TIMEOUT, _CONNECT_MS)
            end.set(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
            end.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
            end.set(zmq.RECONNECT_IVL_MAX, _LONGEST_RECONNECT_MS)
            end.set(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
            end.set(zmq.HEARTBEAT_TIMEOUT, _HEARTBEAT_TIMEOUT_MS)
            end.set(zmq.HEARTBEAT_TTL, _HEARTBEAT_TIMEOUT_MS)
        return end

    def close(self, *, give_up: bool) -> None:
        """Close all sockets, after what they have to send, or at once."""
        self._context.destroy(linger=0 if give_up else None)
