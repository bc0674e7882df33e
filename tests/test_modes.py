"""Modes: one of them acts at a time, and the time of the others stands still."""

from __future__ import annotations

from typing import Any

import pytest

from rlreactor import (
    Action,
    Input,
    Mode,
    Output,
    PlanError,
    Reactor,
    RunError,
    Tag,
    Timer,
    TopologyError,
    check,
    ms,
    reaction,
    run,
    sec,
    shutdown,
    startup,
    state,
)

from .placements import run_everywhere, run_placed

Switch = tuple[int, str, bool]  # ms, mode, by history


def at(trace: list[Any], *names: str) -> list[tuple[float | tuple[float, int], Any]]:
    """What was set, the last name of the path last, with times in ms; only those names."""
    found: list[tuple[float | tuple[float, int], Any]] = []
    for tag, path, value in trace:
        if not names or path.rpartition(".")[2] in names:
            time = tag.time / ms(1)
            found.append(((time, tag.microstep) if tag.microstep else time, value))
    return found


class Modal(Reactor):
    """Switches when its parameter says so, as (ms, mode, by history)."""

    switches: list[tuple[int, str, bool]]
    a = Mode(initial=True)
    b = Mode()
    due = Action(int)
    done: int = state(0)

    @reaction(startup, effects=[due])
    def begin(self) -> None:
        for index, (time, _, _) in enumerate(self.switches):
            self.due.schedule(index, delay=ms(time))

    @reaction(due, effects=[a, b])
    def switch(self) -> None:
        _, name, history = self.switches[self.due.value]
        (self.a if name == "a" else self.b).enter(history=history)


class Echo(Reactor):
    """Somebody who may be on another worker."""

    inp = Input(str)
    heard = Output(str)

    @reaction(inp, effects=[heard])
    def echo(self) -> None:
        self.heard.set(self.inp.value)


# Program 25


class TwoTimers(Modal):
    said = Output(str)
    tick_a = Timer(0, ms(750), mode=Modal.a)
    tick_b = Timer(0, ms(750), mode=Modal.b)

    @reaction(tick_a, effects=[said], mode=Modal.a)
    def in_a(self) -> None:
        self.said.set("A")

    @reaction(tick_b, effects=[said], mode=Modal.b)
    def in_b(self) -> None:
        self.said.set("B")


class Program25(Reactor):
    """Alternates every second: A by history, B by reset."""

    def compose(self) -> None:
        self.modal = TwoTimers(switches=[(1000, "b", False), (2000, "a", True), (3000, "b", False)])
        self.near = Echo()
        self.far = Echo()
        self.connect(self.modal.said, [self.near.inp, self.far.inp])


def test_25_two_timers_in_two_modes() -> None:
    result = run_everywhere(Program25(), timeout=sec(4) - 1)
    expected = [(0, "A"), (750, "A"), ((1000, 1), "B"), (1750, "B"), (2500, "A"), ((3000, 1), "B"), (3750, "B")]
    assert at(result.trace, "said") == expected
    assert at(result.trace, "heard") == [event for event in expected for _ in range(2)]


# Startup and shutdown


class Lifecycles(Modal):
    said = Output(str)
    heard: str = state("")

    @reaction(startup, effects=[said], mode=Modal.a)
    def start_a(self) -> None:
        self.said.set("start A")

    @reaction(startup, effects=[said], mode=Modal.b)
    def start_b(self) -> None:
        self.said.set("start B")

    @reaction(shutdown, effects=[said], mode=Modal.a)
    def end_a(self) -> None:
        self.heard += "A"
        self.said.set(self.heard)

    @reaction(shutdown, effects=[said], mode=Modal.b)
    def end_b(self) -> None:
        self.heard += "B"
        self.said.set(self.heard)


class Beat(Reactor):
    """Keeps the program alive until its timeout."""

    tick = Timer(0, ms(1))

    @reaction(tick)
    def beat(self) -> None:
        pass


