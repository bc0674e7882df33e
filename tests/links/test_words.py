"""Words of 64 bits: place, range, atomicity, and the machine they need."""

import mmap
from collections.abc import Callable
from typing import Any

import pytest

from rlreactor.errors import LinkError
from rlreactor.links.segment import PAGE, Segment

from ..forms import FORMS, form_of
from .conftest import Fork


@pytest.fixture(params=FORMS)
def words(request: pytest.FixtureRequest) -> Any:
    return form_of("links/words", request.param)


@pytest.fixture
def mapping() -> mmap.mmap:
    with Segment(PAGE, "words") as segment:
        return segment.map(writable=True)


def test_words_start_at_zero_and_keep_64_bits(words: Any, mapping: mmap.mmap) -> None:
    three = words.Words(mapping, 64, 3)
    assert [three.load(i) for i in range(3)] == [0, 0, 0]
    three.store(0, 2**63 - 1)
    three.store(2, -(2**63))
    assert list(three.several(0, 3)) == [2**63 - 1, 0, -(2**63)]
    assert words.Words(mapping, 80).load(0) == -(2**63)


def test_a_value_beyond_64_bits_is_refused(words: Any, mapping: mmap.mmap) -> None:
    with pytest.raises(ValueError, match=r"memoryview|does not fit a word"):
        words.Words(mapping).store(0, 2**63)


def test_a_reader_cannot_store(words: Any) -> None:
    with Segment(PAGE, "words") as segment, pytest.raises(TypeError):
        words.Words(segment.map(writable=False)).store(0, 1)


@pytest.mark.parametrize(("offset", "count"), [(4, 1), (-8, 1), (0, 0), (PAGE, 1), (PAGE - 8, 2)])
def test_misplaced_words_are_refused(words: Any, mapping: mmap.mmap, offset: int, count: int) -> None:
    with pytest.raises(LinkError, match=f"{count} words at byte {offset}: expected a multiple of"):
        words.Words(mapping, offset, count)


def test_other_machines_are_refused() -> None:
    require = form_of("links/words", "as it stands").require_total_store_order
    require("x86_64")
    with pytest.raises(LinkError, match=r"'aarch64': choose the ipc carrier"):
        require("aarch64")


def test_a_word_is_never_seen_half_written(words: Any, mapping: mmap.mmap, fork: Fork) -> None:
    cells = words.Words(mapping, 0, 2)
    patterns = (0x1111111111111111, 0x2222222222222222)
    cells[0] = patterns[0]

    def write() -> None:
        while not cells[1]:
            cells[0] = patterns[0]
            cells[0] = patterns[1]

    child = fork(write)
    seen = {cells[0] for _ in range(200_000)}
    cells[1] = 1
    child.join()
    assert seen <= set(patterns)


def test_stores_are_seen_in_order(words: Any, mapping: mmap.mmap, fork: Fork) -> None:
    """The payload is there when its number is: 20,000 rounds without a barrier."""
    cells = words.Words(mapping, 0, 64)
    last = 20_000

    def write() -> None:
        for i in range(1, last + 1):
            cells[32] = i
            cells[0] = i

    child = fork(write)
    number = 0
    while number < last:
        number = cells[0]
        assert cells[32] >= number
    child.join()


def test_a_part_is_the_same_words(words: Any, mapping: mmap.mmap) -> None:
    whole = words.Words(mapping, 0, 8)
    part = whole[3:5]
    part[1] = 7
    whole[3] = 6
    del whole
    assert part.several(0, 2) == (6, 7)
    assert len(part) == 2
    with pytest.raises(IndexError):
        part[2]


@pytest.mark.parametrize("slice_", [slice(3, 3), slice(0, 8, 2)])
def test_a_part_lies_in_one_piece(words: Any, mapping: mmap.mmap, slice_: slice) -> None:
    with pytest.raises(ValueError, match="a part of words: expected at least one, and all between its ends"):
        words.Words(mapping, 0, 8)[slice_]


def test_several_at_once(words: Any, mapping: mmap.mmap) -> None:
    some = words.Words(mapping, 64, 4)
    some.fill(1, -5, 2**40)
    assert some.several(0, 4) == (0, -5, 2**40, 0)
    some.put(3, memoryview(b"abcdefgh"))
    assert (some.copy(2, 4), some[1] & 0xFF) == (b"\0abc", ord("f"))
    assert bytes(mapping[67:75]) == b"abcdefgh"
    some.fill(4)
    assert (some.several(4, 0), some.copy(32, 0)) == ((), b"")


def test_what_lies_outside_is_not_touched(words: Any, mapping: mmap.mmap) -> None:
    some = words.Words(mapping, 64, 4)
    for index in (-1, 4, 2**40):
        with pytest.raises(IndexError):
            some[index]
        with pytest.raises(IndexError):
            some[index] = 1
    outside: list[Callable[[], object]] = [
        lambda: some.fill(3, 1, 2), lambda: some.several(3, 2), lambda: some.several(0, -1), lambda: some.fill(-1, 1),
        lambda: some.put(31, b"ab"), lambda: some.copy(31, 2), lambda: some.copy(-1, 1), lambda: some.copy(0, -1),
    ]  # fmt: skip
    for touch in outside:
        with pytest.raises(IndexError):
            touch()
    assert bytes(mapping) == bytes(PAGE)


def test_a_reader_cannot_write_in_any_way(words: Any) -> None:
    with Segment(PAGE, "words") as segment:
        some = words.Words(segment.map(writable=False), 0, 4)
    writes: list[Callable[[], object]] = [
        lambda: some.fill(0, 1), lambda: some.put(0, b"a"), lambda: some[1:2].store(0, 1),
    ]  # fmt: skip
    for write in writes:
        with pytest.raises(TypeError):
            write()
    assert some.several(0, 4) == (0, 0, 0, 0)


def test_fence_works_in_a_child_forked_while_a_thread_was_inside(fork: Fork) -> None:
    words = form_of("links/words", "as it stands")
    with vars(words)["_lock"]:
        fork(words.fence).join()
    words.fence()
