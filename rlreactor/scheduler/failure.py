"""What a reaction raised, as the error of a run."""

from __future__ import annotations

import traceback
from typing import Any

from rlreactor.errors import AbsentError, LinkError, RunError, SpecError
from rlreactor.reactions import BoundReaction
from rlreactor.reactor import unknown_name
from rlreactor.record import unknown_field
from rlreactor.source import is_engine_file
from rlreactor.tag import Point, Tag

__all__ = ["ReactionFailure"]


class ReactionFailure(RunError):
    """A reaction raised: which, at which tag, with the user's traceback.

    Where the reaction broke a rule of rlreactor itself, the failure is also an error of that kind: a RunError that
    can be caught as SpecError or AbsentError, on every placement.
    """

    def __init__(self, path: str, tag: Point, kind: str, text: str, user_traceback: str, rank: int = 0) -> None:
        self.path = path
        self.tag = Tag(*tag)
        self.rank = rank
        self.kind = kind
        self.text = text
        self.user_traceback = user_traceback
        self.happened: list[dict[str, Any]] = []  # by worker: its part of a recording
        self.headline = f"reaction {path} failed at {self.tag}: {kind}: {text}"
        super().__init__(f"{self.headline}\n{user_traceback}".rstrip())

    @staticmethod
    def of(reaction: BoundReaction, tag: Point, error: BaseException) -> ReactionFailure:
        """The failure that `error` is, with the frames of its traceback that are the user's own."""
        if isinstance(error, AttributeError):
            error = unknown_name(error) or unknown_field(error) or error
        user = [f for f in traceback.extract_tb(error.__traceback__) if not is_engine_file(f.filename)]
        frames = "".join(["Traceback (most recent call last):\n", *traceback.format_list(user)]) if user else ""
        earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if earlier is not None:  # a story of several: tell the whole
            frames = "".join(traceback.format_exception(error))
        return ReactionFailure.named(str(reaction), tag, type(error).__name__, str(error), frames, reaction.rank)

    @staticmethod
    def named(path: str, tag: Point, kind: str, text: str, user_traceback: str, rank: int) -> ReactionFailure:
        """A failure from its parts, as another worker reports it."""
        own = {"SpecError": SpecFailure, "AbsentError": AbsentFailure, "LinkError": LinkFailure}
        return own.get(kind, ReactionFailure)(path, tag, kind, text, user_traceback, rank)


class SpecFailure(ReactionFailure, SpecError):
    """A reaction set a value that does not fit its port."""


class AbsentFailure(ReactionFailure, AbsentError):
    """A reaction read a port that carried nothing."""


class LinkFailure(ReactionFailure, LinkError):
    """A link failed under a reaction."""


for _failure in (ReactionFailure, SpecFailure, AbsentFailure, LinkFailure):
    _failure.__module__ = "rlreactor"  # what a traceback calls it: a RunError of rlreactor
    _failure.__qualname__ = "RunError"
