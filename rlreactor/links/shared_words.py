"""The words through which two workers talk in shared memory."""

from __future__ import annotations

from typing import NamedTuple

from rlreactor.links.words import Words

__all__ = ["OwnWords", "SharedWords"]


class SharedWords(NamedTuple):
    """What one worker needs to write to another and to read from it; what each means stands in `board` and `ring`.

    `incoming` and `outgoing` are the rings, from and to the other. `news`, `version`, `statuses`, `gone`, `wanted` and
    `asleep` belong to the other's row of the board, and `waits`, which says whether it waits for this one. `sent`
    counts, in this one's own row, what has left for the other.
    """

    incoming: Words
    outgoing: Words
    news: Words
    version: Words
    statuses: Words
    gone: Words
    wanted: Words
    asleep: Words
    waits: Words
    sent: Words


class OwnWords(NamedTuple):
    """What a worker needs to say how far it is: words of its own row of the board."""

    news: Words
    version: Words
    statuses: Words
