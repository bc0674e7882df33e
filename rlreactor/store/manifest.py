"""What a snapshot consists of: written last, so that a snapshot that has one is whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

import xxhash
from pydantic import Field, ValidationError, model_validator

from rlreactor.errors import RunError
from rlreactor.planner.model import Frozen

__all__ = ["Manifest", "ShardEntry"]

_FORMAT: Final = "rlreactor snapshot"
_VERSION: Final = 1


class ShardEntry(Frozen):
    """One file of a snapshot: its name, its bytes and their xxh3_128."""

    file: Annotated[str, Field(pattern=r"^shard-\d+\.safetensors$")]
    size: int
    checksum: str


class Manifest(Frozen):
    """What a snapshot consists of.

    Attributes:
        cut: the logical time that it was taken at.
        topology: class path.
        parameters: of the topology, as it prints itself.
        seed: of the run.
        shard_count: how many workers wrote one.
        shards: by worker.
        checksum: of all of that.
    """

    format: Literal["rlreactor snapshot"]
    version: Literal[1]
    cut: Annotated[int, Field(ge=0)]
    topology: str
    parameters: str
    seed: int
    shard_count: int
    shards: tuple[ShardEntry, ...]
    checksum: str = ""

    @staticmethod
    def of(cut: int, topology: str, parameters: str, seed: int, shards: Iterable[ShardEntry]) -> Manifest:
        """The manifest of these shards."""
        files = tuple(shards)
        return Manifest(
            format=_FORMAT, version=_VERSION, cut=cut, topology=topology, parameters=parameters, seed=seed,
            shard_count=len(files), shards=files,
        )  # fmt: skip

    @staticmethod
    def decoded(data: bytes) -> Manifest:
        """The manifest in a file. Raises RunError for anything that is not exactly one of this version."""
        try:
            manifest = Manifest.model_validate_json(data, strict=True)
        except ValidationError as error:
            raise RunError("; ".join(": ".join((*_place(e["loc"]), e["msg"])) for e in error.errors())) from None
        expected = manifest._own_checksum()
        if manifest.checksum != expected:
            raise RunError(f"expected checksum {expected}, received {manifest.checksum or 'none'}")
        return manifest

    def encoded(self) -> bytes:
        """The file that `decoded` reads."""
        signed = self.model_copy(update={"checksum": self._own_checksum()})
        return signed.model_dump_json(indent=2).encode() + b"\n"

    def _own_checksum(self) -> str:
        return xxhash.xxh3_128_hexdigest(self.model_dump_json(exclude={"checksum"}).encode())

    @model_validator(mode="after")
    def _check_shards(self) -> Self:
        if self.shard_count < 1 or len({shard.file for shard in self.shards}) != self.shard_count:
            raise ValueError(f"expected {self.shard_count} shards, received {len(self.shards)}")
        return self


def _place(location: tuple[int | str, ...]) -> tuple[str, ...]:
    return (".".join(map(str, location)),) if location else ()