class LifecyclesSeen(Reactor):
    switches: list[tuple[int, str, bool]]

    def compose(self) -> None:
        self.modal = Lifecycles(switches=self.switches)
        self.others = [Beat(), Beat()]


def test_startup_happens_only_when_a_mode_is_active_for_the_first_time() -> None:
    switches: list[Switch] = [(1, "b", False), (2, "a", False), (3, "b", False), (4, "a", True)]
    result = run_everywhere(LifecyclesSeen(switches=switches), timeout=ms(9))
    assert at(result.trace) == [(0, "start A"), ((1, 1), "start B"), (9, "AB")]


@pytest.mark.parametrize(("switches", "ended"), [([], "A"), ([(1, "b", False)], "AB"), ([(9, "b", False)], "A")])
def test_shutdown_runs_for_every_mode_that_ever_was_active(switches: list[Switch], ended: str) -> None:
    """A switch requested at the last tag would take effect after the end."""
    result = run_everywhere(LifecyclesSeen(switches=switches), timeout=ms(9))
    assert at(result.trace)[-1] == (9, ended)


class TickAtTheEnd(Reactor):
    a = Mode(initial=True)
    tick = Timer(0, ms(1), mode=a)
    number = Output(int)
    count: int = state(0)

    @reaction(tick, shutdown, effects=[number], mode=a)
    def count_on(self) -> None:
        self.count += 1
        self.number.set(self.count)


def test_a_reaction_to_shutdown_and_a_timer_runs_once_at_the_last_tag() -> None:
    assert at(run(TickAtTheEnd(), timeout=ms(2), trace=True).trace) == [(0, 1), (1, 2), (2, 3)]


# When a switch takes effect


class SwitchTwice(Reactor):
    """Three reactions of one tag each want another mode; a fourth says what still holds at this tag."""

    a = Mode(initial=True)
    b = Mode()
    c = Mode()
    tick = Timer(ms(1))
    again = Action()
    said = Output(str)

    @reaction(tick, effects=[a, again])
    def first(self) -> None:
        self.a.enter()
        self.again.schedule()

    @reaction(tick, effects=[b, c])
    def second(self) -> None:
        self.b.enter()
        self.c.enter()

    @reaction(tick, again, effects=[said], mode=a)
    def in_a(self) -> None:
        self.said.set("a")

    @reaction(tick, again, effects=[said], mode=b)
    def in_b(self) -> None:
        self.said.set("b")

    @reaction(tick, again, effects=[said], mode=c)
    def in_c(self) -> None:
        self.said.set("c")


class SwitchTwiceSeen(Reactor):
    def compose(self) -> None:
        self.modal = SwitchTwice()
        self.near, self.far = Echo(), Echo()
        self.connect(self.modal.said, [self.near.inp, self.far.inp])


def test_the_last_switch_of_a_tag_takes_effect_one_microstep_later() -> None:
    result = run_everywhere(SwitchTwiceSeen())
    assert at(result.trace, "said") == [(1, "a"), ((1, 1), "c")]


class SwitchAtOnce(Modal):
    """Mode b switches back when it starts."""

    said = Output(str)
    start_b = Timer(0, mode=Modal.b)
    start_a = Timer(0, mode=Modal.a)

    @reaction(start_b, effects=[said, Modal.a], mode=Modal.b)
    def back(self) -> None:
        self.said.set("b")
        self.a.enter()

    @reaction(start_a, effects=[said], mode=Modal.a)
    def here(self) -> None:
        self.said.set("a")


def test_switches_follow_each_other_in_microsteps() -> None:
    result = run(SwitchAtOnce(switches=[(5, "b", False)]), trace=True)
    assert at(result.trace) == [(0, "a"), ((5, 1), "b"), ((5, 2), "a")]
    assert result.tag == Tag(ms(5), 3)


