"""Segments: size, seals, refusals, no trace left behind."""

import os
import re
import resource
import signal
from pathlib import Path

import pytest

from rlreactor.errors import LinkError
from rlreactor.links.segment import PAGE, Segment, round_up

from .conftest import Fork


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_size_is_whole_pages() -> None:
    with Segment(PAGE + 1, "batch") as segment:
        assert segment.size == 2 * PAGE == os.fstat(segment.fd).st_size
        assert repr(segment) == f"Segment({2 * PAGE}, 'batch')"


def test_every_page_is_reserved() -> None:
    with Segment(40 * PAGE, "batch") as segment:
        assert os.fstat(segment.fd).st_blocks * 512 >= 40 * PAGE


@pytest.mark.parametrize("size", [0, PAGE, 3 * PAGE])
def test_nobody_can_resize_it(size: int) -> None:
    with Segment(2 * PAGE, "batch") as segment, pytest.raises(PermissionError):
        os.ftruncate(segment.fd, size)


def test_a_read_only_mapping_refuses_to_be_written() -> None:
    with Segment(1, "batch") as segment:
        mapping = segment.map(writable=False)
        with pytest.raises(TypeError):
            mapping[0] = 1


def test_mappings_share_and_outlive_the_descriptor(fork: Fork) -> None:
    with Segment(1, "batch") as segment:
        mapping = segment.map(writable=True)

    def write() -> None:
        mapping[:5] = b"hello"

    fork(write).join()
    assert mapping[:5] == b"hello"


def test_a_closed_segment_cannot_be_mapped() -> None:
    segment = Segment(1, "edge a.out")
    segment.close()
    segment.close()
    with pytest.raises(LinkError, match=r"cannot map the segment for edge a\.out"):
        segment.map(writable=False)


def test_more_than_the_machine_has_is_refused_with_the_numbers() -> None:
    before = open_files()
    wanted = re.escape("cannot reserve 1,125,899,906,842,624 bytes (1048576.0 GiB)")
    pattern = wanted + r" of shared memory for edge a\.out: more than there is \(MemAvailable \d"
    with pytest.raises(LinkError, match=pattern):
        Segment(1 << 50, "edge a.out")
    assert open_files() == before


def test_a_refusal_of_the_kernel_quotes_its_reason(fork: Fork) -> None:
    def body() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, PAGE))
        before = open_files()
        with pytest.raises(LinkError, match=r"for edge a\.out: File too large \(MemAvailable"):
            Segment(2 * PAGE, "edge a.out")
        assert open_files() == before

    fork(body).join()


@pytest.mark.parametrize("size", [0, -1])
def test_an_empty_segment_is_refused(size: int) -> None:
    with pytest.raises(LinkError, match=f"segment for batch: expected .* received {size}"):
        Segment(size, "batch")


def test_no_name_anywhere_even_after_a_kill(fork: Fork) -> None:
    before = set(Path("/dev/shm").iterdir())

    def body() -> None:
        segment = Segment(PAGE, "batch")
        segment.map(writable=True)[0] = 1
        assert not os.get_inheritable(segment.fd)
        assert set(Path("/dev/shm").iterdir()) <= before
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(AssertionError, match="status 9"):
        fork(body).join()
    assert set(Path("/dev/shm").iterdir()) <= before


def test_rounding() -> None:
    assert [round_up(n, 64) for n in (0, 1, 64, 65)] == [0, 64, 64, 128]
