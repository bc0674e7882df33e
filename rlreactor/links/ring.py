"""Small messages from one process to another: a ring of bytes, one writer, one reader.

Layout of the region, from its start:

    byte 0     tail   bytes ever written; the writer's word
    byte 64    head   bytes ever read; the reader's word
    byte 128   `capacity` bytes of records

A record is one header word (kind in the upper, length in the lower 32 bits), its bytes, and padding
to 8. Records never wrap: when one does not fit before the end, a SKIP record fills the rest. A
message longer than a quarter of the capacity is cut into MORE records and an END, so that any
length passes and the reader can empty the ring while the writer still writes; any other is WHOLE.
Tail is stored after the record it announces, head once per `read`, after the bytes were copied out
(`words.py` explains why that order is enough). `post.c` writes whole messages too, `arrivals.c` reads them.

What the other side wrote is checked before it is used: an impossible head, tail, kind or length is
a LinkError, never an access outside the ring or a giant allocation.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Final

from rlreactor.errors import LinkError
from rlreactor.links.ends import Reader, Writer
from rlreactor.links.words import CACHE_LINE, WORD, Words

__all__ = ["RING_OVERHEAD", "RingReader", "RingWriter"]

RING_OVERHEAD: Final = 2 * CACHE_LINE  # bytes of a region besides its capacity

_TAIL: Final = 0
_HEAD: Final = CACHE_LINE // WORD
_DATA: Final = RING_OVERHEAD // WORD  # the word where the first record lies
_BYTES: Final = RING_OVERHEAD + WORD  # where that record's bytes begin
_WHOLE: Final = 1
_MORE: Final = 2
_SKIP: Final = 3
_END: Final = 4
_LENGTH: Final = (1 << 32) - 1


def _cells(mapping: mmap.mmap, offset: int, capacity: int) -> Words:
    """The words of a ring. Raises LinkError for an impossible place."""
    if capacity < 8 * WORD or capacity % WORD or offset % CACHE_LINE:
        raise LinkError(
            f"ring of {capacity} bytes at byte {offset}: expected at least {8 * WORD} bytes, "
            f"a multiple of {WORD}, and an offset that is a multiple of {CACHE_LINE}"
        )
    return Words(mapping, offset, (RING_OVERHEAD + capacity) // WORD)


def _check_backlog(tail: int, head: int, capacity: int) -> None:
    """Raises LinkError for an impossible state."""
    if not 0 <= tail - head <= capacity or (tail | head) % WORD:
        raise LinkError(f"ring is corrupt: {tail} bytes written and {head} read, with room for {capacity}")


class RingWriter(Writer):
    """The writing end, in `RING_OVERHEAD + capacity` bytes at byte `offset` of a writable mapping.

    Messages of up to `longest` bytes go in one piece; longer ones are cut.
    """

    def __init__(self, mapping: mmap.mmap, offset: int, capacity: int) -> None:
        self.cells = cells = _cells(mapping, offset, capacity)
        self._capacity = capacity
        self._head = cells[_HEAD]
        _check_backlog(cells[_TAIL], self._head, capacity)
        self.most_entries = 1 << 30
        self.longest = (capacity // 4 - WORD) & -WORD
        self._rest: memoryview[int] | None = None

    def try_write(self, parts: Sequence[bytes | memoryview]) -> bool:
        """Takes one message, its parts joined; False, with nothing taken, if there is no room now.

        The bytes are copied before this returns. Of a message longer than `longest` some may be
        left over: call `flush` until it is true. Raises LinkError when the reader's word is
        impossible.
        """
        if self._rest is not None and not self.flush():
            return False
        message = b"".join(parts)
        if len(message) > self.longest:
            return self._take_long(memoryview(message))
        return self._put(message, _WHOLE)

    @property
    def written(self) -> int:
        """Bytes written since the start."""
        return self.cells[_TAIL]

    def flush(self) -> bool:
        """Writes as much of a long message's rest as there is room for; True when nothing is left.

        Ring the reader after False too: it is the one that makes room. Raises LinkError when its
        word is impossible.
        """
        while self._rest is not None:
            kind = _MORE if len(self._rest) > self.longest else _END
            if not self._put(self._rest[: self.longest], kind):
                return False
            self._rest = None if kind == _END else self._rest[self.longest :]
        return True

    def _take_long(self, message: memoryview[int]) -> bool:
        if not self._put(message[: self.longest], _MORE):
            return False
        self._rest = message[self.longest :]
        self.flush()
        return True

    def _put(self, piece: bytes | memoryview, kind: int) -> bool:
        """Writes one record and publishes it; False if there is no room."""
        capacity, cells = self._capacity, self.cells
        tail = cells[_TAIL]
        length = len(piece)
        need = (length + 15) & -8
        at = tail % capacity
        skipped = capacity - at if at + need > capacity else 0
        if tail + skipped + need - self._head > capacity:
            self._head = cells[_HEAD]
            _check_backlog(tail, self._head, capacity)
            if tail + skipped + need - self._head > capacity:
                return False
        if skipped:
            cells[_DATA + (at >> 3)] = _SKIP << 32 | skipped
            at = 0
        cells[_DATA + (at >> 3)] = kind << 32 | length
        cells.put(_BYTES + at, piece)
        cells[_TAIL] = tail + skipped + need
        return True


class RingReader(Reader):
    """The reading end of the same region; its mapping must be writable too, for the head word."""

    def __init__(self, mapping: mmap.mmap, offset: int, capacity: int) -> None:
        self.cells = cells = _cells(mapping, offset, capacity)
        self._capacity = capacity
        _check_backlog(cells[_TAIL], cells[_HEAD], capacity)
        self._pieces: list[bytes] = []
        self.made_room = False
        """Whether the last `read` took anything, perhaps only a piece of a long message."""

    def waiting(self) -> bool:
        """Whether there is something to read (perhaps only a piece of a long message)."""
        return self.cells[_TAIL] != self.cells[_HEAD]

    def read(self) -> list[bytes]:
        """Every message that was completed since the last call, in order, as private copies.

        Raises LinkError when what the writer left is impossible; the ring is then of no more use.
        """
        messages: list[bytes] = []
        capacity, cells = self._capacity, self.cells
        head, tail = cells[_HEAD], cells[_TAIL]
        self.made_room = head != tail
        if head == tail:
            return messages
        _check_backlog(tail, head, capacity)
        while head != tail:
            at = head % capacity
            header = cells[_DATA + (at >> 3)]
            kind, length = header >> 32, header & _LENGTH
            need = (length + 15) & -8
            if kind == _SKIP and length == capacity - at <= tail - head:
                head += length
                continue
            if kind == _SKIP or not _WHOLE <= kind <= _END or at + need > capacity or need > tail - head:
                raise LinkError(f"ring is corrupt: record of kind {kind} and {length} bytes at byte {head}")
            data = cells.copy(_BYTES + at, length)
            head += need
            if kind == _WHOLE:
                messages.append(data)
            else:
                self._join(data, kind, messages)
        cells[_HEAD] = head
        return messages

    def _join(self, data: bytes, kind: int, messages: list[bytes]) -> None:
        self._pieces.append(data)
        if kind == _END:
            messages.append(b"".join(self._pieces))
            self._pieces = []