def test_a_mode_may_enter_itself() -> None:
    switches: list[Switch] = [(400, "a", False), (500, "a", True)]
    result = run(TwoTimers(switches=switches), timeout=ms(1200), trace=True)
    assert at(result.trace) == [(0, "A"), ((400, 1), "A"), (1150, "A")]


# Local time


class Pending(Modal):
    """In mode a: an action for 10 ms, one for 20 ms, and a connection that takes 15 ms."""

    later = Action(str, mode=Modal.a)
    said = Output(str)
    steps: int = state(0, reset=Modal.a)
    kept: int = state(0)

    @reaction(startup, effects=[later], mode=Modal.a)
    def send(self) -> None:
        self.later.schedule("one", delay=ms(10))
        self.later.schedule("two", delay=ms(20))

    @reaction(later, effects=[said], mode=Modal.a)
    def arrive(self) -> None:
        self.steps += 1
        self.kept += 1
        self.said.set(f"{self.later.value} {self.steps} {self.kept}")


class PendingSeen(Reactor):
    switches: list[tuple[int, str, bool]]

    def compose(self) -> None:
        self.modal = Pending(switches=self.switches)
        self.near, self.far = Echo(), Echo()
        self.connect(self.modal.said, [self.near.inp, self.far.inp])


def test_what_is_pending_in_an_inactive_mode_stands_still() -> None:
    result = run_everywhere(PendingSeen(switches=[(4, "b", False), (104, "a", True)]), timeout=sec(1))
    assert at(result.trace, "said") == [(110, "one 1 1"), (120, "two 2 2")]


def test_a_reset_drops_what_is_pending_and_sets_fields_back() -> None:
    result = run_everywhere(PendingSeen(switches=[(12, "b", False), (13, "a", False)]), timeout=sec(1))
    assert at(result.trace, "said") == [(10, "one 1 1")]
    assert (result.state("modal")["steps"], result.state("modal")["kept"]) == (0, 1)


def test_history_keeps_fields() -> None:
    result = run_everywhere(PendingSeen(switches=[(12, "b", False), (13, "a", True)]), timeout=sec(1))
    assert at(result.trace, "said") == [(10, "one 1 1"), (21, "two 2 2")]


def test_history_of_a_mode_that_never_was_active_is_a_fresh_start() -> None:
    result = run(TwoTimers(switches=[(100, "b", True)]), timeout=ms(900), trace=True)
    assert at(result.trace) == [(0, "A"), ((100, 1), "B"), (850, "B")]


class Spaced(Modal):
    """An event that waits through an inactive time, and a schedule after it."""

    policy: str
    delays: list[int]
    defer = Action(int, mode=Modal.a, min_spacing=ms(50))
    replace = Action(int, mode=Modal.a, min_spacing=ms(50), policy="replace")
    free = Action(int, mode=Modal.a)
    more = Timer(ms(8), mode=Modal.a)
    said = Output(int)

    def schedule(self, value: int, delay: int) -> None:
        match self.policy:
            case "defer":
                self.defer.schedule(value, delay=delay)
            case "replace":
                self.replace.schedule(value, delay=delay)
            case _:
                self.free.schedule(value, delay=delay)

    @reaction(startup, effects=[defer, replace, free], mode=Modal.a)
    def before(self) -> None:
        for index, delay in enumerate(self.delays):
            self.schedule(index, ms(delay))

    @reaction(more, effects=[defer, replace, free], mode=Modal.a)
    def after(self) -> None:
        self.schedule(9, ms(2))

    @reaction(defer, effects=[said], mode=Modal.a)
    def say_deferred(self) -> None:
        self.said.set(self.defer.value)

    @reaction(replace, effects=[said], mode=Modal.a)
    def say_replaced(self) -> None:
        self.said.set(self.replace.value)

    @reaction(free, effects=[said], mode=Modal.a)
    def say(self) -> None:
        self.said.set(self.free.value)


AWAY: list[Switch] = [(2, "b", False), (7, "a", True)]


