"""The ring of bytes: order, wrap-around, pieces, refusals; against a list, across processes."""

from __future__ import annotations

import contextlib
import mmap
import random
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlreactor.errors import LinkError
from rlreactor.links.doorbell import Doorbell, new_doorbell_fd
from rlreactor.links.ring import RING_OVERHEAD, RingReader, RingWriter
from rlreactor.links.segment import PAGE, Segment
from rlreactor.links.words import Words

from .conftest import Fork

OFFSET = 64  # the ring does not start where the mapping does


def a_ring(capacity: int) -> tuple[RingWriter, RingReader, mmap.mmap]:
    with Segment(OFFSET + RING_OVERHEAD + capacity, "ring") as segment:
        mapping = segment.map(writable=True)
    return RingWriter(mapping, OFFSET, capacity), RingReader(mapping, OFFSET, capacity), mapping


def test_messages_arrive_in_order_with_their_parts_joined() -> None:
    writer, reader, _ = a_ring(1024)
    assert not reader.waiting()
    assert reader.read() == []
    assert writer.try_write((b"head", memoryview(b"xbodyx")[1:5]))
    assert writer.try_write(())
    assert writer.try_write((b"1234567",))
    assert reader.waiting()
    assert reader.read() == [b"headbody", b"", b"1234567"]
    assert not reader.waiting()
    assert reader.read() == []


def test_messages_are_copies() -> None:
    writer, reader, _ = a_ring(64)
    writer.try_write((b"first",))
    (first,) = reader.read()
    for _ in range(20):
        assert writer.try_write((b"other",))
        reader.read()
    assert first == b"first"


def test_a_full_ring_takes_nothing_until_there_is_room() -> None:
    writer, reader, _ = a_ring(64)
    assert [writer.try_write((bytes([i]) * 8,)) for i in range(5)] == [True] * 4 + [False]
    assert reader.read() == [bytes([i]) * 8 for i in range(4)]
    assert writer.try_write((b"x",))
    assert reader.read() == [b"x"]


def test_wrap_around_at_every_place() -> None:
    for before in range(0, 64, 8):
        writer, reader, _ = a_ring(64)
        for _ in range(before // 8):
            writer.try_write(())
            reader.read()
        for length in range(9):
            assert writer.try_write((b"m" * length,))
            assert reader.read() == [b"m" * length]


def test_a_long_message_goes_through_in_pieces() -> None:
    writer, reader, _ = a_ring(256)
    long = bytes(range(256)) * 5
    assert writer.try_write((long[:700], long[700:]))
    received: list[bytes] = []
    calls = 0
    while not writer.flush():
        assert not writer.try_write((b"next",)), "the rest comes first"
        received += reader.read()
        assert received == []
        calls += 1
    assert calls >= 5
    assert writer.flush()
    assert writer.try_write((b"next",))
    assert received + reader.read() == [long, b"next"]


def test_the_rest_of_a_long_message_is_a_copy() -> None:
    writer, reader, _ = a_ring(64)
    source = bytearray(b"a" * 100)
    assert writer.try_write((memoryview(source),))
    source[:] = b"b" * 100
    received: list[bytes] = []
    while not writer.flush():
        received += reader.read()
    assert received + reader.read() == [b"a" * 100]


def test_a_long_message_is_not_begun_without_room() -> None:
    writer, reader, _ = a_ring(64)
    for _ in range(4):
        writer.try_write((b"12345678",))
    assert not writer.try_write((b"x" * 500,))
    assert writer.flush(), "nothing of it was taken"
    assert reader.read() == [b"12345678"] * 4


def test_the_longest_single_piece_is_below_a_quarter() -> None:
    writer, reader, _ = a_ring(1024)
    assert writer.longest == 248
    assert [writer.try_write((b"x" * 248,)) for _ in range(5)] == [True] * 4 + [False]
    assert reader.read() == [b"x" * 248] * 4


def test_ends_made_later_go_on_where_the_ring_is() -> None:
    writer, _, mapping = a_ring(256)
    writer.try_write((b"one",))
    RingWriter(mapping, OFFSET, 256).try_write((b"two",))
    reader = RingReader(mapping, OFFSET, 256)
    assert reader.read() == [b"one", b"two"]
    assert RingReader(mapping, OFFSET, 256).read() == []


def test_a_part_of_wider_items_goes_as_its_bytes() -> None:
    writer, reader, _ = a_ring(256)
    assert writer.try_write((b"ok", memoryview(bytes(range(16))).cast("q")))
    assert reader.read() == [b"ok" + bytes(range(16))]


def test_a_part_without_bytes_is_refused_and_nothing_published() -> None:
    writer, reader, _ = a_ring(256)
    with pytest.raises(TypeError):
        writer.try_write((b"ok", cast(Any, 7)))
    assert reader.read() == []
    assert writer.try_write((b"fine",))
    assert reader.read() == [b"fine"]


@given(
    capacity=st.sampled_from([64, 72, 128, 1000, 4096]),
    messages=st.lists(st.integers(0, 3000) | st.integers(0, 40), max_size=60),
    reads=st.randoms(use_true_random=False),
)
def test_any_messages_arrive_as_they_were_sent(capacity: int, messages: list[int], reads: random.Random) -> None:
    writer, reader, _ = a_ring(capacity)
    sent = [bytes([i % 256]) * length for i, length in enumerate(messages)]
    received: list[bytes] = []
    for message in sent:
        cut = reads.randint(0, len(message))
        while not writer.try_write((message[:cut], message[cut:])):
            received += reader.read()
        while not writer.flush():
            received += reader.read()
        if reads.random() < 0.3:
            received += reader.read()
    assert received + reader.read() == sent


# ------------------------------------------------------------------ what must not be believed

TAIL, HEAD, FIRST = 0, 8, 16  # words of the region


@pytest.mark.parametrize(
    ("word", "value"),
    [
        pytest.param(FIRST, 0, id="no kind"),
        pytest.param(FIRST, -1, id="all ones"),
        pytest.param(FIRST, 4 << 32, id="unknown kind"),
        pytest.param(FIRST, 1 << 32 | 0xFFFFFFFF, id="4 GiB"),
        pytest.param(FIRST, 1 << 32 | 257, id="beyond the end"),
        pytest.param(FIRST, 1 << 32 | 100, id="beyond what was written"),
        pytest.param(FIRST, 2 << 32 | 100, id="piece beyond what was written"),
        pytest.param(FIRST, 3 << 32 | 256, id="skips beyond what was written"),
        pytest.param(FIRST, 3 << 32 | 8, id="skips to no end"),
        pytest.param(FIRST, 3 << 32, id="skips nothing"),
        pytest.param(TAIL, 12, id="tail between words"),
        pytest.param(TAIL, -8, id="tail before head"),
        pytest.param(TAIL, 264, id="tail beyond capacity"),
        pytest.param(TAIL, 2**62, id="absurd tail"),
    ],
)
def test_a_corrupt_ring_is_an_error_for_the_reader(word: int, value: int) -> None:
    writer, reader, mapping = a_ring(256)
    writer.try_write((b"good",))
    Words(mapping, OFFSET, 40).store(word, value)
    with pytest.raises(LinkError, match="ring is corrupt"):
        reader.read()


@pytest.mark.parametrize("head", [-8, 8, 3, 2**62])
def test_a_corrupt_head_is_an_error_for_the_writer(head: int) -> None:
    writer, _, mapping = a_ring(64)
    Words(mapping, OFFSET, 24).store(HEAD, head)

    def fill() -> None:
        while writer.try_write((b"",)):
            pass

    if head == 8:  # believable once eight bytes were written: the writer cannot know
        fill()
        return
    with pytest.raises(LinkError, match="ring is corrupt"):
        fill()


@given(words=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 300), min_size=10))
def test_garbage_is_messages_or_an_error_and_never_more(words: list[int]) -> None:
    _, reader, mapping = a_ring(64)
    cells = Words(mapping, OFFSET, 24)
    for place, value in zip((*range(16, 24), TAIL), words, strict=False):
        cells[place] = value
    with contextlib.suppress(LinkError):
        assert sum(map(len, reader.read())) <= 64


