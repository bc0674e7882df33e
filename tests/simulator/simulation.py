"""One thread in place of many processes: workers are greenlets, chance decides who runs, time is virtual.

A worker runs until it calls `point`, `sleep` or ends. At points, which lie at every access to shared memory and at
every reaction, chance may switch to another worker or stall this one for a long time. Events (frames that arrive,
timers) happen between, at their virtual time. What a run does is a function of the seed.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from random import Random

from greenlet import greenlet

__all__ = ["Overrun", "Process", "Simulation", "Stuck"]

_LONGEST_STALL_NS = 1_000_000
_PATIENCE_NS = 3_000_000_000  # virtual time without progress after which nothing will come any more
_MOST_SLICES = 150_000


class Stuck(AssertionError):
    """Nobody can go on, and nothing is under way."""


class Overrun(AssertionError):
    """Everybody is busy and nothing comes of it."""


class Process:
    """A worker, as the simulator sees it."""

    def __init__(self, index: int, body: Callable[[], None], parent: greenlet) -> None:
        self.index = index
        self.thread = greenlet(body, parent)
        self.stalled_until = 0
        self.asleep = False
        self.rung = False  # since it last looked, like an eventfd
        self.alarm = 0  # number of the sleep that a timeout may end
        self.last_resort = False  # the timeout ended it when everybody else slept too and nothing was under way
        self.stores: list[tuple[memoryview[int], int, int]] = []  # not yet visible to others (see words.py)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.thread.dead


class Simulation:
    """Runs processes to their end. `describe` says who waits for whom when they get stuck."""

    def __init__(self, seed: object, progress: Callable[[], object], describe: Callable[[], str]) -> None:
        self.chance = Random(str(seed))
        self.now = 0
        self.processes: list[Process] = []
        self.current: Process | None = None
        self.missed = 0  # wake-ups that were lost: nobody could run although there was news for somebody
        self._progress = progress
        self._describe = describe
        self._under_way = 0  # events other than timeouts
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._busyness = self.chance.choice([2, 5, 20, 60])  # points in a slice
        self._stalls = self.chance.choice([0.0, 0.01, 0.1])
        self._left = 1
        self._main = greenlet.getcurrent()
        self._failure: BaseException | None = None
        self._over = False

    def add(self, body: Callable[[], None]) -> None:
        """One more worker."""

        def guarded() -> None:
            try:
                body()
            except BaseException as error:
                self._failure = self._failure or error
            self._publish_stores()

        self.processes.append(Process(len(self.processes), guarded, self._main))

    def run(self) -> None:
        """Until every process has ended. Raises what one of them raised, Stuck or Overrun."""
        try:
            self._loop()
        finally:
            self._over = True
            for process in self.processes:
                if process.thread and not process.over:
                    process.thread.throw()
            self.current = None
        if self._failure is not None:
            raise self._failure

    def settle(self, duration: int) -> None:
        """Let what is under way happen, without processes, for `duration` ns at most."""
        end = self.now + duration
        while self._events and self._events[0][0] <= end:
            self.now = self._events[0][0]
            heapq.heappop(self._events)[2]()

    def _loop(self) -> None:
        marker, since = self._progress(), 0
        for slices in itertools.count():
            if self._failure is not None:
                return
            if slices % 16 == 0 or self.now - since > _PATIENCE_NS:
                reached = self._progress()
                if reached != marker:
                    marker, since = reached, self.now
                elif self.now - since > _PATIENCE_NS:
                    raise Stuck(f"nothing happens any more\n{self._describe()}")
            if slices > _MOST_SLICES:
                raise Overrun(f"no end after {slices} slices\n{self._describe()}")
            living = [p for p in self.processes if not p.over]
            if not living:
                return
            ready = [p for p in living if not p.asleep and p.stalled_until <= self.now]
            if not ready:
                self._jump(living)
                continue
            self._happen()
            process = self.chance.choice(ready)
            self._left = self._slice()
            self.current = process
            process.thread.switch()
            self.current = None
            self.now += self.chance.randrange(20, 2000)
            self._spread_stores()

    def _slice(self) -> int:
        """Points until the next switch: mostly few, but nobody is interrupted everywhere for ever."""
        usual = 1000 if self.chance.random() < 0.02 else self._busyness
        return 1 + int(self.chance.expovariate(1 / usual))

    def _jump(self, living: list[Process]) -> None:
        """To the next moment at which something happens."""
        moments = [p.stalled_until for p in living if not p.asleep]
        if self._events:
            moments.append(self._events[0][0])
        if not moments:
            raise Stuck(f"nobody can go on\n{self._describe()}")
        self.now = max(self.now, min(moments))
        self._happen()

    def _happen(self) -> None:
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()

    def after(self, delay: int, event: Callable[[], None]) -> None:
        """Let `event` happen in `delay` ns."""

        def happen() -> None:
            self._under_way -= 1
            event()

        self._under_way += 1
        self._at(self.now + delay, happen)

    def _at(self, time: int, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), event))

    # What workers call

    def point(self) -> None:
        """Here another worker may go on."""
        self._left -= 1
        if self._left > 0 or self._over or self.current is None:
            return
        if self.chance.random() < self._stalls:
            self._publish_stores()
            self.current.stalled_until = self.now + self.chance.randrange(_LONGEST_STALL_NS)
        self._main.switch()

    def sleep(self, until: int) -> bool:
        """Until somebody rings; False: the time `until` has come first."""
        process = self.current
        if process is None or self._over:
            return False
        self._publish_stores()
        if not process.rung:
            process.asleep, process.last_resort = True, False
            process.alarm = alarm = next(self._numbers)

            def end() -> None:
                if process.alarm == alarm and process.asleep:
                    process.last_resort = not self._under_way and all(p.over or p.asleep for p in self.processes)
                    process.asleep = False

            self._at(max(until, self.now), end)
            self._main.switch()
            process.alarm = 0
        rung, process.rung = process.rung, False
        return rung

    def overslept(self) -> None:
        """The current process finds news, and nobody has rung. It counts when only its timeout kept the run going."""
        if self.current is not None and self.current.last_resort:
            self.missed += 1

    def begin(self) -> None:
        """The current process does something. If only a timeout let it, somebody should have rung."""
        self.overslept()
        if self.current is not None:
            self.current.last_resort = False
        self.point()

    def ring(self, index: int) -> None:
        """Wake a process, perhaps late."""
        process = self.processes[index]
        process.rung = True
        if process.asleep:
            if self.chance.random() < self._stalls:
                process.stalled_until = self.now + self.chance.randrange(_LONGEST_STALL_NS)
            process.asleep = False

    # Stores that others do not see yet

    def load(self, cells: memoryview[int], index: int) -> int:
        """What the current process sees in a word."""
        if self.current is not None:
            for other, at, value in reversed(self.current.stores):
                if at == index and other is cells:
                    return value
        return cells[index]

    def store(self, cells: memoryview[int], index: int, value: int) -> None:
        """Seen by others at once or some time later; but in order."""
        if self.current is None or self._over:
            cells[index] = value
        else:
            self.current.stores.append((cells, index, value))

    def fence(self) -> None:
        """What the current process stored is seen by everybody from now on."""
        if not self._over:
            self._publish_stores()
            self.point()

    def _publish_stores(self) -> None:
        if self.current is not None and self.current.stores:
            _publish(self.current.stores, len(self.current.stores))

    def _spread_stores(self) -> None:
        for process in self.processes:
            if process.stores and self.chance.random() < 0.5:
                _publish(process.stores, self.chance.randrange(1, len(process.stores) + 1))


def _publish(stores: list[tuple[memoryview[int], int, int]], count: int) -> None:
    for cells, index, value in stores[:count]:
        cells[index] = value
    del stores[:count]
