"""Invitations: how the first learner of a bank tells the others where they meet, and where that may be."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rlreactor.errors import RunError

__all__ = ["Door", "Interface", "Invitation", "check_network", "interface_in", "this_host"]

_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Invitation:
    """What every learner of a bank has to know before the first update."""

    bank: str
    """Of this bank in this run alone."""
    seed: int
    """Of the initial weights."""
    address: str
    port: int
    host: str
    """Where `address` is, as `this_host` calls it."""

    @property
    def on_loopback(self) -> bool:
        """Whether only this host can come."""
        return ipaddress.IPv4Address(self.address) in _LOOPBACK


class Interface(NamedTuple):
    """One of this host's, with its address."""

    name: str
    address: str


def check_network(name: str, network: str) -> None:
    """Raises ValueError unless `network` is "" or one of IPv4, such as 10.0.0.0/24."""
    try:
        ipaddress.IPv4Network(network or "127.0.0.0/8")
    except ValueError as error:
        expected = "an IPv4 network such as 10.0.0.0/24"
        raise ValueError(f"{name}: expected {expected}, received {network!r}: {error}") from None


def interface_in(network: str) -> Interface:
    """This host's interface in `network`, or its loopback for "". Raises RunError."""
    wanted = ipaddress.IPv4Network(network) if network else _LOOPBACK
    found = list(_interfaces())
    for interface in found:
        if ipaddress.IPv4Address(interface.address) in wanted:
            return interface
    have = ", ".join(f"{interface.address} ({interface.name})" for interface in found)
    raise RunError(
        f"{socket.gethostname()} has no address in {wanted}, where learners are to exchange gradients; it has {have}; "
        "name a network that every host with a learner is in (learner_network)"
    )


def _interfaces() -> Iterator[Interface]:
    import psutil

    for name, addresses in sorted(psutil.net_if_addrs().items()):
        for address in addresses:
            if address.family == socket.AF_INET:
                yield Interface(name, address.address)


def this_host() -> str:
    """The same for processes that reach each other over the loopback: one kernel, one network namespace."""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/net').readlink()}"


class Door:
    """A listening socket that is opened before anybody is told of it; whoever comes early waits."""

    def __init__(self, network: str) -> None:
        self._interface = interface_in(network)
        self._socket = socket.create_server((self._interface.address, 0))

    def invitation(self, seed: int) -> Invitation:
        """To a new bank, which nobody else has heard of."""
        address, port = self._socket.getsockname()
        return Invitation(secrets.token_hex(16), seed, address, port, this_host())

    def detach(self) -> int:
        """The descriptor of the socket, which is the receiver's from now on."""
        return self._socket.detach()

    def close(self) -> None:
        """Nobody has to come."""
        self._socket.close()

    def __del__(self) -> None:
        """A run that fails before its first update leaves nothing open."""
        if hasattr(self, "_socket"):
            self._socket.close()