@pytest.mark.parametrize(("offset", "capacity"), [(64, 56), (64, 100), (8, 64), (64, PAGE), (-64, 64)])
def test_misplaced_rings_are_refused(offset: int, capacity: int) -> None:
    with Segment(PAGE, "ring") as segment, pytest.raises(LinkError, match=f"at byte {offset}: exp"):
        RingReader(segment.map(writable=True), offset, capacity)


# ------------------------------------------------------------------ across processes


def moved(head: Words, seen: int) -> bool:
    return head[0] != seen


def message(i: int) -> bytes:
    return i.to_bytes(4, "little") * (i % 7 if i % 5000 else 3000)


def test_a_hundred_thousand_messages_between_two_processes(fork: Fork) -> None:
    capacity, count = 4096, 100_000
    segment = Segment(2 * PAGE, "ring")
    bells = [new_doorbell_fd(), new_doorbell_fd()]

    def end(mapping: mmap.mmap) -> tuple[Doorbell, Doorbell]:
        words = Words(mapping, PAGE + 3072, 16)
        return Doorbell(bells[0], words, 0), Doorbell(bells[1], words, 8)

    def send() -> None:
        mapping = segment.map(writable=True)
        writer = RingWriter(mapping, 0, capacity)
        mine, theirs = end(mapping)
        head = Words(mapping, 64)

        def until(written: Callable[[], bool]) -> None:
            seen = head[0]
            while not written():
                theirs.ring()
                mine.wait(partial(moved, head, seen))
                seen = head[0]
            theirs.ring()

        for i in range(count):
            until(partial(writer.try_write, (message(i),)))
            until(writer.flush)
        assert mine.missed == 0

    def receive() -> None:
        mapping = segment.map(writable=True)
        reader = RingReader(mapping, 0, capacity)
        theirs, mine = end(mapping)
        number = 0
        while number < count:
            mine.wait(reader.waiting)
            for received in reader.read():
                assert received == message(number)
                number += 1
            theirs.ring()
        assert mine.missed == 0

    sender = fork(send)
    receive()
    sender.join()
