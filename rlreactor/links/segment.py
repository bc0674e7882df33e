"""A piece of memory shared by the workers of one host.

A memfd has no name: nothing can be left in /dev/shm, however a run ends, and no other process can
unlink it. It is reserved in full when it is made, so that a lack of memory is an error before
anything runs and not a SIGBUS in the middle, and sealed, so that nobody can shrink it under a
reader.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from types import TracebackType

from rlreactor.errors import LinkError
from rlreactor.links.memory import describe_bytes, memory_room

__all__ = ["PAGE", "Segment", "round_up"]

PAGE = mmap.PAGESIZE
_SEALS = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def round_up(count: int, multiple: int) -> int:
    """The smallest multiple of `multiple` that is not below `count`."""
    return -(-count // multiple) * multiple


class Segment:
    """Shared memory of fixed size, made by the supervisor; forked workers inherit `fd`.

    `size` is in bytes, rounded up to whole pages; `label` says in errors what the memory is for.
    Raises LinkError when the memory cannot be had.
    """

    def __init__(self, size: int, label: str) -> None:
        if size < 1:
            raise LinkError(f"segment for {label}: expected a size of at least 1 byte, received {size}")
        self.label = label
        self.size = round_up(size, PAGE)
        self._check_room()
        self.fd = os.memfd_create("rlreactor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.posix_fallocate(self.fd, 0, self.size)
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _SEALS)
        except OSError as error:
            self.close()
            raise self._refused(error.strerror or str(error)) from error

    def _check_room(self) -> None:
        # A memfd has no size limit of its own: without this look only the OOM killer would notice.
        if self.size > memory_room().free:
            raise self._refused("more than there is")

    def _refused(self, reason: str) -> LinkError:
        return LinkError(
            f"cannot reserve {describe_bytes(self.size)} of shared memory for {self.label}: {reason} ({memory_room()})"
        )

    def map(self, writable: bool) -> mmap.mmap:
        """The whole segment, mapped into this process, page aligned. Raises LinkError.

        The mapping lives as long as the object that is returned, or a view of it, and outlives
        `close()`.
        """
        if self.fd < 0:  # mmap would take -1 for anonymous memory
            raise LinkError(f"cannot map the segment for {self.label}: it was closed")
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        try:
            return mmap.mmap(self.fd, self.size, flags=mmap.MAP_SHARED, prot=protection)
        except (OSError, ValueError) as error:
            raise LinkError(f"cannot map the segment for {self.label}: {error}") from error

    def close(self) -> None:
        """Gives the descriptor back; the memory goes with the last descriptor and mapping."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Segment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Segment({self.size}, {self.label!r})"
