"""Notices: what was put in comes out, and what is none is refused."""

from __future__ import annotations

import mmap
import random
import re
import struct
from typing import Any

import pytest

from rlreactor import LinkError

from ..forms import FORMS, form_of


@pytest.fixture(params=FORMS)
def wire(request: pytest.FixtureRequest) -> Any:
    return form_of("links/wire", request.param)


def read(wire: Any, notice: bytes) -> list[tuple[int, int, bytes]]:
    return [(port, slot, bytes(payload)) for port, slot, payload in wire.parse(notice)[2]]


def test_a_notice_takes_any_number_of_values_of_any_kind(wire: Any) -> None:
    parts = [wire.inline(7, b""), wire.entry(3, 5), wire.inline(1, b"abc"), wire.inline(0, bytes(8)), wire.entry(9, 0)]
    notice = b"".join([wire.head((5, 2), 11), *parts])
    assert wire.parse(notice)[:2] == ((5, 2), 11)
    assert read(wire, notice) == [(7, -1, b""), (3, 5, b""), (1, -4, b"abc"), (0, -9, bytes(8)), (9, 0, b"")]
    assert len(notice) % 8 == 0


def test_a_single_value(wire: Any) -> None:
    notice = wire.head((5, 0)) + wire.entry(3, 5)
    assert len(notice) == wire.SINGLE
    assert wire.only_entry(notice)[:2] == (3, 5)
    assert wire.parse(notice)[1] == 0


@pytest.mark.parametrize("length", [0, 8, 31])
def test_what_is_too_short(wire: Any, length: int) -> None:
    for take in (wire.parse, wire.only_entry):
        with pytest.raises(LinkError, match=f"a notice of {length} bytes: expected at least 32"):
            take(bytes(length))


def test_what_is_malformed(wire: Any) -> None:
    whole = wire.head((5, 0)) + wire.inline(1, bytes(16))
    with pytest.raises(LinkError, match=re.escape("a malformed notice of 40 bytes: port 1, 16 bytes from byte 32 on")):
        read(wire, whole[:-8])
    with pytest.raises(LinkError, match=re.escape("a malformed notice of 52 bytes: 4 bytes after its last entry")):
        read(wire, whole + bytes(4))
    with pytest.raises(LinkError, match="a malformed notice: time -1, 32 bytes"):
        wire.parse(wire.head((-1, 0)) + wire.entry(0, 0))


def test_a_value_that_is_too_long(wire: Any) -> None:
    too_long = mmap.mmap(-1, 1 << 31)  # whose pages nobody touches
    with pytest.raises(LinkError, match="a value of 2147483648 bytes: a message takes 2147483646; declare an Array"):
        wire.inline(0, memoryview(too_long))


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 100_000])
def test_values_of_any_size_stay_as_they_are(wire: Any, size: int) -> None:
    value = random.Random(size).randbytes(size)
    notice = wire.head((1, 0)) + wire.inline(1, value) + wire.entry(2, 3)
    assert read(wire, notice) == [(1, -1 - size, value), (2, 3, b"")]


def test_numbers_that_fit_no_field_are_refused(wire: Any) -> None:
    for port in (-1, 1 << 32):
        with pytest.raises((OverflowError, struct.error)):
            wire.entry(port, 0)
        with pytest.raises((OverflowError, struct.error)):
            wire.inline(port, b"")
    for tag in ((1 << 63, 0), (0, -1)):
        with pytest.raises((OverflowError, struct.error)):
            wire.head(tag)
    with pytest.raises((OverflowError, struct.error)):
        wire.entry(0, 1 << 31)


def test_both_forms_say_the_same_of_anything() -> None:
    forms = [form_of("links/wire", form) for form in FORMS]
    chance = random.Random(5)

    def outcome(wire: Any, notice: bytes) -> object:
        try:
            tag, rank, _ = wire.parse(notice)
        except LinkError as error:
            return str(error)
        return tag, rank, read(wire, notice)

    for _ in range(5000):
        entries = [chance.choice((wire_entry, wire_inline))(chance) for _ in range(chance.randrange(4))]
        notice = bytearray(forms[1].head((chance.randrange(9), 0), 3) + b"".join(entries))
        for _ in range(chance.randrange(3)):
            notice[chance.randrange(len(notice))] = chance.randrange(256)
        cut = bytes(notice[: chance.randrange(len(notice) + 1)] if chance.random() < 0.3 else notice)
        assert outcome(forms[0], cut) == outcome(forms[1], cut)


def wire_entry(chance: random.Random) -> bytes:
    return bytes(form_of("links/wire", FORMS[1]).entry(chance.randrange(9), chance.randrange(9)))


def wire_inline(chance: random.Random) -> bytes:
    return bytes(form_of("links/wire", FORMS[1]).inline(chance.randrange(9), bytes(chance.randrange(30))))
