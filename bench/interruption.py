"""Ctrl-C in the middle of an experiment: the rounds that were finished count, and nothing more is measured."""

from __future__ import annotations

import signal

__all__ = ["INTERRUPTION", "Interruption"]


class Interruption:
    """Whether this experiment was told to end, and how much it had measured by then."""

    def __init__(self) -> None:
        self.finished = 0
        """Rounds, of everything that was measured."""
        self.where: str | None = None
        """Such as `in round 3 of 5`; None as long as nobody has interrupted."""

    def happened(self, where: str) -> None:
        """Be deaf to more of the same, so that what was measured gets written. Raises SystemExit when nothing was."""
        if not self.finished:
            raise SystemExit("interrupted before the first round was finished; nothing is written")
        self.where = where
        signal.signal(signal.SIGINT, signal.SIG_IGN)


INTERRUPTION = Interruption()
"""Of this process."""
