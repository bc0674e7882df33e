"""The end of an experiment before its time: by Ctrl-C, or because its time is over.

The rounds that were finished count, and nothing more is measured. Where none was, Ctrl-C leaves no result, because
there may be a better one from before; but who was measured within the given time is worth keeping.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Generator

__all__ = ["DEADLINE", "INTERRUPTION", "Interruption", "deaf", "seconds_left"]

DEADLINE = "BENCH_DEADLINE_S"
"""Environment variable that tells when an experiment's time is over, on the monotonic clock, in s."""


def seconds_left() -> float:
    """Until this experiment's time is over; infinite when nobody has set a limit."""
    return float(os.environ.get(DEADLINE, "inf")) - time.monotonic()


class Interruption:
    """Whether this experiment was told to end, and how much it had measured by then."""

    def __init__(self) -> None:
        self.finished = 0
        """Rounds, of everything that was measured."""
        self.where: str | None = None
        """Such as `in round 3 of 5`; None as long as nobody has interrupted."""

    def happened(self, where: str, anything: bool) -> None:
        """Be deaf to more of the same, so that what was measured gets written. Raises SystemExit when nothing is.

        Args:
            where: such as `in round 3 of 5`.
            anything: whether at least one contestant was measured in the setting that is being measured.
        """
        over = seconds_left() <= 0
        if not (self.finished or (over and anything)):
            raise SystemExit("interrupted before the first round was finished; nothing is written")
        self.where = f"{where}, when its time was over" if over else where
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def deaf() -> Generator[None]:
    """Nobody interrupts the body, which takes no time worth breaking off."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


INTERRUPTION = Interruption()
"""Of this process."""