@pytest.mark.parametrize(
    ("policy", "delays", "expected"),
    [
        ("defer", [1], [(1, 0), (56, 9)]),
        ("defer", [10], [(15, 0), (65, 9)]),
        ("replace", [10], [(15, 9)]),
        ("free", [10, 15], [(15, 0), ((15, 1), 9), (20, 1)]),
        ("free", [5, 10], [(10, 0), (15, 1), ((15, 1), 9)]),
    ],
)
def test_spacing_is_measured_in_local_time(policy: str, delays: list[int], expected: list[Any]) -> None:
    """Mode a is away from 2 to 7 ms, so that its timer at 8 ms fires at 13 ms."""
    topology = Spaced(switches=AWAY, policy=policy, delays=delays)
    assert at(run(topology, timeout=ms(200), trace=True).trace) == expected


def test_spacing_is_forgotten_by_a_reset() -> None:
    topology = Spaced(switches=[(2, "b", False), (7, "a", False)], policy="defer", delays=[10])
    assert at(run(topology, timeout=ms(200), trace=True).trace) == [(17, 9)]


# What is scheduled for a mode from outside of it


class Outside(Modal):
    """Mode a has an action of 4 ms; a reaction of no mode schedules it at `times` with those times as values."""

    times: list[int]
    knock = Action(int)
    free = Action(int, mode=Modal.a, min_delay=ms(4))
    defer = Action(int, mode=Modal.a, min_delay=ms(4), min_spacing=ms(3))
    drop = Action(int, mode=Modal.a, min_delay=ms(4), min_spacing=ms(3), policy="drop")
    replace = Action(int, mode=Modal.a, min_delay=ms(4), min_spacing=ms(3), policy="replace")
    update = Action(int, mode=Modal.a, min_delay=ms(4), min_spacing=ms(3), policy="update")
    free_said = Output(int)
    defer_said = Output(int)
    drop_said = Output(int)
    replace_said = Output(int)
    update_said = Output(int)

    @reaction(startup, effects=[knock])
    def plan(self) -> None:
        for time in self.times:
            self.knock.schedule(time, delay=ms(time))

    @reaction(knock, effects=[free, defer, drop, replace, update])
    def schedule(self) -> None:
        for action in (self.free, self.defer, self.drop, self.replace, self.update):
            action.schedule(self.knock.value)

    @reaction(free, defer, drop, replace, update, mode=Modal.a, effects=[
        free_said, defer_said, drop_said, replace_said, update_said
    ])  # fmt: skip
    def say(self) -> None:
        for action, said in (
            (self.free, self.free_said),
            (self.defer, self.defer_said),
            (self.drop, self.drop_said),
            (self.replace, self.replace_said),
            (self.update, self.update_said),
        ):
            if action.present:
                said.set(action.value)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("free", [(33, 1), (34, 3), ((34, 1), 9)]),
        ("defer", [(33, 1), (36, 3), (39, 9)]),
        ("drop", [(33, 1)]),
        ("replace", [(33, 9)]),
        ("update", [(34, 9)]),
    ],
)
def test_what_is_scheduled_for_an_inactive_mode_counts_from_its_own_time(policy: str, expected: list[Any]) -> None:
    """Mode a stands at 2 ms from 2 to 30 ms. At 1 ms: due at 5, 3 ms left. At 3 and 9 ms: due 4 ms after its 2 ms."""
    topology = Outside(switches=[(2, "b", False), (30, "a", True)], times=[1, 3, 9])
    assert at(run(topology, timeout=ms(200), trace=True).trace, f"{policy}_said") == expected


def test_a_reset_drops_what_was_scheduled_for_an_inactive_mode() -> None:
    topology = Outside(switches=[(2, "b", False), (30, "a", False)], times=[1, 3, 29, 31])
    result = run(topology, timeout=ms(200), trace=True)
    assert at(result.trace) == [(35, 31)] * 5


