"""Workers that could send each other something a microstep later, and do not: they skip the time in between.

By promises alone they would creep through it by the smallest delay on the way round, and news would never end.
"""

from __future__ import annotations

import pytest

from rlreactor import Input, Output, Reactor, Timer, reaction, state

from ..placements import run_placed
from ..watchdog import watched

PERIOD, SELDOM, BEATS = 1_000_000, 50, 500


class Neighbour(Reactor):
    """Counts its beats, and tells the next one now and then, which may pass it on."""

    beat = Timer(PERIOD, PERIOD)
    heard = Input(int)
    told = Output(int)
    beats: int = state(0)

    @reaction(beat, effects=[told])
    def count(self) -> None:
        self.beats += 1
        if self.beats % SELDOM == 0:
            self.told.set(self.beats)

    @reaction(heard, effects=[told])
    def pass_on(self) -> None:
        if self.heard.value % SELDOM < 3:
            self.told.set(self.heard.value + 1)


class Round(Reactor):
    neighbours: int

    def compose(self) -> None:
        self.all = [Neighbour() for _ in range(self.neighbours)]
        for one, following in zip(self.all, [*self.all[1:], self.all[0]], strict=True):
            self.connect(one.told, following.heard, after=0)


@pytest.mark.parametrize("workers", [2, 3, 4])
@pytest.mark.usefixtures("each_carrier")
def test_nothing_is_done_between_two_events(workers: int) -> None:
    topology = Round(neighbours=workers)
    timeout = PERIOD * BEATS
    with watched(30):
        spread = run_placed(topology, {f"all[{n}]": n for n in range(workers)}, timeout=timeout)
    assert spread.state("all[1]")["beats"] == BEATS
    assert spread.trace == run_placed(topology, {}, timeout=timeout).trace
