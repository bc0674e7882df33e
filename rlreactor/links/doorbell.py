"""Waking a worker that sleeps.

The owner spins for a while on its predicate, then says in a shared word that it sleeps, looks once
more, and blocks on an eventfd. Whoever has news for it stores the news first and then rings: a
system call only if the word says that the owner sleeps, and only one until the owner has looked
again, which changes the word. Both sides store, `fence()`, load (see
`words.py`): at least one of them sees the other, so no wake-up is lost. As belt and braces the
owner looks up every `poll_bound_s` all the same, and counts how often that found news that nobody
had rung for: `missed` stays 0 or something is broken.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable

from rlreactor.links.ends import Bell, Wake
from rlreactor.links.words import Words, fence

__all__ = ["Doorbell", "new_doorbell_fd", "ring_all"]


def new_doorbell_fd() -> int:
    """An eventfd for one doorbell; forked workers inherit it, exec closes it. Raises OSError."""
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)


class Doorbell(Bell):
    """One worker's bell: its owner calls `wait`, everybody else `ring`, each on an own object.

    `fd` comes from `new_doorbell_fd`; word `index` of `words` is the owner's "I sleep", 0 at first,
    and written by it alone. `poll_bound_s` is the longest sleep in seconds.
    """

    def __init__(self, fd: int, words: Words, index: int = 0, poll_bound_s: float = 0.05) -> None:
        self.fd = fd
        self.missed = 0
        self._cells = words
        self._index = index
        self._bound_s = poll_bound_s
        self._extra: tuple[int, ...] = ()
        self._poll = _poller((fd,))
        self._looks = 0  # of the owner, before it sleeps on
        self._rung = 0  # before which of them somebody here has rung

    def wait(
        self,
        predicate: Callable[[], bool],
        *,
        spin: int = 0,
        timeout_s: float | None = None,
        any_ring: bool = False,
        extra_fds: tuple[int, ...] = (),
    ) -> Wake:
        """Returns once the predicate is true, an extra descriptor can be read, or the time is up.

        With `any_ring`, also when somebody has rung, whatever for: a caller that looks again anyway.

        The predicate is called up to `spin` times before the owner sleeps (0: not once), then after
        every wake-up; whoever makes it true rings afterwards. Extra descriptors are looked at only
        while it is false.
        """
        for _ in range(spin):
            if predicate():
                return Wake(True)
        if extra_fds != self._extra:
            self._extra, self._poll = extra_fds, _poller((self.fd, *extra_fds))
        self._say_asleep()
        try:
            return Wake(True) if predicate() else self._sleep(predicate, timeout_s, any_ring)
        finally:
            self._cells[self._index] = 0

    def _sleep(self, predicate: Callable[[], bool], timeout_s: float | None, any_ring: bool) -> Wake:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_s = self._bound_s if deadline is None else deadline - time.monotonic()
            readable = self._poll_for(min(self._bound_s, left_s))
            if readable is not None:
                self._say_asleep()
            ready = (any_ring and readable is not None) or predicate()
            if ready and readable is None and left_s >= self._bound_s:
                self.missed += not self._poll.poll(0)  # rung just now is late, not lost
            if ready or readable or left_s <= 0:
                return Wake(ready, readable or ())

    def _poll_for(self, seconds: float) -> tuple[int, ...] | None:
        """Sleeps until a descriptor can be read: the extra ones that can, None if none at all."""
        events = [fd for fd, _ in self._poll.poll(max(0.0, seconds * 1e3))]
        if self.fd in events:
            os.eventfd_read(self.fd)
            events.remove(self.fd)
        elif not events:
            return None
        return tuple(events)

    def _say_asleep(self) -> None:
        """Before a look, in a new way: whoever has rung need not do so again until this one has looked."""
        self._looks += 1
        self._cells[self._index] = self._looks
        fence()

    def ring(self) -> None:
        """Wakes the owner if it sleeps. What it is to see has been stored before."""
        fence()
        self.ring_after_fence()

    def ring_after_fence(self) -> None:
        """`ring` for a caller that has fenced since it stored its news."""
        asleep = self._cells[self._index]
        if asleep and asleep != self._rung:
            self._rung = asleep
            self._wake()

    def _wake(self) -> None:
        try:  # noqa: SIM105  # `suppress` takes as long as the rest
            os.eventfd_write(self.fd, 1)
        except BlockingIOError:
            pass  # it holds 2**64 - 2 rings: enough to wake


def ring_all(bells: Iterable[Bell]) -> None:
    """Rings several bells for one piece of news, with one fence."""
    fence()
    for bell in bells:
        bell.ring_after_fence()


def _poller(fds: tuple[int, ...]) -> select.poll:
    poller = select.poll()
    for fd in fds:
        poller.register(fd, select.POLLIN)
    return poller