def test_an_action_of_a_mode_that_never_was_active_waits_for_it() -> None:
    class Waits(Modal):
        spur = Timer(ms(3))
        due_b = Action(int, mode=Modal.b, min_delay=ms(2))
        said = Output(int)

        @reaction(spur, effects=[due_b])
        def schedule(self) -> None:
            self.due_b.schedule(1)
            self.due_b.schedule(2)

        @reaction(due_b, effects=[said], mode=Modal.b)
        def say(self) -> None:
            self.said.set(self.due_b.value)

    by_history = run(Waits(switches=[(10, "b", True)]), timeout=ms(50), trace=True)
    assert at(by_history.trace) == [(12, 1), ((12, 1), 2)]
    assert at(run(Waits(switches=[(10, "b", False)]), timeout=ms(50), trace=True).trace) == []


class Passing(Reactor):
    """What comes in arrives 5 ms later, by a connection of its own."""

    inp = Input(int)

    def compose(self) -> None:
        self.sink = Sink()
        self.connect(self.inp, self.sink.inp, after=ms(5))


class Feeding(Modal):
    """Sets an input inside mode a at 1, 3 and 9 ms, also while the mode is inactive."""

    feed = Action(int)

    def compose(self) -> None:
        self.passing = Passing()
        self.a.contain(self.passing)

    @reaction(startup, effects=[feed])
    def plan(self) -> None:
        for time in (1, 3, 9):
            self.feed.schedule(time, delay=ms(time))

    @reaction(feed, effects=["passing.inp"])
    def send(self) -> None:
        self.passing.inp.set(self.feed.value)


def test_what_is_sent_into_an_inactive_mode_waits_on_its_delayed_connections() -> None:
    """From 2 to 30 ms mode a stands at 2 ms: what is sent then arrives at its 7 ms, and of two values the last one."""
    result = run(Feeding(switches=[(2, "b", False), (30, "a", True)]), timeout=ms(60), trace=True)
    assert at(result.trace, "got") == [(34, 1), (35, 9)]
    result = run(Feeding(switches=[(2, "b", False), (30, "a", False)]), timeout=ms(60), trace=True)
    assert at(result.trace, "got") == []


# Contained reactors


class Source(Reactor):
    tick = Timer(0, ms(10))
    out = Output(int)
    count: int = state(0, reset=True)
    total: int = state(0)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        self.count += 1
        self.total += 1
        self.out.set(self.count)


class Sink(Reactor):
    inp = Input(int)
    got = Output(int)

    @reaction(inp, effects=[got])
    def take(self) -> None:
        self.got.set(self.inp.value)


class Holding(Modal):
    """A source and a sink in mode a, joined by a connection of 25 ms."""

    def compose(self) -> None:
        self.source = Source()
        self.sink = Sink()
        self.connect(self.source.out, self.sink.inp, after=ms(25))
        self.a.contain(self.source, self.sink)


class HoldingSeen(Reactor):
    switches: list[tuple[int, str, bool]]

    def compose(self) -> None:
        self.modal = Holding(switches=self.switches)
        self.others = [TwoTimers(switches=self.switches), TwoTimers(switches=self.switches)]


APART = [
    {},
    {"": 1, "others[0]": 1, "others[1]": 1},
    {"": 1, "others[0]": 2, "others[1]": 1},
    {"modal": 2, "modal.source": 2, "modal.sink": 2, "others[0]": 1},
]


def run_held(topology: Reactor, **options: Any) -> Any:
    """On one, two and three workers; what is in a mode stays with its reactor."""
    results = [run_placed(topology, where, **options) for where in APART]
    for result in results[1:]:
        assert result.trace == results[0].trace
        assert result.fingerprint == results[0].fingerprint
    return results[0]


def test_contained_reactors_and_connections_stand_still() -> None:
    result = run_held(HoldingSeen(switches=[(15, "b", False), (115, "a", True)]), timeout=ms(150))
    assert at(result.trace, "out") == [(0, 1), (10, 2), (120, 3), (130, 4), (140, 5), (150, 6)]
    assert at(result.trace, "got") == [(125, 1), (135, 2), (145, 3)]


