"""One small exception tree. Everything a user needs to mend a mistake stands in the exception itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "AbsentError",
    "LinkError",
    "PlanError",
    "ReactorError",
    "RunError",
    "SpecError",
    "TopologyError",
    "did_you_mean",
]


class ReactorError(Exception):
    """Base of every error that rlreactor raises on purpose."""


class TopologyError(ReactorError):
    """A topology breaks the rules. `violations` holds every one that was found, not only the first."""

    def __init__(self, violations: Iterable[str]) -> None:
        self.violations: tuple[str, ...] = tuple(violations)
        super().__init__(self._text())

    def _text(self) -> str:
        if len(self.violations) == 1:
            return self.violations[0]
        numbered = (f"({i}) {text}" for i, text in enumerate(self.violations, 1))
        return f"{len(self.violations)} violations:\n" + "\n".join(numbered)


class PlanError(ReactorError):
    """A topology cannot be placed as asked; the message quotes the numbers."""


class RunError(ReactorError):
    """A run ended early: a reaction raised, a worker died, or a rule was broken while running."""


class AbsentError(ReactorError):
    """`.value` of a port that carries nothing at this tag."""


class SpecError(ReactorError):
    """A value does not fit the spec of the port, or a spec is malformed."""


class LinkError(ReactorError):
    """An edge between workers failed: memory that cannot be had, or a message that breaks the protocol."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name, or the whole choice when nothing comes close."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(choices)}" if choices else "there are none"
