"""What a worker has to warn of is told by the process that gathers its reports: there the user set logging up."""

from __future__ import annotations

import contextlib
import logging

from rlreactor.runtime.channel import Channel, Closed

__all__ = ["warn_over"]


class _Handler(logging.Handler):
    """Sends records on."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.WARNING)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send one; nobody is there any more when the run is over."""
        with contextlib.suppress(Closed):
            self._channel.send("warning", text=record.getMessage())


def warn_over(channel: Channel) -> None:
    """From now on warnings of the logger `rlreactor` in this process go over the channel, and nowhere else."""
    logger = logging.getLogger("rlreactor")
    logger.handlers = [_Handler(channel)]
    logger.propagate = False
