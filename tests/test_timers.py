"""Timers, startup, and what happens together at one tag."""

from __future__ import annotations

import pytest

from rlreactor import Output, Reactor, Timer, TopologyError, check, ms, reaction, run, sec, startup


class Clock(Reactor):
    offset: int = 0
    period: int | None = None
    timer = Timer("offset", "period")
    out = Output(int)

    @reaction(timer, effects=[out])
    def tell(self) -> None:
        self.out.set(self.tag.time)


@pytest.mark.parametrize(
    ("offset", "period", "times"),
    [
        (0, 3, [0, 3, 6, 9]),
        (2, 3, [2, 5, 8]),
        (2, None, [2]),
        (0, None, [0]),
        (4, 0, [4]),
        (9, 1, [9]),
        (10, 1, []),
        (0, 9, [0, 9]),
    ],
)
def test_a_timer_fires_at_its_offset_and_then_every_period(offset: int, period: int | None, times: list[int]) -> None:
    trace = run(Clock(offset=offset, period=period), workers=1, trace=True, timeout=9).trace
    assert trace == [((time, 0), "out", time) for time in times]


def test_a_timer_without_period_lets_the_program_end() -> None:
    assert run(Clock(offset=ms(5)), workers=1).tag == (ms(5), 1)


class Many(Reactor):
    never_used = Timer(1, 1)
    fast = Timer(0, 2)
    slow = Timer(0, 3)
    late = Timer(6)
    begin = Output(str)
    out = Output(str)

    @reaction(startup, effects=[begin])
    def start(self) -> None:
        self.begin.set("startup")

    @reaction(fast, slow, late, effects=[out])
    def tell(self) -> None:
        self.out.set("tick")


def test_timers_that_meet_make_one_call() -> None:
    assert run(Many(), workers=1, trace=True, timeout=6).trace == [
        ((0, 0), "begin", "startup"),
        ((0, 0), "out", "tick"),
        ((2, 0), "out", "tick"),
        ((3, 0), "out", "tick"),
        ((4, 0), "out", "tick"),
        ((6, 0), "out", "tick"),
    ]


def test_a_timer_that_triggers_nothing_keeps_no_program_alive() -> None:
    class Idle(Reactor):
        timer = Timer(0, sec(1))
        out = Output(int)

        @reaction(startup, effects=[out])
        def begin(self) -> None:
            self.out.set(1)

    assert run(Idle(), workers=1).tag == (0, 1)


def test_offsets_and_periods_are_checked_with_the_topology() -> None:
    class Wrong(Reactor):
        offset: int = -1
        name: str = "x"
        one = Timer("offset")
        two = Timer(0, "name")
        three = Timer(0.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        four = Timer("offest")

        @reaction(one, two, three, four)
        def tell(self) -> None: ...

    with pytest.raises(TopologyError) as caught:
        check(Wrong())
    texts = caught.value.violations
    assert [text.split(" (")[0] for text in texts] == ["timer one", "timer two", "timer three", "timer four"]
    assert all(f"{__file__}:" in text for text in texts)
    for text, received in zip(texts, ["-1", "'x'", "0.5", "'offest'"], strict=True):
        assert "expected a duration of 0 ns or more (an int: ms(5), sec(1)) or the name of such a parameter" in text
        assert f", received {received}" in text
    assert "did you mean 'offset'?" in texts[3]
