"""Pages at addresses of their own: the kernel's refusals are told with the remedy."""

import resource

import pytest

from rlreactor.errors import LinkError
from rlreactor.links.pages import make_private, map_pages
from rlreactor.links.segment import PAGE, Segment

from .conftest import Fork


def limit_addresses() -> None:
    """From now on this process gets no more address space."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20))


@pytest.mark.parametrize("writable", [False, True])
def test_private_pages_keep_their_bytes(writable: bool) -> None:
    with Segment(2 * PAGE, "pages") as segment:
        whole = segment.map(writable=True)
        whole[PAGE : PAGE + 5] = b"hello"
        pages = map_pages(segment, PAGE, PAGE, writable)
        assert pages[:5] == b"hello"
        make_private(pages)
        whole[PAGE : PAGE + 5] = b"other"
        assert pages[:5] == b"hello"


def test_a_copy_that_cannot_be_had_leaves_the_pages_as_they_are(fork: Fork) -> None:
    def body() -> None:
        segment = Segment(64 << 20, "pages")
        pages = map_pages(segment, 0, 64 << 20, writable=True)
        pages[:5] = b"hello"
        limit_addresses()
        with pytest.raises(LinkError, match=r"cannot keep a copy of 67108864 bytes .*value\.copy"):
            make_private(pages)
        assert pages[:5] == b"hello"
        with pytest.raises(LinkError, match=r"cannot map 67108864 bytes at 0 .*vm\.max_map_count"):
            map_pages(segment, 0, 64 << 20, writable=True)

    fork(body).join()
