"""Notices: what was put in comes out, and what is none is refused."""

from __future__ import annotations

import re

import pytest

from rlreactor import LinkError
from rlreactor.links import wire


def read(notice: bytes) -> list[tuple[int, int, bytes]]:
    return [(port, slot, bytes(payload)) for port, slot, payload in wire.parse(notice)[2]]


def test_a_notice_takes_any_number_of_values_of_any_kind() -> None:
    parts = [wire.inline(7, b""), wire.entry(3, 5), wire.inline(1, b"abc"), wire.inline(0, bytes(8)), wire.entry(9, 0)]
    notice = b"".join([wire.head((5, 2), 11), *parts])
    assert wire.parse(notice)[:2] == ((5, 2), 11)
    assert read(notice) == [(7, -1, b""), (3, 5, b""), (1, -4, b"abc"), (0, -9, bytes(8)), (9, 0, b"")]
    assert len(notice) % 8 == 0


def test_a_single_value() -> None:
    notice = wire.head((5, 0)) + wire.entry(3, 5)
    assert len(notice) == wire.SINGLE
    assert wire.only_entry(notice)[:2] == (3, 5)
    assert wire.parse(notice)[1] == 0


@pytest.mark.parametrize("length", [0, 8, 31])
def test_what_is_too_short(length: int) -> None:
    for take in (wire.parse, wire.only_entry):
        with pytest.raises(LinkError, match=f"a notice of {length} bytes: expected at least 32"):
            take(bytes(length))


def test_what_is_malformed() -> None:
    whole = wire.head((5, 0)) + wire.inline(1, bytes(16))
    with pytest.raises(LinkError, match=re.escape("a malformed notice of 40 bytes: port 1, 16 bytes from byte 32 on")):
        read(whole[:-8])
    with pytest.raises(LinkError, match=re.escape("a malformed notice of 52 bytes: 4 bytes after its last entry")):
        read(whole + bytes(4))
    with pytest.raises(LinkError, match="a malformed notice: time -1, 32 bytes"):
        wire.parse(wire.head((-1, 0)) + wire.entry(0, 0))


def test_a_value_that_is_too_long() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return 1 << 31

    with pytest.raises(LinkError, match="a value of 2147483648 bytes: a message takes 2147483646; declare an Array"):
        wire.inline(0, Long())
