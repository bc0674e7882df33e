"""Every misuse has an error of its own, which says where: the path, the line of the program and, in a run, the tag."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rlreactor import (
    AbsentError,
    Action,
    Array,
    Input,
    Inputs,
    Mode,
    Output,
    PhysicalAction,
    Reactor,
    ReactorError,
    RunError,
    SpecError,
    Timer,
    TopologyError,
    check,
    ms,
    plan,
    reaction,
    run,
    shutdown,
    startup,
    state,
)

HERE = re.escape(__file__) + r":\d+"
TICK = r"\(5 ns, 0\)"
"""The tag at which every misuse during a run happens."""


class Inner(Reactor):
    """What misuses happen to, inside a container, so that paths have more than one name."""

    how: str
    tick = Timer(5)
    inp = Input(int)
    held = Input(int, hold=True)
    many = Inputs(int, width=2)
    out = Output(int)
    other = Output(int)
    array = Output(Array("f4", (2,)))
    act = Action(int)
    plain = Action(int)
    event = PhysicalAction(int)
    a = Mode(initial=True)
    b = Mode()
    seen: Any = state()

    def hidden(self, name: str) -> Any:
        """An attribute that the code does not show."""
        return getattr(self, name)

    @reaction(tick, reads=[inp, many, held], effects=[out, array, act, a])
    def misuse(self) -> None:
        getattr(type(self), self.how)(self)

    @reaction(inp, act, plain, effects=[other, plain, b, event])
    def rightful(self) -> None:
        """Declares what `misuse` does not."""

    def reads_undeclared(self) -> None:
        self.hidden("other").value  # noqa: B018

    def sets_undeclared(self) -> None:
        self.hidden("other").set(1)

    def lends_undeclared(self) -> None:
        self.hidden("other").empty()

    def sets_an_input(self) -> None:
        self.hidden("inp").set(1)

    def reads_an_action(self) -> None:
        self.hidden("plain").value  # noqa: B018

    def schedules_undeclared(self) -> None:
        self.hidden("plain").schedule(1)

    def schedules_a_physical_undeclared(self) -> None:
        self.hidden("event").schedule(1)

    def enters_undeclared(self) -> None:
        self.hidden("b").enter()

    def stops_undeclared(self) -> None:
        self.hidden("request_stop")()

    def reads_absent(self) -> None:
        self.hidden("inp").value  # noqa: B018

    def reads_absent_held(self) -> None:
        self.hidden("held").value  # noqa: B018

    def reads_absent_channel(self) -> None:
        self.hidden("many")[1].value  # noqa: B018

    def reads_absent_action(self) -> None:
        self.hidden("act").value  # noqa: B018

    def sets_another_type(self) -> None:
        self.hidden("out").set("one")

    def sets_another_shape(self) -> None:
        self.hidden("array").set([1.0])

    def schedules_another_type(self) -> None:
        self.hidden("act").schedule("one")

    def schedules_into_the_past(self) -> None:
        self.hidden("act").schedule(1, delay=-1)

    def schedules_at_a_fraction(self) -> None:
        self.hidden("act").schedule(1, delay=0.5)

    def lends_what_has_no_size(self) -> None:
        self.hidden("out").empty()

    def misspells(self) -> None:
        self.hidden("otu").set(1)

    def schedules_from_a_thread(self) -> None:
        errors: list[RunError] = []

        def schedule() -> None:
            try:
                self.hidden("act").schedule(1)
            except RunError as error:
                errors.append(error)

        thread = threading.Thread(target=schedule)
        thread.start()
        thread.join()
        raise errors[0]


DECLARE = rf"without having declared it; add it to (reads|effects)=\[\.\.\.\] of the decorator at {HERE}"

MISUSES: dict[str, tuple[type[ReactorError], str]] = {
    "reads_undeclared": (RunError, rf"reaction inner\.misuse reads inner\.other at {TICK} {DECLARE}"),
    "sets_undeclared": (RunError, rf"reaction inner\.misuse sets inner\.other at {TICK} {DECLARE}"),
    "lends_undeclared": (RunError, rf"reaction inner\.misuse sets inner\.other at {TICK} {DECLARE}"),
    "sets_an_input": (RunError, rf"reaction inner\.misuse sets inner\.inp at {TICK} {DECLARE}"),
    "reads_an_action": (RunError, rf"reaction inner\.misuse reads inner\.plain at {TICK} {DECLARE}"),
    "schedules_undeclared": (RunError, rf"reaction inner\.misuse schedules inner\.plain at {TICK} {DECLARE}"),
    "schedules_a_physical_undeclared": (
        RunError,
        rf"reaction inner\.misuse schedules inner\.event at {TICK} {DECLARE}",
    ),
    "enters_undeclared": (RunError, rf"reaction inner\.misuse enters inner\.b at {TICK} without having declared it"),
    "stops_undeclared": (
        RunError,
        rf"reaction inner\.misuse calls request_stop\(\) at {TICK} without having declared it; "
        rf"add effects=\[shutdown\] to the decorator at {HERE}",
    ),
    "reads_absent": (
        AbsentError,
        rf"inner\.inp carries nothing at {TICK}, in reaction inner\.misuse; ask \.present first, "
        r"or declare it with hold=True",
    ),
    "reads_absent_held": (
        AbsentError,
        rf"inner\.held carries nothing at {TICK}, in reaction inner\.misuse; ask \.present first",
    ),
    "reads_absent_channel": (
        AbsentError,
        rf"inner\.many\[1\] carries nothing at {TICK}, in reaction inner\.misuse; ask \.present first",
    ),
    "reads_absent_action": (RunError, rf"reaction inner\.misuse reads inner\.act at {TICK} {DECLARE}"),
    "sets_another_type": (SpecError, rf"inner\.out \({HERE}\): expected int, received .*'one'"),
    "sets_another_shape": (SpecError, rf"inner\.array \({HERE}\): expected .*\(2,\)"),
    "schedules_another_type": (SpecError, rf"inner\.act \({HERE}\): expected int, received .*'one'"),
    "schedules_into_the_past": (
        SpecError,
        r"inner\.act\.schedule: expected a delay of 0 ns or more, received -1",
    ),
    "schedules_at_a_fraction": (
        SpecError,
        r"inner\.act\.schedule: expected a delay of 0 ns or more, received 0\.5",
    ),
    "lends_what_has_no_size": (SpecError, r"inner\.out: empty\(\) needs a fixed size, an Array or a Struct"),
    "misspells": (RunError, r"Inner 'inner' has no 'otu'; did you mean 'out'\?"),
    "schedules_from_a_thread": (
        RunError,
        r"inner\.act: an action is scheduled inside a reaction, while the topology runs; "
        r"to send an event from outside, use a PhysicalAction",
    ),
}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", MISUSES)
def test_a_misuse_during_a_run_names_path_tag_and_line(how: str, workers: int) -> None:
    class Two(Reactor):
        def compose(self) -> None:
            self.inner = Inner(how=how)
            self.other = Idle()

    kind, message = MISUSES[how]
    with pytest.raises(RunError) as caught:
        run(Two(), workers=workers, fast=False)
    text = str(caught.value)
    assert isinstance(caught.value, kind)
    assert re.match(rf"reaction inner\.misuse failed at {TICK}: \w+: ", text), text
    assert re.search(message, text), text
    assert re.search(rf'File "{re.escape(__file__)}", line \d+, in {how}', text), text


class Idle(Reactor):
    tick = Timer(3)

    @reaction(tick)
    def nothing(self) -> None: ...


# Outside of a run


OUTSIDE: dict[str, tuple[Callable[[Inner], Any], str]] = {
    "a port is read": (lambda r: r.inp.value, "inp: ports carry values only inside reactions, while the topology runs"),
    "a port is set": (lambda r: r.out.set(1), "out: ports carry values only inside reactions, while the topology runs"),
    "an action": (
        lambda r: r.act.schedule(1),
        "act: an action is scheduled inside a reaction, while the topology runs; "
        "to send an event from outside, use a PhysicalAction",
    ),
    "a physical action": (
        lambda r: r.event.schedule(1),
        "event: a physical action can be scheduled only while its topology runs",
    ),
    "a mode": (lambda r: r.b.enter(), "b: a mode is entered inside a reaction, while the topology runs"),
    "the tag": (lambda r: r.tag, "self.tag is only possible inside a reaction, while the topology runs"),
    "the lag": (lambda r: r.lag, "self.lag is only possible inside a reaction, while the topology runs"),
    "random numbers": (lambda r: r.rng, "self.rng is only possible inside a reaction, while the topology runs"),
    "metrics": (lambda r: r.log(x=1), "self.log is only possible inside a reaction, while the topology runs"),
    "a stop": (
        lambda r: r.request_stop(),
        "self.request_stop() is only possible inside a reaction, while the topology runs",
    ),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_a_misuse_outside_of_a_run_names_what_and_where_it_belongs(what: str) -> None:
    use, message = OUTSIDE[what]
    with pytest.raises(RunError) as caught:
        use(Inner(how="-"))
    assert str(caught.value) == message


# What is wrong with a topology


class Source(Reactor):
    out = Output(int)
    outs = Output(str)

    @reaction(startup, effects=[out, outs])
    def send(self) -> None: ...


class Sink(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def take(self) -> None: ...


class Joined(Reactor):
    how: str

    def compose(self) -> None:
        self.source = Source()
        self.sinks = [Sink() for _ in range(3)]
        getattr(self, self.how)()

    def two_writers(self) -> None:
        self.connect(self.source.out, self.sinks[0].inp)
        self.connect(self.sinks[1].out, self.sinks[0].inp, after=1)

    def too_wide(self) -> None:
        self.connect([self.source.out, self.sinks[0].out], [sink.inp for sink in self.sinks])

    def reversed_ends(self) -> None:
        self.connect(self.sinks[0].inp, self.source.out)  # type: ignore[call-overload]  # pyright: ignore

    def other_specs(self) -> None:
        self.connect(self.source.outs, self.sinks[0].inp)  # type: ignore[misc]  # pyright: ignore

    def negative_delay(self) -> None:
        self.connect(self.source.out, self.sinks[0].inp, after=-1)

    def cycle(self) -> None:
        self.connect(self.sinks[0].out, self.sinks[1].inp)
        self.connect(self.sinks[1].out, self.sinks[0].inp)

    def physical_connection(self) -> None:
        self.connect(self.source.out, self.sinks[0].inp, physical=True, after=ms(1))

    def physical_action(self) -> None:
        self.inner = Inner(how="-")

    def placed_elsewhere(self) -> None:
        self.place(Sink())


TOPOLOGIES = {
    "two_writers": rf"connect at {HERE}: sinks\[0\]\.inp already receives from source\.out \(connected at {HERE}\), "
    r"now also from sinks\[1\]\.out; an input has one writer: use Inputs",
    "too_wide": rf"connect at {HERE}: 2 sources \(source\.out, sinks\[0\]\.out\) for 3 sinks "
    r"\(sinks\[0\]\.inp, sinks\[1\]\.inp, sinks\[2\]\.inp\); widths must be equal",
    "reversed_ends": rf"connect at {HERE}: .*reversed; swap the two arguments: connect\(source\.out, sinks\[0\]\.inp\)",
    "other_specs": rf"connect at {HERE}: source\.outs sends str \({HERE}\) but sinks\[0\]\.inp expects int \({HERE}\)",
    "negative_delay": rf"connect at {HERE}: after: expected None or ns as an int of 0 or more .*, received -1",
    "cycle": rf"a cycle without delay:\n  sinks\[0\]\.take \({HERE}\) sets sinks\[0\]\.out, .*\n"
    rf"  sinks\[1\]\.take \({HERE}\) .*\n  sinks\[0\]\.take: back at the start\nbreak it with after=",
    "physical_connection": rf"connect at {HERE} \(physical=True\): its tags come from the wall clock, .*fast=False",
    "physical_action": rf"physical action inner\.event \({HERE}\): its tags come from the wall clock, .*fast=False",
    "placed_elsewhere": rf"place at {HERE}: expected reactors inside Joined, received Sink\(\)",
}


@pytest.mark.parametrize("how", TOPOLOGIES)
def test_a_topology_that_breaks_a_rule_is_refused_with_path_and_line(how: str) -> None:
    with pytest.raises(TopologyError) as caught:
        check(Joined(how=how), fast=True)
    assert any(re.match(TOPOLOGIES[how], text) for text in caught.value.violations), str(caught.value)


def test_a_stop_has_to_be_declared() -> None:
    with pytest.raises(TopologyError) as caught:

        class Stopping(Reactor):  # pyright: ignore[reportUnusedClass]
            @reaction(startup)
            def stop(self) -> None:
                self.request_stop()

    pattern = (
        rf"reaction Stopping\.stop \({HERE}\): line \d+ calls request_stop\(\); declare it with effects=\[shutdown\]"
    )
    assert re.fullmatch(pattern, str(caught.value))


def test_a_second_stop_is_none() -> None:
    class Twice(Reactor):
        @reaction(startup, effects=[shutdown])
        def stop(self) -> None:
            self.request_stop()
            self.request_stop()

        @reaction(shutdown, effects=[shutdown])
        def again(self) -> None:
            self.request_stop()

    assert run(Twice(), workers=1).tag == (0, 1)


class Later(Reactor):
    count: int = 1

    def compose(self) -> None:
        self.source, self.sink = Source(), Sink()


@pytest.mark.parametrize("use", [check, plan, run])
def test_what_comes_after_compose_is_refused_instead_of_forgotten(use: Callable[[Reactor], object]) -> None:
    topology = Later()
    with pytest.raises(TopologyError, match=r"Later\.connect\(\) at .*test_misuse\.py:\d+ comes after compose\(\)"):
        topology.connect(topology.source.out, topology.sink.inp)
    with pytest.raises(TopologyError, match=r"Later\.place\(\) at .*: call it in there"):
        topology.place(topology.source, threads=2)
    topology.count = 2
    topology.extra = Source()  # type: ignore[attr-defined]
    with pytest.raises(TopologyError) as caught:
        use(topology)
    text = str(caught.value)
    assert "Later.count was assigned after compose(), and a run makes the topology anew" in text
    assert "write Later(count=...)" in text
    assert "Later.extra was assigned after compose()" in text
