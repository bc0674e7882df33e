"""Words of 64 bits: place, range, atomicity, and the machine they need."""

import mmap

import pytest

from rlreactor.errors import LinkError
from rlreactor.links import words
from rlreactor.links.segment import PAGE, Segment
from rlreactor.links.words import Words, fence, require_total_store_order

from .conftest import Fork


@pytest.fixture
def mapping() -> mmap.mmap:
    with Segment(PAGE, "words") as segment:
        return segment.map(writable=True)


def test_words_start_at_zero_and_keep_64_bits(mapping: mmap.mmap) -> None:
    three = Words(mapping, 64, 3)
    assert [three.load(i) for i in range(3)] == [0, 0, 0]
    three.store(0, 2**63 - 1)
    three.store(2, -(2**63))
    assert list(three.cells) == [2**63 - 1, 0, -(2**63)]
    assert Words(mapping, 80).load(0) == -(2**63)


def test_a_value_beyond_64_bits_is_refused(mapping: mmap.mmap) -> None:
    with pytest.raises(ValueError, match="memoryview"):
        Words(mapping).store(0, 2**63)


def test_a_reader_cannot_store() -> None:
    with Segment(PAGE, "words") as segment, pytest.raises(TypeError):
        Words(segment.map(writable=False)).store(0, 1)


@pytest.mark.parametrize(("offset", "count"), [(4, 1), (-8, 1), (0, 0), (PAGE, 1), (PAGE - 8, 2)])
def test_misplaced_words_are_refused(mapping: mmap.mmap, offset: int, count: int) -> None:
    with pytest.raises(LinkError, match=f"{count} words at byte {offset}: expected a multiple of"):
        Words(mapping, offset, count)


def test_other_machines_are_refused() -> None:
    require_total_store_order("x86_64")
    with pytest.raises(LinkError, match=r"'aarch64': choose the ipc carrier"):
        require_total_store_order("aarch64")


def test_a_word_is_never_seen_half_written(mapping: mmap.mmap, fork: Fork) -> None:
    cells = Words(mapping, 0, 2).cells
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


def test_stores_are_seen_in_order(mapping: mmap.mmap, fork: Fork) -> None:
    """The payload is there when its number is: 20,000 rounds without a barrier."""
    cells = Words(mapping, 0, 64).cells
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


def test_fence_works_in_a_child_forked_while_a_thread_was_inside(fork: Fork) -> None:
    with vars(words)["_lock"]:
        fork(fence).join()
    fence()