def test_a_reset_reaches_contained_reactors_and_connections() -> None:
    result = run_held(HoldingSeen(switches=[(15, "b", False), (115, "a", False)]), timeout=ms(150))
    assert at(result.trace, "out") == [(0, 1), (10, 2), ((115, 1), 1), (125, 2), (135, 3), (145, 4)]
    assert at(result.trace, "got") == [(140, 1), (150, 2)]
    assert result.state("modal.source") == {"count": 4, "total": 6}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_planner_keeps_what_is_in_a_mode_with_its_reactor(workers: int) -> None:
    result = run(HoldingSeen(switches=[]), workers=workers, timeout=0)
    homes = {path: w.index for w in result.plan.workers for path in w.reactors}
    assert homes["modal"] == homes["modal.source"] == homes["modal.sink"]


class Root(Holding):
    """The topology itself has modes."""

    def compose(self) -> None:
        super().compose()
        self.other = Echo()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_topology_itself_may_have_modes(workers: int) -> None:
    result = run(Root(switches=[(15, "b", False)]), workers=workers, timeout=ms(50), trace=True)
    assert at(result.trace) == [(0, 1), (10, 2)]


class Fed(Modal):
    """What is in the mode hears from somebody who does not stop."""

    tick = Timer(0, ms(1))
    numbers: int = state(0)

    def compose(self) -> None:
        self.inner = Inner(switches=[])
        self.a.contain(self.inner)

    @reaction(tick, effects=["inner.inp"])
    def feed(self) -> None:
        self.numbers += 1
        self.inner.inp.set(self.numbers)


class Inner(Modal):
    inp = Input(int)
    got = Output(int)

    @reaction(inp, effects=[got], mode=Modal.a)
    def take(self) -> None:
        self.got.set(self.inp.value)


def test_a_mode_inside_an_inactive_mode_is_silent() -> None:
    result = run(Fed(switches=[(1, "b", False), (3, "a", True)]), timeout=ms(5), trace=True)
    assert at(result.trace, "got") == [(0, 1), (1, 2), (4, 5), (5, 6)]


# Modes in modes


class Nested(Modal):
    """Mode a contains a reactor with modes of its own, which ticks in both."""

    inside: list[tuple[int, str, bool]]

    def compose(self) -> None:
        self.child = TwoTimers(switches=self.inside)
        self.a.contain(self.child)


def nested(outside: list[Switch], inside: list[Switch], timeout: int) -> list[Any]:
    return at(run(Nested(switches=outside, inside=inside), timeout=ms(timeout), trace=True).trace)


def test_history_resumes_the_mode_inside() -> None:
    """The inner switch to b at 100 ms, the outer one away from 200 to 1200 ms."""
    assert nested([(200, "b", False), (1200, "a", True)], [(100, "b", False)], 2700) == [
        (0, "A"), ((100, 1), "B"), (1850, "B"), (2600, "B"),
    ]  # fmt: skip


def test_a_reset_goes_down_to_the_mode_inside() -> None:
    """It starts in its initial mode again; its own switches, pending or not, were dropped."""
    assert nested([(200, "b", False), (1200, "a", False)], [(100, "b", False), (300, "b", False)], 2700) == [
        (0, "A"), ((100, 1), "B"), ((1200, 1), "A"), (1950, "A"), (2700, "A"),
    ]  # fmt: skip


class Driven(Modal):
    """Switches the reactor in mode a from outside of it, so that its switches outlast a reset."""

    inside: list[tuple[int, str, bool]]
    order = Action(int)

    def compose(self) -> None:
        self.child = Obedient()
        self.a.contain(self.child)

    @reaction(startup, effects=[order])
    def plan(self) -> None:
        for index, (time, _, _) in enumerate(self.inside):
            self.order.schedule(index, delay=ms(time))

    @reaction(order, effects=["child.command"])
    def command(self) -> None:
        _, name, history = self.inside[self.order.value]
        self.child.command.set(f"{name} by history" if history else name)


