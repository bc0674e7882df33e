"""The programs that show what the rules mean; the numbers are those of the table in the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlreactor import (
    Action,
    Array,
    Input,
    Inputs,
    Output,
    Outputs,
    Reactor,
    Tag,
    Timer,
    broadcast,
    check,
    ms,
    reaction,
    run,
    sec,
    shutdown,
    startup,
    state,
)
from rlreactor.runtime.preludes import JITTER
from rlreactor.scheduler.binding import Binding
from rlreactor.scheduler.clock import VirtualClock
from rlreactor.scheduler.scheduler import Scheduler

from .placements import round_robin, run_everywhere, run_placed

NUMBERS = Array(np.float64, (4,))


class Source(Reactor):
    """Sets `value` at startup."""

    value: int = 1
    out = Output(int)

    @reaction(startup, effects=[out])
    def begin(self) -> None:
        self.out.set(self.value)


class Counter(Reactor):
    """Counts from 1, once per period."""

    offset: int = 0
    period: int = sec(1)
    tick = Timer("offset", "period")
    out = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[out])
    def count_on(self) -> None:
        self.count += 1
        self.out.set(self.count)


class Pass(Reactor):
    """Hands on what it gets, at the same tag."""

    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def hand_on(self) -> None:
        self.out.set(self.inp.value)


# 1


class Adder(Reactor):
    left = Input(int)
    right = Input(int)
    out = Output(int)

    @reaction(left, right, effects=[out])
    def add(self) -> None:
        self.out.set(10 * self.left.value + self.right.value)


class Diamond(Reactor):
    def compose(self) -> None:
        self.source = Source(value=3)
        self.short = Pass()
        self.long = [Pass(), Pass(), Pass()]
        self.adder = Adder()
        self.connect(self.source.out, [self.short.inp, self.long[0].inp])
        self.connect(self.long[0].out, self.long[1].inp)
        self.connect(self.long[1].out, self.long[2].inp)
        self.connect(self.short.out, self.adder.left)
        self.connect(self.long[2].out, self.adder.right)


def test_01_a_diamond_with_unequal_paths_fires_its_end_once() -> None:
    result = run_everywhere(Diamond())
    assert result.trace == [
        ((0, 0), "source.out", 3),
        ((0, 0), "short.out", 3),
        ((0, 0), "long[0].out", 3),
        ((0, 0), "long[1].out", 3),
        ((0, 0), "long[2].out", 3),
        ((0, 0), "adder.out", 33),
    ]
    assert result.tag == Tag(0, 1)


# 2


class TwoTimers(Reactor):
    one = Timer(0, ms(1))
    other = Timer(0, ms(1))
    out = Output(int)
    calls: int = state(0)

    @reaction(one, other, effects=[out])
    def once(self) -> None:
        self.calls += 1
        self.out.set(self.calls)


def test_02_two_triggers_at_one_tag_make_one_call() -> None:
    assert run_everywhere(TwoTimers(), timeout=ms(2)).trace == [
        ((0, 0), "out", 1),
        ((ms(1), 0), "out", 2),
        ((ms(2), 0), "out", 3),
    ]


# 3


class NextMicrostep(Reactor):
    begin = Timer(0)
    later = Action()
    x = Output(int)
    y = Output(int)

    @reaction(begin, effects=[x, later])
    def now(self) -> None:
        self.x.set(1)
        self.later.schedule()

    @reaction(later, effects=[y])
    def then(self) -> None:
        self.y.set(2)


class Both(Reactor):
    """Tells which of its inputs are present."""

    x = Input(int)
    y = Input(int)
    seen = Output(str)

    @reaction(x, y, effects=[seen])
    def look(self) -> None:
        self.seen.set("".join(name for name, port in (("x", self.x), ("y", self.y)) if port.present))


class NextMicrostepSeen(Reactor):
    def compose(self) -> None:
        self.source = NextMicrostep()
        self.both = Both()
        self.connect(self.source.x, self.both.x)
        self.connect(self.source.y, self.both.y)


def test_03_an_action_without_delay_comes_one_microstep_later() -> None:
    assert run_everywhere(NextMicrostepSeen()).trace == [
        ((0, 0), "source.x", 1),
        ((0, 0), "both.seen", "x"),
        ((0, 1), "source.y", 2),
        ((0, 1), "both.seen", "y"),
    ]


# 4, 5, 7, 9


class Rescheduled(Reactor):
    """Schedules itself `times` times, each delay longer than the one before by `growth`."""

    times: int
    first: int = 0
    growth: int = 0
    again = Action(int)
    out = Output(int)

    @reaction(startup, effects=[again])
    def begin(self) -> None:
        self.again.schedule(1, delay=self.first)

    @reaction(again, effects=[again, out])
    def repeat(self) -> None:
        turn = self.again.value
        self.out.set(turn)
        if turn < self.times:
            self.again.schedule(turn + 1, delay=self.first + turn * self.growth)


def test_04_an_action_without_delay_counts_microsteps() -> None:
    assert run_everywhere(Rescheduled(times=9)).trace == [((0, n), "out", n) for n in range(1, 10)]


def test_05_an_action_with_delay() -> None:
    result = run_everywhere(Rescheduled(times=1, first=ms(100)))
    assert result.trace == [((ms(100), 0), "out", 1)]
    assert result.tag == Tag(ms(100), 1)


def test_07_growing_delays() -> None:
    assert run_everywhere(Rescheduled(times=4, first=ms(100), growth=ms(100))).trace == [
        ((ms(100), 0), "out", 1),
        ((ms(300), 0), "out", 2),
        ((ms(600), 0), "out", 3),
        ((ms(1000), 0), "out", 4),
    ]


# 6


class TwoActions(Reactor):
    one = Action(min_delay=ms(1))
    other = Action(min_delay=ms(3))
    out = Output(str)

    @reaction(startup, effects=[one, other])
    def begin(self) -> None:
        self.one.schedule()
        self.other.schedule()

    @reaction(one, other, effects=[one, other, out])
    def repeat(self) -> None:
        present = (self.one.present, self.other.present)
        self.out.set({(True, False): "one", (False, True): "other"}.get(present, "both"))
        if self.one.present:
            self.one.schedule(delay=ms(2))
        if self.other.present:
            self.other.schedule()


def test_06_two_actions_alternate() -> None:
    assert run_everywhere(TwoActions(), timeout=ms(7)).trace == [
        ((ms(1), 0), "out", "one"),
        ((ms(3), 0), "out", "other"),
        ((ms(4), 0), "out", "one"),
        ((ms(6), 0), "out", "other"),
        ((ms(7), 0), "out", "one"),
    ]


# 8


class Spaced(Reactor):
    tick = Timer(0, ms(100))
    spaced = Action(int, min_delay=ms(1), min_spacing=ms(300), policy="drop")
    out = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[spaced])
    def schedule(self) -> None:
        self.spaced.schedule(self.count)
        self.count += 1

    @reaction(spaced, effects=[out])
    def tell(self) -> None:
        self.out.set(self.spaced.value)


def test_08_schedules_that_come_too_close_are_dropped() -> None:
    assert run_everywhere(Spaced(), timeout=sec(1)).trace == [
        ((ms(1), 0), "out", 0),
        ((ms(301), 0), "out", 3),
        ((ms(601), 0), "out", 6),
        ((ms(901), 0), "out", 9),
    ]


# 9


class PiledUp(Reactor):
    action = Action(int, min_delay=ms(100))
    out = Output(int)

    @reaction(startup, effects=[action])
    def begin(self) -> None:
        self.action.schedule(1)
        self.action.schedule(2)

    @reaction(action, effects=[out])
    def tell(self) -> None:
        self.out.set(self.action.value)


def test_09_two_schedules_for_one_tag_pile_up() -> None:
    assert run_everywhere(PiledUp()).trace == [((ms(100), 0), "out", 1), ((ms(100), 1), "out", 2)]


# 10, 11, 21


class Delayed(Reactor):
    after: int
    period: int = sec(1)

    def compose(self) -> None:
        self.counter = Counter(period=self.period)
        self.printer = Pass()
        self.connect(self.counter.out, self.printer.inp, after=self.after)


def arrivals(trace: list[Any]) -> list[Any]:
    return [event for event in trace if event.path == "printer.out"]


def test_10_a_connection_after_zero_adds_a_microstep() -> None:
    assert run_everywhere(Delayed(after=0), timeout=sec(2)).trace == [
        ((0, 0), "counter.out", 1),
        ((0, 1), "printer.out", 1),
        ((sec(1), 0), "counter.out", 2),
        ((sec(1), 1), "printer.out", 2),
        ((sec(2), 0), "counter.out", 3),
    ]


def test_11_two_events_are_in_flight_on_a_long_connection() -> None:
    result = run_everywhere(Delayed(after=sec(2)), timeout=sec(5))
    assert arrivals(result.trace) == [((sec(2 + n - 1), 0), "printer.out", n) for n in (1, 2, 3, 4)]


def test_21_counter_and_printer_on_two_workers() -> None:
    topology = Delayed(after=ms(200))
    result = run_placed(topology, {"counter": 0, "printer": 1}, timeout=sec(3))
    assert arrivals(result.trace) == [((ms(200) + sec(n - 1), 0), "printer.out", n) for n in (1, 2, 3)]
    assert result.trace == run(topology, workers=1, trace=True, timeout=sec(3)).trace


# 12


class Feedback(Reactor):
    inp = Input(int)
    out = Output(int)
    action = Action(int)

    @reaction(startup, effects=[action])
    def begin(self) -> None:
        self.action.schedule(0)

    @reaction(action, effects=[out])
    def send(self) -> None:
        self.out.set(self.action.value)

    @reaction(inp, effects=[action])
    def receive(self) -> None:
        self.action.schedule(self.inp.value + 1, delay=ms(100))


class FeedbackLoop(Reactor):
    def compose(self) -> None:
        self.feedback = Feedback()
        self.connect(self.feedback.out, self.feedback.inp)


def test_12_feedback_through_an_action() -> None:
    assert run_everywhere(FeedbackLoop(), timeout=ms(300)).trace == [
        ((0, 1), "feedback.out", 0),
        ((ms(100), 0), "feedback.out", 1),
        ((ms(200), 0), "feedback.out", 2),
        ((ms(300), 0), "feedback.out", 3),
    ]


# 13


class Container(Reactor):
    one = Output(int)
    two = Output(int)
    three = Output(int)

    def compose(self) -> None:
        self.source = Source(value=42)

    @reaction("source.out", effects=[one])
    def first(self) -> None:
        self.one.set(self.source.out.value)

    @reaction("source.out", effects=[two])
    def second(self) -> None:
        self.two.set(self.source.out.value)

    @reaction("source.out", effects=[three])
    def third(self) -> None:
        self.three.set(self.source.out.value)


def test_13_a_container_reads_a_contained_output_in_three_reactions() -> None:
    result = run_everywhere(Container())
    assert sorted(result.trace) == [
        ((0, 0), "one", 42),
        ((0, 0), "source.out", 42),
        ((0, 0), "three", 42),
        ((0, 0), "two", 42),
    ]


# 14


class Alternating(Reactor):
    tick = Timer(0, ms(1))
    even = Output(int)
    odd = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[even, odd])
    def alternate(self) -> None:
        (self.odd if self.count % 2 else self.even).set(self.count)
        self.count += 1


class Alternation(Reactor):
    def compose(self) -> None:
        self.source = Alternating()
        self.even = Pass()
        self.odd = Pass()
        self.connect(self.source.even, self.even.inp)
        self.connect(self.source.odd, self.odd.inp)


def test_14_a_reader_never_fires_on_an_absent_trigger() -> None:
    assert run_everywhere(Alternation(), timeout=ms(2)).trace == [
        ((0, 0), "source.even", 0),
        ((0, 0), "even.out", 0),
        ((ms(1), 0), "source.odd", 1),
        ((ms(1), 0), "odd.out", 1),
        ((ms(2), 0), "source.even", 2),
        ((ms(2), 0), "even.out", 2),
    ]


# 15


class ArraySource(Reactor):
    out = Output(NUMBERS)

    @reaction(startup, effects=[out])
    def begin(self) -> None:
        self.out.set(np.arange(4.0))


class Doubling(Reactor):
    inp = Input(NUMBERS, mutable=True)
    out = Output(NUMBERS)

    @reaction(inp, effects=[out])
    def double(self) -> None:
        self.inp.value[:] *= 2
        self.out.set(self.inp.value)


class Plain(Reactor):
    inp = Input(NUMBERS)
    out = Output(NUMBERS)

    @reaction(inp, effects=[out])
    def hand_on(self) -> None:
        self.out.set(self.inp.value)


class Mutation(Reactor):
    def compose(self) -> None:
        self.source = ArraySource()
        self.doubling = Doubling()
        self.plain = Plain()
        self.connect(self.source.out, [self.doubling.inp, self.plain.inp])


def test_15_a_private_copy_is_private() -> None:
    assert run_everywhere(Mutation()).trace == [
        ((0, 0), "source.out", np.arange(4.0)),
        ((0, 0), "doubling.out", np.arange(4.0) * 2),
        ((0, 0), "plain.out", np.arange(4.0)),
    ]


# 16, 17, 18


class Ending(Reactor):
    """Tells at which tags it is called, and of its end."""

    tick = Timer(0, ms(1))
    out = Output(str)
    end = Output(str)

    @reaction(startup, effects=[out])
    def start(self) -> None:
        self.out.set("startup")

    @reaction(tick, effects=[out])
    def call(self) -> None:
        self.out.set("tick")

    @reaction(shutdown, effects=[end])
    def stop(self) -> None:
        self.end.set("shutdown")


class Endings(Reactor):
    def compose(self) -> None:
        self.one = Ending()
        self.other = Ending()


def test_16_the_timeout_is_the_last_tag() -> None:
    result = run_everywhere(Endings(), timeout=ms(11))
    assert result.trace[-4:] == [
        ((ms(11), 0), "one.out", "tick"),
        ((ms(11), 0), "other.out", "tick"),
        ((ms(11), 0), "one.end", "shutdown"),
        ((ms(11), 0), "other.end", "shutdown"),
    ]
    assert result.tag == Tag(ms(11), 0)
    assert [event.tag.time for event in result.trace if event.path == "one.out"] == [ms(n) for n in range(12)]


def test_17_a_timeout_of_zero() -> None:
    result = run_everywhere(Endings(), timeout=0)
    assert result.trace == [
        ((0, 0), "one.out", "tick"),
        ((0, 0), "other.out", "tick"),
        ((0, 0), "one.end", "shutdown"),
        ((0, 0), "other.end", "shutdown"),
    ]
    assert result.tag == Tag(0, 0)


class StopLate(Reactor):
    """Asks for the end at (10 ms, 8), with an event pending one microstep later."""

    begin = Timer(ms(10))
    again = Action(int)
    out = Output(int)
    end = Output(str)

    @reaction(begin, effects=[again])
    def start(self) -> None:
        self.again.schedule(1)

    @reaction(again, effects=[again, out, shutdown])
    def repeat(self) -> None:
        self.out.set(self.again.value)
        self.again.schedule(self.again.value + 1)
        if self.tag.microstep == 8:
            self.request_stop()

    @reaction(shutdown, effects=[end])
    def stop(self) -> None:
        self.end.set("shutdown")


class StopLateWithOthers(Reactor):
    def compose(self) -> None:
        self.stopping = StopLate()
        self.other = Ending()
        self.reader = Pass()
        self.connect(self.stopping.out, self.reader.inp)


def test_18_what_is_pending_at_the_requested_stop_runs() -> None:
    result = run_everywhere(StopLateWithOthers())
    assert result.tag == Tag(ms(10), 9)
    assert sorted(event for event in result.trace if event.tag == Tag(ms(10), 9)) == [
        ((ms(10), 9), "other.end", "shutdown"),
        ((ms(10), 9), "reader.out", 9),
        ((ms(10), 9), "stopping.end", "shutdown"),
        ((ms(10), 9), "stopping.out", 9),
    ]


# 19


def test_19_a_missed_deadline_runs_the_handler_on_exactly_those_tags() -> None:
    clock = VirtualClock()

    class Slow(Reactor):
        tick = Timer(0, ms(10))
        out = Output(int)
        count: int = state(0)

        @reaction(tick, effects=[out])
        def work(self) -> None:
            if self.count % 2:
                clock.sleep(ms(6))
            self.out.set(self.count)
            self.count += 1

    class Prompt(Reactor):
        inp = Input(int)
        out = Output(str)

        def missed(self) -> None:
            self.out.set(f"late {self.inp.value}")

        @reaction(inp, effects=[out], deadline=ms(5), late=missed)
        def answer(self) -> None:
            self.out.set(f"in time {self.inp.value}")

    class Top(Reactor):
        def compose(self) -> None:
            self.slow = Slow()
            self.prompt = Prompt()
            self.connect(self.slow.out, self.prompt.inp)

    graph = check(Top())
    binding = Binding(graph, graph.reactors, trace=True)
    Scheduler(binding, clock, timeout=ms(30)).run()
    assert [(event.tag, event.value) for event in binding.outlets["prompt.out"].recorder.events] == [
        ((0, 0), "in time 0"),
        ((ms(10), 0), "late 1"),
        ((ms(20), 0), "in time 2"),
        ((ms(30), 0), "late 3"),
    ]


# 20


class ThreeInputs(Reactor):
    inputs = Inputs(int, width=3)
    out = Outputs(int, width=3)

    @reaction(inputs, effects=[out])
    def hand_on(self) -> None:
        for received, sent in zip(self.inputs, self.out, strict=True):
            sent.set(received.value)


class Broadcasting(Reactor):
    def compose(self) -> None:
        self.sources = [Source(value=i) for i in range(3)]
        self.sinks = [ThreeInputs() for _ in range(3)]
        self.connect(broadcast([s.out for s in self.sources]), [s.inputs for s in self.sinks], after=sec(1))


def test_20_broadcast_to_a_bank_of_multiports() -> None:
    result = run_everywhere(Broadcasting())
    assert result.trace[3:] == [
        ((sec(1), 0), f"sinks[{sink}].out[{channel}]", channel) for sink in range(3) for channel in range(3)
    ]


# 22


class Plant(Reactor):
    tick = Timer(0, ms(10))
    control = Input(int)
    measured = Output(int)
    applied: int = state(0)

    @reaction(tick, effects=[measured])
    def measure(self) -> None:
        self.measured.set(self.tag.time // ms(10))

    @reaction(control)
    def apply(self) -> None:
        self.applied += 1


class Controller(Reactor):
    measured = Input(int)
    control = Output(int)

    @reaction(measured, effects=[control])
    def answer(self) -> None:
        self.control.set(-self.measured.value)


class ControlLoop(Reactor):
    def compose(self) -> None:
        self.plant = Plant()
        self.controller = Controller()
        self.connect(self.plant.measured, self.controller.measured, after=ms(2))
        self.connect(self.controller.control, self.plant.control, after=ms(3))


@pytest.mark.parametrize("where", [{}, {"plant": 0, "controller": 1}, {"plant": 1, "controller": 0}])
def test_22_a_delayed_loop_between_two_workers(where: dict[str, int]) -> None:
    result = run_placed(ControlLoop(), where, timeout=sec(1) - 1)
    assert result.state("plant") == {"applied": 100}
    assert [event for event in result.trace if event.path == "controller.control"] == [
        ((ms(10 * n + 2), 0), "controller.control", -n) for n in range(100)
    ]


# 23


class Client(Reactor):
    tick = Timer(0, ms(1))
    request = Output(int)
    reply = Input(int)
    got = Output(int)

    @reaction(tick, effects=[request])
    def ask(self) -> None:
        self.request.set(self.tag.time // ms(1))

    @reaction(reply, effects=[got])
    def receive(self) -> None:
        self.got.set(self.reply.value)


class Server(Reactor):
    request = Input(int)
    reply = Output(int)

    @reaction(request, effects=[reply])
    def answer(self) -> None:
        self.reply.set(self.request.value**2)


class RequestReply(Reactor):
    def compose(self) -> None:
        self.client = Client()
        self.server = Server()
        self.connect(self.client.request, self.server.request)
        self.connect(self.server.reply, self.client.reply)


def test_23_request_and_reply_at_one_tag() -> None:
    result = run_everywhere(RequestReply(), timeout=ms(3))
    assert [event for event in result.trace if event.path == "client.got"] == [
        ((ms(n), 0), "client.got", n * n) for n in range(4)
    ]


# 24


class Stopping(Reactor):
    """Asks for the end at 5 ms."""

    tick = Timer(0, ms(1))
    out = Output(int)

    @reaction(tick, effects=[out, shutdown])
    def call(self) -> None:
        self.out.set(self.tag.time)
        if self.tag.time == ms(5):
            self.request_stop()


class ThreeWorkers(Reactor):
    def compose(self) -> None:
        self.stopping = Stopping()
        self.fast = Ending()
        self.reader = Pass()
        self.connect(self.stopping.out, self.reader.inp, after=ms(1))


def test_24_all_workers_stop_at_one_tag_whatever_the_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    topology = ThreeWorkers()
    alone = run(topology, workers=1, trace=True)
    assert alone.tag == Tag(ms(5), 1)
    where = round_robin(topology, 3)
    for number in range(20):
        monkeypatch.setenv(JITTER, f"{number}:2000")
        result = run_placed(topology, where)
        assert result.trace == alone.trace
        assert result.tag == alone.tag
        assert [worker["tags"] for worker in result.workers] == [7, 7, 7]
