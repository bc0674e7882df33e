"""Logical actions: delays, piling up, spacing with its four policies."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# Bare `dict` and `list` are what is tested; strict checking wants their parameters.

from __future__ import annotations

import threading
from typing import Any

import pytest

from rlreactor import (
    Action,
    Output,
    Reactor,
    RunError,
    SpecError,
    Timer,
    TopologyError,
    check,
    reaction,
    run,
    shutdown,
    startup,
    state,
)

Schedule = tuple[int, int, int]  # at which time, with which delay, which value


class Scheduled(Reactor):
    """Schedules by a list, tells what fires."""

    schedules: list[Schedule]
    min_delay: int = 0
    out = Output(int)
    left: list[Any] = state(factory=list)
    clock = Action(min_delay=0)
    action = Action(int, min_delay="min_delay")

    @reaction(startup, effects=[clock])
    def begin(self) -> None:
        self.left = list(self.schedules)
        for time in sorted({time for time, _, _ in self.schedules}):
            self.clock.schedule(delay=time)

    def act(self, action: Action[int]) -> None:
        for time, delay, value in self.left:
            if time == self.tag.time:
                action.schedule(value, delay=delay)
        self.left = [entry for entry in self.left if entry[0] != self.tag.time]


class Free(Scheduled):
    @reaction(Scheduled.clock, effects=[Scheduled.action])
    def schedule(self) -> None:
        self.act(self.action)

    @reaction(Scheduled.action, effects=[Scheduled.out])
    def tell(self) -> None:
        self.out.set(self.action.value)


def fired(topology: Reactor, **options: Any) -> list[tuple[tuple[int, int], int]]:
    trace = run(topology, workers=1, trace=True, **options).trace
    return [(event.tag, event.value) for event in trace]


def test_delay_and_min_delay_add_up() -> None:
    assert fired(Free(schedules=[(10, 0, 1), (20, 5, 2)], min_delay=3)) == [((13, 0), 1), ((28, 0), 2)]


def test_without_any_delay_it_fires_one_microstep_later() -> None:
    assert fired(Free(schedules=[(10, 0, 1)])) == [((10, 1), 1)]


def test_schedules_for_one_tag_pile_up_in_their_order() -> None:
    assert fired(Free(schedules=[(10, 5, 1), (10, 5, 2), (12, 3, 3), (10, 4, 4)])) == [
        ((14, 0), 4),
        ((15, 0), 1),
        ((15, 1), 2),
        ((15, 2), 3),
    ]


def test_schedules_without_delay_pile_up_too() -> None:
    assert fired(Free(schedules=[(10, 0, 1), (10, 0, 2), (10, 0, 3)])) == [((10, 1), 1), ((10, 2), 2), ((10, 3), 3)]


def test_an_earlier_schedule_may_come_later() -> None:
    assert fired(Free(schedules=[(10, 90, 1), (20, 5, 2)])) == [((25, 0), 2), ((100, 0), 1)]


CLOSE: list[Schedule] = [(0, 10, 1), (2, 10, 2), (4, 10, 3), (30, 10, 4)]
SAME: list[Schedule] = [(0, 0, 1), (0, 0, 2), (0, 0, 3)]


def spaced(schedules: list[Schedule], spacing: int, policy: Any, **options: Any) -> list[tuple[tuple[int, int], int]]:
    class Spaced(Scheduled):
        spaced = Action(int, min_spacing=spacing, policy=policy)

        @reaction(Scheduled.clock, effects=[spaced])
        def schedule(self) -> None:
            self.act(self.spaced)

        @reaction(spaced, effects=[Scheduled.out])
        def tell(self) -> None:
            self.out.set(self.spaced.value)

    return fired(Spaced(schedules=schedules), **options)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("defer", [((10, 0), 1), ((15, 0), 2), ((20, 0), 3), ((40, 0), 4)]),
        ("drop", [((10, 0), 1), ((40, 0), 4)]),
        ("replace", [((10, 0), 3), ((40, 0), 4)]),
        ("update", [((14, 0), 3), ((40, 0), 4)]),
    ],
)
def test_what_comes_too_close_while_the_last_is_pending(policy: str, expected: list[Any]) -> None:
    assert spaced(CLOSE, 5, policy) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("defer", [((1, 0), 1), ((6, 0), 2), ((11, 0), 3)]),
        ("drop", [((1, 0), 1)]),
        ("replace", [((1, 0), 1), ((6, 0), 3)]),
        ("update", [((1, 0), 1), ((4, 1), 3)]),
    ],
)
def test_what_comes_too_close_after_the_last_has_fired(policy: str, expected: list[Any]) -> None:
    """`replace` and `update` defer where nothing is pending any more; then that one is pending in turn."""
    assert spaced([(0, 1, 1), (3, 0, 2), (4, 0, 3)], 5, policy) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("defer", [((0, 2), 1), ((0, 3), 2), ((0, 4), 3)]),
        ("drop", [((0, 2), 1)]),
        ("replace", [((0, 2), 3)]),
        ("update", [((0, 2), 3)]),
    ],
)
def test_a_spacing_of_zero_keeps_tags_distinct(policy: str, expected: list[Any]) -> None:
    """The clock of these programs is an action itself, so the schedules happen at (0, 1)."""
    assert spaced(SAME, 0, policy) == expected


def test_spacing_is_measured_from_the_last_scheduled_tag() -> None:
    """A schedule before the last scheduled tag is too close as well."""
    assert spaced([(0, 100, 1), (10, 0, 2)], 5, "defer") == [((100, 0), 1), ((105, 0), 2)]
    assert spaced([(0, 100, 1), (10, 0, 2)], 5, "drop") == [((100, 0), 1)]
    assert spaced([(0, 100, 1), (10, 0, 2)], 5, "update") == [((10, 1), 2)]


def test_exactly_the_spacing_is_enough() -> None:
    assert spaced([(0, 0, 1), (5, 0, 2)], 5, "drop") == [((0, 2), 1), ((5, 1), 2)]


class AtTheEnd(Reactor):
    replaced = Action(int, min_delay=1, min_spacing=5, policy="replace")
    updated = Action(int, min_delay=1, min_spacing=5, policy="update")
    out = Output(int)

    @reaction(shutdown, effects=[replaced, updated, out])
    def stop(self) -> None:
        for value in range(3):
            self.replaced.schedule(value)
            self.updated.schedule(value)
        self.out.set(1)

    @reaction(replaced, updated, effects=[out])
    def never(self) -> None:
        self.out.set(2)


def test_schedules_of_shutdown_reactions_are_ignored() -> None:
    assert fired(AtTheEnd()) == [((0, 1), 1)]
    assert fired(AtTheEnd(), timeout=0) == [((0, 0), 1)]


class Listing(Reactor):
    action = Action(list)
    out = Output(list)

    @reaction(startup, effects=[action])
    def begin(self) -> None:
        given = [1]
        self.action.schedule(given)
        given.append(2)
        self.action.schedule(given)

    @reaction(action, effects=[out])
    def spoil(self) -> None:
        self.action.value.append(3)

    @reaction(action, effects=[out])
    def tell(self) -> None:
        self.out.set(self.action.value)


def test_a_scheduled_value_is_given_away() -> None:
    assert run(Listing(), workers=1, trace=True).trace == [((0, 1), "out", [1]), ((0, 2), "out", [1, 2])]


class Wrong(Reactor):
    how: str
    action = Action(int)

    @reaction(startup, effects=[action])
    def begin(self) -> None:
        match self.how:
            case "value":
                self.action.schedule("x")  # type: ignore[arg-type]  # pyright: ignore
            case "negative":
                self.action.schedule(1, delay=-1)
            case _:
                self.action.schedule(1, delay=0.5)  # type: ignore[arg-type]  # pyright: ignore


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("value", r"action \(.*test_actions\.py:\d+\): expected int, received str 'x'"),
        ("negative", "action.schedule: expected a delay of 0 ns or more, received -1"),
        ("float", r"action.schedule: expected a delay of 0 ns or more, received 0\.5"),
    ],
)
def test_values_and_delays_are_checked(how: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        run(Wrong(how=how), workers=1)


class Unread(Reactor):
    tick = Timer(0)
    action = Action(int)

    @reaction(tick, reads=[action])
    def look(self) -> None:
        assert not self.action.present
        _ = self.action.value


def test_an_action_that_does_not_fire_has_no_value() -> None:
    with pytest.raises(RunError, match=r"action does not fire at \(0 ns, 0\); ask \.present first"):
        run(Unread(), workers=1)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(SpecError, match=r"policy: expected one of .*'defer'.*, received 'dorp'"):
        Action(int, policy="dorp")  # type: ignore[call-overload]  # pyright: ignore


def test_delays_are_checked_with_the_topology() -> None:
    class Negative(Reactor):
        pause: int = -5
        action = Action(int, min_delay="pause")
        other = Action(int, min_spacing="puase")

        @reaction(action, other, effects=[action, other])
        def act(self) -> None: ...

    with pytest.raises(TopologyError) as caught:
        check(Negative())
    assert [text.partition(" (")[0] for text in caught.value.violations] == ["action action", "action other"]
    assert "received -5" in caught.value.violations[0]
    assert "did you mean 'pause'?" in caught.value.violations[1]


class Threaded(Reactor):
    """A thread schedules while the very reaction runs that may do so."""

    act: Action[None] = Action()

    @reaction(startup, effects=[act])
    def begin(self) -> None:
        refused: list[RunError] = []

        def schedule() -> None:
            try:
                self.act.schedule()
            except RunError as error:
                refused.append(error)

        thread = threading.Thread(target=schedule)
        thread.start()
        thread.join()
        raise refused[0]

    @reaction(act)
    def never(self) -> None:
        raise AssertionError


def test_a_thread_schedules_no_logical_action() -> None:
    with pytest.raises(RunError) as caught:
        run(Threaded(), workers=1)
    assert "act: an action is scheduled inside a reaction, while the topology runs" in str(caught.value)
    assert "to send an event from outside, use a PhysicalAction" in str(caught.value)
