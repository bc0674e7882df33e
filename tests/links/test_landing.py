"""Where slots arrive: in the frame that brought them, or in pages."""

from __future__ import annotations

import mmap

import pytest

from rlreactor.links.landing import Landing
from rlreactor.links.reliable import PeerFault


@pytest.fixture
def pages() -> list[mmap.mmap]:
    return [mmap.mmap(-1, mmap.PAGESIZE) for _ in range(2)]


def test_what_may_stay_is_not_copied_and_cannot_be_written(pages: list[mmap.mmap]) -> None:
    landing, frame = Landing(1, "a.out", 5, pages), bytearray(b"value")
    landing.fill(1, memoryview(frame), may_stay=True)
    stayed = landing.take(1)
    assert stayed is not None
    assert stayed.tobytes() == b"value"
    with pytest.raises(ValueError, match="WRITEABLE"):
        stayed[:].setflags(write=True)
    frame[:] = b"other"
    assert stayed.tobytes() == b"other"
    assert pages[1][:5] == bytes(5)
    assert landing.take(1) is None  # the caller alone refers to it


def test_what_may_not_stay_is_in_the_page_of_its_slot(pages: list[mmap.mmap]) -> None:
    landing = Landing(1, "a.out", 5, pages)
    landing.fill(0, memoryview(b"first"), may_stay=True)
    landing.fill(0, memoryview(b"value"), may_stay=False)
    assert landing.take(0) is None
    assert pages[0][:5] == b"value"


@pytest.mark.parametrize("may_stay", [False, True])
@pytest.mark.parametrize(("slot", "data"), [(2, b"value"), (-1, b"value"), (0, b"valu"), (0, b"values")])
def test_what_fits_no_slot_is_the_peers_fault(pages: list[mmap.mmap], slot: int, data: bytes, may_stay: bool) -> None:
    landing = Landing(1, "a.out", 5, pages)
    text = f"slot {slot} of a.out with {len(data)} bytes: expected one of 2 slots of 5 bytes"
    with pytest.raises(PeerFault, match=text):
        landing.fill(slot, memoryview(data), may_stay)
