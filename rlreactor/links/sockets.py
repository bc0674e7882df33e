"""ZeroMQ sockets: the one place where they are configured, bound and connected.

Each link is a pair of DEALER sockets, bound at its reader. The supervisor binds the listening sockets before it forks
the workers, so that every address is known and nobody else can take it; a worker hands those of its own links to
ZeroMQ, in a context that is made after the fork: a process that has one must not be forked.

Nothing of ZeroMQ's own is relied on for delivery or back-pressure: messages are lost when a connection is cut, and its
limits count messages, not bytes. The reliable protocol above does both, so queues are unlimited here, and bounded by
credits.

What leaves this host is encrypted (CURVE), and each listening socket admits the one key of its link's writer. Without
keys only loopback addresses are listened on.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from typing import Any, Literal, NamedTuple

import zmq

from rlreactor.errors import LinkError
from rlreactor.links.doorkeeper import Doorkeeper
from rlreactor.links.keys import Certificate
from rlreactor.links.socket_folder import SocketFolder

__all__ = [
    "Listener",
    "Peer",
    "SocketContext",
    "SocketKind",
    "listen_ipc",
    "listen_tcp",
    "longest_encrypted",
    "open_line",
    "watch_connection",
]

SocketKind = Literal["ipc", "tcp"]
_UNACKNOWLEDGED_MS = 1500  # a cut is the kernel's to notice: it has time also where processes wait for theirs
_KEEPALIVE_S, _KEEPALIVE_PROBES = 1, 2
_HEARTBEAT_MS, _HEARTBEAT_TIMEOUT_MS = 500, 6000  # for a peer that hangs; less than that is only a busy machine
_CONNECT_TIMEOUT_MS = 500  # the kernel tries again less and less often: better to begin anew
_HANDSHAKE_MS = 10_000  # it computes; one that is given up too early on a busy machine begins anew for ever
_RECONNECT_MS, _LONGEST_RECONNECT_MS = 10, 100
_ENCRYPTED = 64  # bytes by which a frame grows at most (RFC 26: 33)
_HANDSHAKE = 2048  # bytes that a command of the handshake has at most
_LINGER_MS = 1000  # for the last acknowledgements
_BACKLOG = 128


class Listener(NamedTuple):
    """A bound socket before ZeroMQ takes it: its address, its descriptor, its file if it has one."""

    endpoint: str
    fd: int
    file: str = ""

    @property
    def kind(self) -> str:
        """One of "ipc" and "tcp"."""
        return self.endpoint.partition(":")[0]


class Peer(NamedTuple):
    """Who has to be at the other end of a link: a name for errors, and its public key."""

    name: str
    public: bytes


def listen_ipc(folder: SocketFolder, name: str) -> Listener:
    """A listening socket in a folder. Raises LinkError."""
    path = folder.file(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    return Listener(f"ipc://{path}", _bound(listener, path, f"ipc://{path}"), name)


def listen_tcp(
    address: str = "127.0.0.1", ports: tuple[int, int] | None = None, *, with_keys: bool = False
) -> Listener:
    """A listening socket on a free port, or on the first that is free from one to another.

    Raises LinkError, also for an address that others can reach unless keys will be used: without them whoever reaches
    the port could take part in the run.
    """
    parsed = ipaddress.ip_address(address)
    if not (parsed.is_loopback or with_keys):
        raise LinkError(
            f"cannot bind tcp://{address} without keys: expected a loopback address (127.0.0.1), because everybody who "
            "reaches any other could read and change what the workers send"
        )
    if parsed.is_unspecified or parsed.version != 4:
        raise LinkError(
            f"cannot bind tcp://{address}: expected an IPv4 address of one network interface, because others are told "
            "where to connect"
        )
    fd = _bound_tcp(address, ports)
    return Listener(f"tcp://{address}:{listener_port(fd)}", fd)


def _bound_tcp(address: str, ports: tuple[int, int] | None) -> int:
    first, last = ports or (0, 0)
    for port in range(first, last + 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what the last run left does not matter
        try:
            return _bound(listener, (address, port), f"tcp://{address}:{port}")
        except LinkError as error:
            taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
            if not taken or ports is None:
                raise
    raise LinkError(f"cannot bind tcp://{address}: each of the ports {first} to {last} is taken; give a larger range")


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
    """All ZeroMQ sockets of one worker. Raises LinkError when there cannot be so many.

    Args:
        own: this worker's keys, where any of its links needs them.
    """

    def __init__(self, own: Certificate | None = None) -> None:
        self._context = zmq.Context()
        self._own = own
        self._doorkeeper = None if own is None else Doorkeeper(self._context)

    def bind(self, listener: Listener, longest: int, peer: Peer | None = None) -> zmq.Socket[bytes]:
        """The reading end of a link, whose frames have `longest` bytes at most; `peer` alone may come."""
        end = self._socket(listener.kind, longest)
        if peer is not None:
            self._secure(end, longest)
            end.curve_server = True
            self._keeper.admit(end, f"the link from {peer.name} at {listener.endpoint}", {peer.public: peer.name})
        end.set(zmq.USE_FD, listener.fd)
        end.bind(listener.endpoint)
        return end

    def connect(self, endpoint: str, longest: int, peer: Peer | None = None) -> zmq.Socket[bytes]:
        """The writing end; only to `peer`, if one is given."""
        end = self._socket(endpoint.partition(":")[0], longest)
        if peer is not None:
            self._secure(end, longest)
            end.curve_serverkey = peer.public
            self._keeper.follow(end, endpoint, peer.name)
        end.connect(endpoint)
        return end

    @property
    def _keeper(self) -> Doorkeeper:
        assert self._doorkeeper is not None, "a context without keys of its own knows no peers"
        return self._doorkeeper

    def _secure(self, end: zmq.Socket[bytes], longest: int) -> None:
        assert self._own is not None
        end.set(zmq.MAXMSGSIZE, longest_encrypted(longest))
        end.curve_publickey, end.curve_secretkey = self._own

    def open(self) -> None:
        """From now on peers are let in; there are no more sockets to come."""
        if self._doorkeeper is not None:
            self._doorkeeper.start()

    def check(self) -> None:
        """Make lost connections anew. Raises LinkError when some peer can never be reached, naming it."""
        if self._doorkeeper is None:
            return
        if self._doorkeeper.stranded:
            self._doorkeeper.renew()
        if self._doorkeeper.fault:
            raise LinkError(self._doorkeeper.fault)

    def _socket(self, kind: str, longest: int) -> zmq.Socket[bytes]:
        end = self._context.socket(zmq.DEALER)
        end.set(zmq.IMMEDIATE, 1)  # what is sent waits here, not in a connection that may never come
        end.set(zmq.SNDHWM, 0)
        end.set(zmq.RCVHWM, 0)
        end.set(zmq.MAXMSGSIZE, longest)
        end.set(zmq.LINGER, _LINGER_MS)
        if kind == "tcp":  # a Unix socket cannot be cut, but a process that is stopped for a while would look like it
            watch_connection(end)
        return end

    def close(self, *, give_up: bool) -> None:
        """Close all sockets, after what they have to send, or at once."""
        if self._doorkeeper is not None:
            self._doorkeeper.close()
        self._context.destroy(linger=0 if give_up else None)


def longest_encrypted(longest: int) -> int:
    """The limit for a socket with keys, whose frames have `longest` bytes at most before they are encrypted."""
    return max(longest + _ENCRYPTED, _HANDSHAKE)


def open_line(
    context: zmq.Context[zmq.Socket[bytes]], kind: zmq.SocketType, longest: int, own: Certificate
) -> zmq.Socket[bytes]:
    """One end of a line between a slot and its caller, whose frames have `longest` bytes at most."""
    end = context.socket(kind)
    end.set(zmq.SNDHWM, 0)
    end.set(zmq.RCVHWM, 0)
    end.set(zmq.MAXMSGSIZE, longest_encrypted(longest))
    watch_connection(end)
    end.curve_publickey, end.curve_secretkey = own
    return end


def watch_connection(end: zmq.Socket[bytes]) -> None:
    """Let a cut be noticed soon, and what is healed be used soon."""
    end.set(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    end.set(zmq.HEARTBEAT_TIMEOUT, _HEARTBEAT_TIMEOUT_MS)
    end.set(zmq.HEARTBEAT_TTL, _HEARTBEAT_TIMEOUT_MS)
    end.set(zmq.TCP_MAXRT, _UNACKNOWLEDGED_MS)
    end.set(zmq.TCP_KEEPALIVE, 1)
    end.set(zmq.TCP_KEEPALIVE_IDLE, _KEEPALIVE_S)
    end.set(zmq.TCP_KEEPALIVE_INTVL, _KEEPALIVE_S)
    end.set(zmq.TCP_KEEPALIVE_CNT, _KEEPALIVE_PROBES)
    end.set(zmq.CONNECT_TIMEOUT, _CONNECT_TIMEOUT_MS)
    end.set(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    end.set(zmq.RECONNECT_IVL, _RECONNECT_MS)
    end.set(zmq.RECONNECT_IVL_MAX, _LONGEST_RECONNECT_MS)