class Obedient(Reactor):
    command = Input(str)
    said = Output(str)
    x = Mode(initial=True)
    y = Mode()
    tick_x = Timer(ms(10), ms(100), mode=x)
    tick_y = Timer(ms(10), ms(100), mode=y)

    @reaction(command, effects=[x, y])
    def obey(self) -> None:
        command = self.command.value
        (self.x if command[0] == "x" else self.y).enter(history="history" in command)

    @reaction(tick_x, effects=[said], mode=x)
    def in_x(self) -> None:
        self.said.set("x")

    @reaction(tick_y, effects=[said], mode=y)
    def in_y(self) -> None:
        self.said.set("y")


def driven(outside: list[Switch], inside: list[Switch], timeout: int) -> list[Any]:
    return at(run(Driven(switches=outside, inside=inside), timeout=ms(timeout), trace=True).trace, "said")


def test_after_a_reset_around_it_no_mode_has_a_history() -> None:
    """Mode y was left at 40 ms; the reset around it at 60 ms is what history finds."""
    outside: list[Switch] = [(50, "b", False), (60, "a", False)]
    inside: list[Switch] = [(20, "y", False), (40, "x", False), (80, "y", True)]
    assert driven(outside, inside, 200) == [(10, "x"), (30, "y"), (50, "x"), (70, "x"), (90, "y"), (190, "y")]


def test_a_switch_inside_and_one_around_it_at_one_tag() -> None:
    """Mode x stands still from 20 ms, y from its very beginning at 20 ms to 200 ms, when a comes back."""
    outside: list[Switch] = [(20, "b", False), (200, "a", True)]
    assert driven(outside, [(20, "y", False), (250, "x", True)], 400) == [(10, "x"), (210, "y"), (340, "x")]


def test_a_reset_around_it_overrides_a_switch_inside() -> None:
    """At 20 ms mode a enters itself by reset, and the reactor inside asks for y: it begins anew, in x."""
    assert driven([(20, "a", False)], [(20, "y", False)], 140) == [(10, "x"), (30, "x"), (130, "x")]


def test_a_switch_inside_outlasts_a_return_by_history() -> None:
    assert driven([(20, "a", True)], [(20, "y", False)], 140) == [(10, "x"), (30, "y"), (130, "y")]


def test_a_reset_reaches_the_fields_of_every_mode_inside() -> None:
    class Inner(Obedient):
        count: int = state(0, reset=Obedient.y)

        @reaction(Obedient.tick_y, mode=Obedient.y)
        def more(self) -> None:
            self.count += 1

    class Around(Driven):
        def compose(self) -> None:
            self.child = Inner()
            self.a.contain(self.child)

    inside: list[Switch] = [(20, "y", False), (40, "x", False)]
    kept = run(Around(switches=[(50, "a", True)], inside=inside), timeout=ms(60))
    assert kept.state("child")["count"] == 1
    dropped = run(Around(switches=[(50, "a", False)], inside=inside), timeout=ms(60))
    assert dropped.state("child")["count"] == 0


# Mistakes


def test_a_plan_that_takes_a_mode_apart_is_refused() -> None:
    topology = HoldingSeen(switches=[])
    with pytest.raises(PlanError) as caught:
        run_placed(topology, {"modal.sink": 1})
    assert "'modal.sink' belongs with 'modal', which is on worker 0, and not on worker 1" in str(caught.value)


def test_a_reactor_with_modes_has_one_that_is_initial() -> None:
    class Neither(Reactor):
        a = Mode()
        b = Mode()

    class Both(Reactor):
        a = Mode(initial=True)
        b = Mode(initial=True)

    for cls, count in ((Neither, 0), (Both, 2)):
        with pytest.raises(TopologyError) as caught:
            check(cls())
        text = str(caught.value)
        assert f"{cls.__name__} has modes a, b (" in text
        assert f"of which {count} are initial; declare exactly one with Mode(initial=True)" in text
        assert "test_modes.py:" in text


