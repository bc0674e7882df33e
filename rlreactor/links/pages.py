"""Pages of a segment in an address range of their own, which can become private in place.

An anonymous `mmap` object reserves the addresses and the segment's pages are placed over it; the
addresses go back when that object dies, whatever lies there by then. So there is nothing to
finalize and no descriptor per mapping. The standard library cannot place pages at an address: hence
ctypes.
"""

from __future__ import annotations

import ctypes
import mmap
import os

import numpy as np

from rlreactor.errors import LinkError
from rlreactor.links.segment import Segment

__all__ = ["make_private", "map_pages"]

_MAP_FIXED = 0x10
_MAP_POPULATE = 0x8000  # page tables are filled now, not by a fault in the middle of the run
_MREMAP_MAYMOVE, _MREMAP_FIXED = 1, 2
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_pointer, _size, _int = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_libc.mmap.restype = _pointer
_libc.mmap.argtypes = [_pointer, _size, _int, _int, _int, ctypes.c_int64]
_libc.mremap.restype = _pointer
_libc.mremap.argtypes = [_pointer, _size, _size, _int, _pointer]
_libc.munmap.argtypes = [_pointer, _size]


def map_pages(segment: Segment, offset: int, length: int, writable: bool, *, room: int = 0) -> mmap.mmap:
    """`length` bytes at byte `offset` of the segment, both whole pages. Raises LinkError.

    On either side lie `room` bytes, whole pages too, of private memory.
    """
    protection = _READ_WRITE if writable else mmap.PROT_READ
    flags = mmap.MAP_SHARED | _MAP_FIXED | _MAP_POPULATE
    try:
        mapping = mmap.mmap(-1, room + length + room, flags=_PRIVATE, prot=_READ_WRITE if room else protection)
        _placed(_libc.mmap(_address(mapping) + room, length, protection, flags, segment.fd, offset))
    except (OSError, ValueError) as error:
        raise LinkError(
            f"cannot map {length} bytes at {offset} of {segment!r}: {error}; the kernel limits the "
            "number of mappings (vm.max_map_count)"
        ) from error
    return mapping


def make_private(mapping: mmap.mmap) -> None:
    """Puts a private copy of the same bytes in the place of shared pages. Raises LinkError.

    One system call moves the finished copy there: another thread that reads the old addresses (a
    background copy, say) sees the same bytes before, during and after.
    """
    length, address = len(mapping), _address(mapping)
    try:
        copy = _placed(_libc.mmap(None, length, _READ_WRITE, _PRIVATE | _MAP_POPULATE, -1, 0))
        ctypes.memmove(copy, address, length)
        _move(copy, address, length)
    except OSError as error:
        raise LinkError(
            f"cannot keep a copy of {length} bytes of shared memory: {error}; the kernel limits "
            "the number of mappings (vm.max_map_count): keep value.copy() instead of the value"
        ) from error


def _move(source: int, target: int, length: int) -> None:
    flags = _MREMAP_MAYMOVE | _MREMAP_FIXED
    try:
        _placed(_libc.mremap(source, length, length, flags, target))
    except OSError:
        _libc.munmap(source, length)
        raise


def _placed(address: int | None) -> int:
    if address is None or address == _FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return address


def _address(mapping: mmap.mmap) -> int:
    return int(np.frombuffer(mapping, np.uint8).__array_interface__["data"][0])
