"""Recordings: the tags and values of physical events, and what the program made of them.

Everything else in a run follows from the topology, its parameters and the seed, so this is all that is needed to run
it again, to the bit, on any placement. The hashes of every value that was set tell where a replay leaves the
recording when the program has changed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from rlreactor import codec
from rlreactor.errors import RunError
from rlreactor.tag import Tag

__all__ = ["PhysicalEvent", "Recording", "before", "first_difference"]

_MAGIC = b"rlreactor recording 1\n"
History = dict[str, list[tuple[Tag, int]]]


class PhysicalEvent(NamedTuple):
    """An event from outside as it fired: the path of its action or port, its tag, the value's bytes."""

    path: str
    tag: Tag
    payload: bytes


class Recording(NamedTuple):
    """One run.

    `topology` is the class path, `stop` the last tag, `history` per port the tag and hash of each value, `missed` the
    reactions whose deadline was missed, with the tags, `failed` the tag at which a reaction raised: then `events` end
    there and `history` before.
    """

    topology: str
    parameters: str
    seed: int
    stop: Tag
    events: tuple[PhysicalEvent, ...]
    history: History
    missed: tuple[tuple[str, Tag], ...] = ()
    failed: Tag | None = None

    def save(self, path: str | Path) -> None:
        """Write the whole recording or nothing. Raises RunError when it cannot be written."""
        target = Path(path)
        temporary = target.with_name(target.name + ".part")
        data = _MAGIC + codec.pack(self._asdict())
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise RunError(f"cannot write the recording {target}: {error.strerror}") from None

    @staticmethod
    def load(path: str | Path) -> Recording:
        """Raises RunError for a file that is missing or is no recording."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise RunError(f"cannot read the recording {path}: {error.strerror}") from None
        if not data.startswith(_MAGIC):
            raise RunError(f"{path} is not a recording of this version; make one with run(record=...)")
        try:
            fields: dict[str, Any] = codec.unpack(data[len(_MAGIC) :])
            events = tuple(PhysicalEvent(*event) for event in fields.pop("events"))
            missed = tuple((path, Tag(*tag)) for path, tag in fields.pop("missed"))
            failed = fields.pop("failed", None)
            return Recording(events=events, missed=missed, failed=failed and Tag(*failed), **fields)
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(f"the recording {path} is damaged: {error}") from None


def before(end: Tag, history: History) -> History:
    """What was set before a tag."""
    return {path: [(tag, value) for tag, value in values if tag < end] for path, values in history.items()}


def first_difference(recorded: History, replayed: History) -> str | None:
    """Where a replay first leaves the recording, in words; None if it does not."""
    differences = [d for path in {*recorded, *replayed} if (d := _difference(path, recorded, replayed)) is not None]
    return min(differences)[1] if differences else None


def _difference(path: str, recorded: History, replayed: History) -> tuple[Tag, str] | None:
    old, new = recorded.get(path, []), replayed.get(path, [])
    for (tag, value), (new_tag, new_value) in zip(old, new, strict=False):
        if tag != new_tag:
            first = min(tag, new_tag)
            return first, f"{path} at {first}: recorded at {tag}, set now at {new_tag}"
        if value != new_value:
            return tag, f"{path} at {tag}: set to another value than recorded"
    if len(old) > len(new):
        return old[len(new)][0], f"{path} at {old[len(new)][0]}: recorded, but not set now"
    if len(new) > len(old):
        return new[len(old)][0], f"{path} at {new[len(old)][0]}: set now, but not recorded"
    return None