def test_an_undeclared_switch_is_refused_when_the_class_is_made() -> None:
    def declare() -> type[Reactor]:
        class Undeclared(Reactor):
            a = Mode(initial=True)
            b = Mode()

            @reaction(startup, effects=[a])
            def begin(self) -> None:
                self.b.enter()

        return Undeclared

    with pytest.raises(TopologyError, match=r"enters `b`, which it does not declare; add it to effects=\[b\]"):
        declare()


class Hidden(Reactor):
    a = Mode(initial=True)
    b = Mode()
    tick = Timer(ms(1))

    @reaction(tick, effects=[a])
    def begin(self) -> None:
        getattr(self, "b").enter()  # noqa: B009  out of sight of the check


def test_an_undeclared_switch_is_refused_at_run_time() -> None:
    with pytest.raises(RunError) as caught:
        run(Hidden())
    text = str(caught.value)
    assert "reaction begin enters b at (1000000 ns, 0) without having declared it; add it to effects=[...]" in text
    assert "test_modes.py:" in text


def test_a_mode_is_entered_inside_a_reaction() -> None:
    with pytest.raises(RunError, match="b: a mode is entered inside a reaction, while the topology runs"):
        Hidden().b.enter()


def test_a_mode_takes_reactors_of_its_own_reactor() -> None:
    class Taking(Reactor):
        a = Mode(initial=True)

        def compose(self) -> None:
            self.holding = Holding(switches=[])
            self.a.contain(self.holding.source)

    with pytest.raises(
        TopologyError, match=r"mode a \(.*test_modes.py:\d+\) contains Source\(\), which is not directly"
    ):
        check(Taking())


def test_a_reactor_is_in_one_mode_once() -> None:
    class Twice(Reactor):
        a = Mode(initial=True)

        def compose(self) -> None:
            self.echo = Echo()
            self.a.contain(self.echo, self.echo)

    class InBoth(Reactor):
        a = Mode(initial=True)
        b = Mode()

        def compose(self) -> None:
            self.echo = Echo()
            self.a.contain(self.echo)
            self.b.contain(self.echo)

    with pytest.raises(TopologyError, match="is in mode a already"):
        Twice()
    with pytest.raises(TopologyError, match="echo is in modes a, b of InBoth"):
        check(InBoth())


def test_what_belongs_to_a_mode_belongs_to_one_of_its_own_reactor() -> None:
    class Borrowing(Reactor):
        mine = Mode(initial=True)
        tick = Timer(0, mode=Modal.b)
        later = Action(mode=Modal.b)
        count: int = state(0, reset=Modal.b)

    with pytest.raises(TopologyError) as caught:
        check(Borrowing())
    for what in ("timer tick", "action later", "state count"):
        assert what in str(caught.value)

    def borrow() -> type[Reactor]:
        class BorrowingToo(Reactor):
            @reaction(startup, mode=Modal.b)
            def begin(self) -> None:
                pass

        return BorrowingToo

    with pytest.raises(TopologyError, match="mode=<mode b> is no mode of BorrowingToo"):
        borrow()


def test_a_mode_is_no_trigger_and_nobody_elses_effect() -> None:
    class Triggered(Reactor):
        a = Mode(initial=True)

        @reaction(a)
        def begin(self) -> None:
            pass

    class Meddling(Reactor):
        def compose(self) -> None:
            self.modal = TwoTimers(switches=[])

        @reaction(startup, effects=["modal.b"])
        def begin(self) -> None:
            pass

    for cls, path in ((Triggered, "a"), (Meddling, "modal.b")):
        with pytest.raises(TopologyError, match=f"mode {path} can only be an effect, of a reaction of its own reactor"):
            check(cls())
