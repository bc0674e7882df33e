"""CURVE keys: a pair for everybody who takes part in a run, in files that nobody else may read.

A public key says who somebody is, and may be shown to anybody; whoever has the secret can take that part. Between
workers keys are made anew in every run and stay in the memory of the slot that made them. Files are only for what is
there before: the caller's key, and one for each slot to reach the caller with.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import NamedTuple

from rlreactor.errors import LinkError

__all__ = [
    "CALLER",
    "Certificate",
    "SlotKeys",
    "make_keys",
    "new_certificate",
    "read_public",
    "read_secret",
    "read_slot_keys",
    "slot_name",
]

CALLER = "caller"
_Z85 = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")  # ZeroMQ's RFC 32: 32 bytes in 40 characters
_LONGEST_FILE = 4096


class Certificate(NamedTuple):
    """A pair of keys, each as 40 characters of Z85."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"Certificate({self.public.decode()})"  # a secret must not get into a log by chance


class SlotKeys(NamedTuple):
    """What a slot has: its own pair, and the public key of its caller."""

    own: Certificate
    caller: bytes

    @staticmethod
    def of(own: str, caller: str, where: str) -> SlotKeys:
        """Out of what the two files hold; `where` they came from is for errors. Raises LinkError."""
        pair = Certificate(_field(where, own, "public"), _field(where, own, "secret"))
        return SlotKeys(pair, _field(where, caller, "public"))


def slot_name(slot: int) -> str:
    """What the files of a slot are called."""
    return f"slot-{slot}"


def new_certificate() -> Certificate:
    """A pair that nobody else has."""
    import zmq

    return Certificate(*zmq.curve_keypair())


def make_keys(folder: Path, slots: int) -> list[Path]:
    """Keys for a caller and its slots, in a folder that is made for them; returns the files.

    Raises LinkError when the folder or a file cannot be made; files that are there already are never overwritten.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LinkError(f"cannot make the folder {folder} for keys: {error.strerror}") from error
    written: list[Path] = []
    for name in (CALLER, *map(slot_name, range(slots))):
        own = new_certificate()
        public = f'public = "{own.public.decode()}"\n'
        written.append(_write(folder / f"{name}.key", 0o600, f'{public}secret = "{own.secret.decode()}"\n'))
        written.append(_write(folder / f"{name}.pub", 0o644, public))
    return written


def _write(path: Path, mode: int, text: str) -> Path:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError:
        raise LinkError(f"{path} is there already; remove it first, or give another folder") from None
    except OSError as error:
        raise LinkError(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


def read_public(folder: Path, name: str) -> bytes:
    """Somebody's public key. Raises LinkError."""
    path = folder / f"{name}.pub"
    return _field(path, _read(path, secret=False), "public")


def read_secret(folder: Path, name: str) -> Certificate:
    """One's own pair. Raises LinkError, also for a file that others may read."""
    path = folder / f"{name}.key"
    text = _read(path, secret=True)
    return Certificate(_field(path, text, "public"), _field(path, text, "secret"))


def read_slot_keys(folder: Path, slot: int) -> SlotKeys:
    """What a slot finds in a folder. Raises LinkError."""
    return SlotKeys(read_secret(folder, slot_name(slot)), read_public(folder, CALLER))


def _read(path: Path, *, secret: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if secret and mode & 0o077:
                raise LinkError(
                    f"{path}: expected a secret key that its owner alone may read (mode 0600), received mode "
                    f"{mode:04o}; run chmod 600 on it, or make new keys if somebody else may have read it"
                )
            return file.read(_LONGEST_FILE).decode(errors="replace")
    except OSError as error:
        raise LinkError(f"cannot read the key {path}: {error.strerror}") from error


def _field(where: Path | str, text: str, name: str) -> bytes:
    with contextlib.suppress(tomllib.TOMLDecodeError):
        value = tomllib.loads(text).get(name)
        if isinstance(value, str) and _Z85.fullmatch(value):
            return value.encode()
    raise LinkError(
        f'{where}: expected a line {name} = "…" with a key of 40 characters; make new ones with rlreactor keys'
    )
