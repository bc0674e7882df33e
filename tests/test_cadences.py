"""When a reaction can run at all: what is taken for impossible never happens."""

from __future__ import annotations

import pytest

from rlreactor import (
    Action,
    Input,
    Mode,
    Output,
    PhysicalAction,
    Reactor,
    RunError,
    Timer,
    check,
    ms,
    reaction,
    run,
    shutdown,
    startup,
)
from rlreactor.scheduler.cadence import NEVER, Cadence, cadences, following, joined
from rlreactor.tag import FOREVER, Delay

from .programs import random_program


def by_name(topology: Reactor) -> dict[str, Cadence | None]:
    graph = check(topology)
    return {graph.reactions[rank].path: cadence for rank, cadence in cadences(graph).items()}


class Everything(Reactor):
    tick = Timer(3, 10)
    once = Timer(7)
    later = Action(min_delay=5)
    key = PhysicalAction(int)
    idle = Mode(initial=True)
    inner = Timer(0, 10, mode=idle)
    unconnected = Input(int)
    out = Output(int)

    @reaction(tick, effects=[later])
    def every(self) -> None: ...

    @reaction(once)
    def one(self) -> None: ...

    @reaction(tick, once)
    def both(self) -> None: ...

    @reaction(startup)
    def begin(self) -> None: ...

    @reaction(shutdown)
    def end(self) -> None: ...

    @reaction(later)
    def acted(self) -> None: ...

    @reaction(key)
    def pressed(self) -> None: ...

    @reaction(tick, mode=idle)
    def modal(self) -> None: ...

    @reaction(inner)
    def within(self) -> None: ...

    @reaction(unconnected, effects=[out])
    def silent(self) -> None: ...


def test_what_triggers_a_reaction_says_when_it_can_run() -> None:
    assert by_name(Everything()) == {
        "every": Cadence(3, 10),
        "one": Cadence(7, 0),
        "both": Cadence(3, 2),
        "begin": Cadence(0, 0),
        "end": None,
        "acted": None,
        "pressed": None,
        "modal": None,
        "within": None,
    }


class Relay(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(startup, effects=[out])
    def begin(self) -> None:
        self.out.set(0)

    @reaction(inp, effects=[out])
    def relay(self) -> None:
        self.out.set(self.inp.value + 1)


class Circle(Reactor):
    after: int = 4

    def compose(self) -> None:
        self.one, self.other = Relay(), Relay()
        self.connect(self.one.out, self.other.inp, after=6)
        self.connect(self.other.out, self.one.inp, after=self.after)


def test_what_goes_round_comes_again_after_the_common_part_of_all_delays() -> None:
    assert by_name(Circle()) == {
        "one.begin": Cadence(0, 0),
        "other.begin": Cadence(0, 0),
        "one.relay": Cadence(4, 2),
        "other.relay": Cadence(6, 2),
    }


def test_a_microstep_on_the_way_leaves_nothing_out() -> None:
    found = by_name(Circle(after=0))
    assert found["one.relay"] is None
    assert found["other.relay"] is None


@pytest.mark.parametrize(
    ("cadence", "time", "expected"),
    [
        (Cadence(3, 10), 0, 3),
        (Cadence(3, 10), 3, 3),
        (Cadence(3, 10), 4, 13),
        (Cadence(3, 10), 13, 13),
        (Cadence(3, 0), 3, 3),
        (Cadence(3, 0), 4, FOREVER.time),
        (Cadence(0, 10), FOREVER.time, FOREVER.time),
        (NEVER, 5, FOREVER.time),
    ],
)
def test_the_next_occasion(cadence: Cadence, time: int, expected: int) -> None:
    assert following(*cadence, time) == expected


def test_joined_cadences_contain_each_other() -> None:
    assert joined([Cadence(0, 6), Cadence(3, 9)]) == Cadence(0, 3)
    assert joined([Cadence(5, 0), Cadence(12, 0)]) == Cadence(5, 7)
    assert joined([NEVER, Cadence(5, 2)]) == Cadence(5, 2)
    assert joined([Cadence(5, 2), None]) is None
    assert Cadence(1, 2).after(Delay(ms(1), 0)) == Cadence(1_000_001, 2)
    assert Cadence(1, 2).after(Delay(5, 1)) is None


def test_nothing_happens_at_other_times() -> None:
    bound = 0
    for seed in range(40):
        program = random_program(seed, 3)
        graph = check(program.topology())
        found = cadences(graph)
        writers = {effect: [n.rank for n in graph.reactions if effect in n.effects] for effect in graph.ports}
        try:
            trace = run(program.topology(), timeout=program.timeout, trace=True).trace
        except RunError:  # some programs are made to fail
            continue
        for event in trace:
            cadence = joined([found.get(rank, NEVER) for rank in writers[event.path]])
            if cadence is not None:
                bound += 1
                assert event.tag == (following(*cadence, event.tag.time), 0), (seed, event)
    assert bound > 100
