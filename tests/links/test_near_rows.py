"""Rows that the workers of one host see: always whole, always the newest."""

from __future__ import annotations

import mmap

from rlreactor.links.near_rows import NearRows
from rlreactor.links.segment import Segment

from .conftest import Fork

LENGTH = 1000
ROUNDS = 3000


def rows_in(mapping: mmap.mmap, workers: int = 2) -> NearRows:
    return NearRows(mapping, 0, workers, LENGTH)


def test_a_row_is_what_its_worker_wrote_last() -> None:
    mapping = mmap.mmap(-1, NearRows.size(2, LENGTH))
    rows, others = rows_in(mapping), rows_in(mapping)
    assert [rows.version(0), rows.version(1)] == [0, 0]
    rows.write(1, b"a" * LENGTH)
    rows.write(1, b"b" * LENGTH)
    assert others.version(0) == 0
    assert others.read(1) == (2, b"b" * LENGTH)
    rows.write(0, b"c" * LENGTH)
    assert others.read(1) == (2, b"b" * LENGTH)
    assert others.read(0) == (1, b"c" * LENGTH)


def test_which_reaction_runs_is_no_new_row() -> None:
    mapping = mmap.mmap(-1, NearRows.size(1, LENGTH))
    rows = rows_in(mapping, 1)
    assert rows.running(0) is None
    rows.set_running(0, 7, (5, 2))
    assert rows.running(0) == (7, (5, 2))
    assert rows.version(0) == 0


def test_a_reader_never_sees_half_of_a_row(fork: Fork) -> None:
    with Segment(NearRows.size(1, LENGTH), "rows") as segment:

        def write() -> None:
            rows = rows_in(segment.map(writable=True), 1)
            for number in range(1, ROUNDS + 1):
                rows.write(0, bytes([number % 251]) * LENGTH)

        rows = rows_in(segment.map(writable=True), 1)
        child = fork(write)
        seen = 0
        while seen < ROUNDS:
            if rows.version(0) == 0:
                continue
            version, row = rows.read(0)
            assert row == bytes([version % 251]) * LENGTH
            assert version >= seen
            seen = version
        child.join()
