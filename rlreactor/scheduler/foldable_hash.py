"""A hash of a stream of bytes whose state can be saved, which that of xxhash's own streams cannot.

The stream is cut into blocks of one size. Each is hashed together with the digest of all blocks before it, so that this
digest and the bytes since the last cut are the whole state. The digest follows from the stream and the size of its
blocks alone, not from the updates that it came in.
"""

from __future__ import annotations

from xxhash import xxh3_128

from rlreactor.scheduler.gathering import Gathering

__all__ = ["BLOCK", "FoldableHash"]

BLOCK = 1 << 16  # bytes; as long as a state gets. To fold one costs a quarter more than to hash it.
_DIGEST = 16


class FoldableHash:
    """xxh3_128, block by block.

    Three ways to add bytes lead to one digest: `update` takes any number of them, `add_block` exactly one block, and
    `gather` is for few.

    Attributes:
        gather: adds bytes at the price of a copy and folds nothing: `fold` has to follow before much has gathered.
    """

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._folded = bytes(_DIGEST)  # the digest of all whole blocks
        self.gather = self._gathered = Gathering()  # what came since

    def update(self, data: bytes | memoryview) -> None:
        """Add bytes. Whole blocks of them are hashed where they lie."""
        self.fold()
        if len(self._gathered) + len(data) < self._block:
            self.gather(data)
        else:
            self._fold_with(memoryview(data))

    def add_block(self, data: bytes | memoryview) -> None:
        """Add a whole block, when nothing has gathered."""
        block = xxh3_128(self._folded)
        block.update(data)
        self._folded = block.digest()

    def fold(self) -> None:
        """Hash the whole blocks among what has gathered."""
        if len(self._gathered) >= self._block:
            self._fold_with(memoryview(self._gathered.take()))

    def _fold_with(self, data: memoryview) -> None:
        """Add bytes that complete the block that has begun, at least."""
        end = self._block - len(self._gathered)
        begun = xxh3_128(self._folded + self._gathered.take())
        begun.update(data[:end])
        self._folded = begun.digest()
        while end + self._block <= len(data):
            self.add_block(data[end : end + self._block])
            end += self._block
        self.gather(data[end:])

    def digest(self) -> bytes:
        """The hash of everything added so far."""
        return xxh3_128(self.state()).digest()

    def state(self) -> bytes:
        """What another hash goes on from."""
        self.fold()
        return self._folded + bytes(self._gathered)

    def load(self, state: bytes) -> None:
        """Go on from where another hash was."""
        self._folded = state[:_DIGEST]
        self._gathered.take()
        self.gather(state[_DIGEST:])
