"""Which address of this machine others reach it by."""

from __future__ import annotations

import socket

from rlreactor.errors import RunError

__all__ = ["address_towards"]

_ANY_PORT = 9


def address_towards(host: str) -> str:
    """The IPv4 address from which this machine reaches `host`, a name or an address. Nothing is sent.

    Raises RunError when the name cannot be resolved or there is no route.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, _ANY_PORT))
        except OSError as error:
            raise RunError(f"cannot tell which address of this machine {host} reaches: {error}") from error
        return str(probe.getsockname()[0])
