"""When what has come over a link is acknowledged: with whatever goes back anyway, or after a while. No I/O.

A frame of its own for every frame that came would double their number. What has come in order can wait: the sender
retains it a little longer. What shows that something is missing, or that the sender asks for it, cannot.
"""

from __future__ import annotations

from typing import Final

from rlreactor.links.reliable import Arrival, Receiver

__all__ = ["Acknowledgements"]

_FRAMES: Final = 16  # at most, that are not acknowledged
_SHARE: Final = 4  # credits are returned when they are that part of the window, whatever goes back


class Acknowledgements:
    """Of one link, at its receiving end.

    Args:
        receiver: of the link.
        window: its bytes.
        delay: ns after which what has come is acknowledged in any case.
    """

    def __init__(self, receiver: Receiver, window: int, delay: int) -> None:
        self._receiver = receiver
        self._share = window // _SHARE
        self._delay = delay
        self._told = receiver.state  # to the sender
        self._since: int | None = None  # from when on there is something to tell
        self._asked: bytes | None = None  # the answer to what cannot wait

    def note(self, arrival: Arrival, now: int) -> None:
        """A frame has come."""
        if not arrival.payloads or self._asked is not None:  # the newest answer: older ones say less
            self._asked = arrival.answers[-1] if arrival.answers else self._asked
        if arrival.payloads and self._since is None:
            self._since = now

    def consumed(self, length: int, now: int) -> None:
        """`length` more bytes of payloads that cost credits are done with."""
        self._receiver.consumed(length)
        if self._since is None:
            self._since = now

    def ride(self) -> tuple[int, int]:
        """What goes with a frame to the sender now: the number that is expected, and the credits."""
        self._since = None
        self._told = self._receiver.state
        return self._told

    @property
    def due(self) -> int | None:
        """When `take` has something; None: never, if nothing arrives before."""
        if self._asked is not None:
            return 0
        if self._since is None:
            return None
        (expected, limit), (told, granted) = self._receiver.state, self._told
        at_once = expected - told >= _FRAMES or limit - granted >= self._share
        return 0 if at_once else self._since + self._delay

    def take(self, now: int) -> bytes | None:
        """A frame for the sender, if it is time for one."""
        due = self.due
        if due is None or now < due:
            return None
        answer, self._asked = self._asked or self._receiver.answer(), None
        self.ride()
        return answer
