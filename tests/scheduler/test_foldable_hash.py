"""A hash that can be saved in the middle of its stream."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlreactor.scheduler.foldable_hash import BLOCK, FoldableHash

STREAM = memoryview(random.Random(1).randbytes(5 * BLOCK))
EDGES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 7, 5 * BLOCK]
cuts = st.lists(st.one_of(st.sampled_from(EDGES), st.integers(0, len(STREAM))), max_size=12)


def digest_of(data: bytes | memoryview) -> bytes:
    stream = FoldableHash()
    stream.update(data)
    return stream.digest()


def pieces(cuts: list[int], length: int) -> list[memoryview]:
    bounds = [0, *sorted(min(cut, length) for cut in cuts), length]
    return [STREAM[start:end] for start, end in pairwise(bounds)]


@given(cuts, st.sampled_from(EDGES), st.lists(st.sampled_from(["gather", "update", "digest", "fold"]), min_size=1))
def test_how_the_stream_is_cut_is_nobodys_business(cuts: list[int], length: int, ways: list[str]) -> None:
    stream = FoldableHash()
    for index, piece in enumerate(pieces(cuts, length)):
        way = ways[index % len(ways)]
        (stream.gather if way == "gather" else stream.update)(piece)
        if way in ("digest", "fold"):
            getattr(stream, way)()
    assert stream.digest() == stream.digest() == digest_of(STREAM[:length])


@given(cuts, st.sampled_from(EDGES), st.booleans())
def test_another_one_goes_on_from_its_state(cuts: list[int], length: int, used_before: bool) -> None:
    stream = FoldableHash()
    for piece in pieces(cuts, length):
        following = FoldableHash()
        if used_before:
            following.update(STREAM[: BLOCK // 2])
        following.load(stream.state())
        stream = following
        stream.update(piece)
    assert stream.digest() == digest_of(STREAM[:length])


@pytest.mark.parametrize("length", EDGES)
def test_a_state_is_small(length: int) -> None:
    stream = FoldableHash()
    stream.gather(STREAM[:length])
    assert len(stream.state()) == 16 + length % BLOCK


def test_streams_of_small_values_are_folded_as_large_ones() -> None:
    small = FoldableHash()
    for start in range(0, len(STREAM), 64):
        small.gather(STREAM[start : start + 64])
        if start % 4096 == 0:
            small.fold()
    assert small.digest() == digest_of(STREAM)


@given(cuts, st.sampled_from([1024, BLOCK + 64]), st.integers(0, 3))
def test_block_by_block_is_as_at_once(cuts: list[int], block: int, blocks: int) -> None:
    by_block, at_once = FoldableHash(block), FoldableHash(block)
    for start in range(0, block * blocks, block):
        by_block.add_block(STREAM[start : start + block])
    for piece in pieces(cuts, block * blocks):
        at_once.update(piece)
    assert by_block.digest() == at_once.digest()
    assert len(by_block.state()) == 16


@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, 2 * BLOCK, 5 * BLOCK - 1])
def test_every_byte_counts(place: int) -> None:
    changed = bytearray(STREAM)
    changed[place] ^= 1
    assert digest_of(bytes(changed)) != digest_of(STREAM)


def test_every_length_counts() -> None:
    assert len({digest_of(bytes(length)) for length in EDGES}) == len(EDGES)


def test_what_was_added_may_change_afterwards() -> None:
    memory = bytearray(STREAM[: BLOCK + 5])
    stream = FoldableHash()
    stream.update(memoryview(memory))
    memory[:] = bytes(len(memory))
    assert stream.digest() == digest_of(STREAM[: BLOCK + 5])
