"""Connections: how lists pair, what delays mean, and every mistake with both ends by path and line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rlreactor import (
    Array,
    Input,
    Inputs,
    Output,
    Outputs,
    Reactor,
    TopologyError,
    broadcast,
    check,
    interleaved,
    ms,
    reaction,
    startup,
)
from rlreactor.tag import Delay

from .placements import run_everywhere


class Sender(Reactor):
    out = Output(int)
    many = Outputs(int, width=2)

    @reaction(startup, effects=[out, many])
    def send(self) -> None:
        self.out.set(0)


class Receiver(Reactor):
    inp = Input(int)
    many = Inputs(int, width=2)
    wide = Inputs(int, width=4)
    arrays = Input(Array(np.float32, (3,)))

    @reaction(inp, many, wide, arrays)
    def receive(self) -> None: ...


def edges(compose: Callable[[Any], None]) -> list[str]:
    """What the connections that `compose` makes join, as "source -> sink"."""
    topology = type("Top", (Reactor,), {"compose": compose, "__module__": __name__})()
    found: list[str] = []
    for edge in check(topology).edges:
        delay = "" if edge.delay == Delay(0, 0) else f" +{edge.delay.time}.{edge.delay.microsteps}"
        found.append(f"{edge.source} -> {edge.sink}{delay}")
    return found


def violations(compose: Callable[[Any], None]) -> list[str]:
    with pytest.raises(TopologyError) as caught:
        edges(compose)
    return [text.replace(__file__, "FILE") for text in caught.value.violations]


def line(compose: Callable[[Any], None], offset: int) -> str:
    return f"FILE:{compose.__code__.co_firstlineno + offset}"


# How lists pair


def test_one_source_feeds_every_sink() -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = [Receiver(), Receiver()]
        self.connect(self.a.out, [b.inp for b in self.b])

    assert edges(compose) == ["a.out -> b[0].inp", "a.out -> b[1].inp"]


def test_lists_pair_in_order_bank_outer_port_inner() -> None:
    def compose(self: Any) -> None:
        self.a = [Sender(), Sender()]
        self.b = Receiver()
        self.connect([a.many for a in self.a], self.b.wide)

    assert edges(compose) == [
        "a[0].many[0] -> b.wide[0]",
        "a[0].many[1] -> b.wide[1]",
        "a[1].many[0] -> b.wide[2]",
        "a[1].many[1] -> b.wide[3]",
    ]


def test_interleaved_swaps_bank_and_port() -> None:
    def compose(self: Any) -> None:
        self.a = [Sender(), Sender()]
        self.b = Receiver()
        self.connect(interleaved([a.many for a in self.a]), self.b.wide)

    assert edges(compose) == [
        "a[0].many[0] -> b.wide[0]",
        "a[1].many[0] -> b.wide[1]",
        "a[0].many[1] -> b.wide[2]",
        "a[1].many[1] -> b.wide[3]",
    ]


def test_broadcast_repeats_the_whole_source() -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = [Receiver(), Receiver()]
        self.connect(broadcast(self.a.many), [b.many for b in self.b])

    assert edges(compose) == [
        "a.many[0] -> b[0].many[0]",
        "a.many[1] -> b[0].many[1]",
        "a.many[0] -> b[1].many[0]",
        "a.many[1] -> b[1].many[1]",
    ]


def test_slices_of_multiports_connect() -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = Receiver()
        self.connect(self.a.many, self.b.wide[1:3])

    assert edges(compose) == ["a.many[0] -> b.wide[1]", "a.many[1] -> b.wide[2]"]


# Delays


class Relay(Reactor):
    """Hands its input on, without a reaction, after a delay."""

    after: int | None = None
    inp = Input(int)
    out = Output(int)

    def compose(self) -> None:
        ends: Any = (self.inp, self.out)
        self.connect(*ends, after=self.after)


class Chain(Reactor):
    """Source → relays → sink."""

    delays: tuple[int | None, ...]
    last: int | None = None

    def compose(self) -> None:
        self.source = Sender()
        self.relays = [Relay(after=after) for after in self.delays]
        self.sink = Echo()
        ports = [self.source.out, *[relay.out for relay in self.relays]]
        for port, relay in zip(ports, self.relays, strict=False):
            self.connect(port, relay.inp)
        self.connect(ports[-1], self.sink.inp, after=self.last)


class Echo(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def echo(self) -> None:
        self.out.set(self.inp.value)


@pytest.mark.parametrize(
    ("delays", "last", "tag"),
    [
        ((), None, (0, 0)),
        ((None,), None, (0, 0)),
        ((0,), None, (0, 1)),
        ((0, 0), 0, (0, 3)),
        ((ms(1),), None, (ms(1), 0)),
        ((ms(1), 0), None, (ms(1), 1)),
        ((0, ms(1)), None, (ms(1), 0)),
        ((ms(1), None, ms(2)), 0, (ms(3), 1)),
        ((0, ms(2), 0), ms(1), (ms(3), 0)),
    ],
)
def test_delays_add_up_through_containers(
    delays: tuple[int | None, ...], last: int | None, tag: tuple[int, int]
) -> None:
    result = run_everywhere(Chain(delays=delays, last=last), workers=(2,))
    assert result.trace == [((0, 0), "source.out", 0), (tag, "sink.out", 0)]


class Often(Reactor):
    """Sends at (0, 0), (0, 1) and (0, 2)."""

    inp = Input(int)
    out = Output(int)

    @reaction(startup, inp, effects=[out])
    def send(self) -> None:
        if self.tag.microstep < 3:
            self.out.set(self.tag.microstep)


class Collision(Reactor):
    after: int

    def compose(self) -> None:
        self.often = Often()
        self.echo = Echo()
        self.connect(self.often.out, self.often.inp, after=0)
        self.connect(self.often.out, self.echo.inp, after=self.after)


def test_of_values_that_arrive_at_one_tag_the_last_counts() -> None:
    result = run_everywhere(Collision(after=ms(1)))
    assert result.trace == [
        ((0, 0), "often.out", 0),
        ((0, 1), "often.out", 1),
        ((0, 2), "often.out", 2),
        ((ms(1), 0), "echo.out", 2),
    ]


def test_of_two_writes_at_one_tag_the_last_counts() -> None:
    class Twice(Reactor):
        out = Output(int)

        @reaction(startup, effects=[out])
        def first(self) -> None:
            self.out.set(1)
            self.out.set(2)

        @reaction(startup, effects=[out])
        def second(self) -> None:
            self.out.set(3)

    class Top(Reactor):
        def compose(self) -> None:
            self.twice = Twice()
            self.echo = Echo()
            self.later = Echo()
            self.connect(self.twice.out, self.echo.inp)
            self.connect(self.twice.out, self.later.inp, after=0)

    assert run_everywhere(Top()).trace == [
        ((0, 0), "twice.out", 3),
        ((0, 0), "echo.out", 3),
        ((0, 1), "later.out", 3),
    ]


# Mistakes


def test_widths_must_fit() -> None:
    def compose(self: Any) -> None:
        self.a = [Sender(), Sender(), Sender()]
        self.b = Receiver()
        self.connect([a.out for a in self.a], self.b.many)
        self.connect([a.out for a in self.a], self.b.inp)
        self.connect([self.a[0].out, self.a[1].out], self.b.wide)

    assert violations(compose) == [
        f"connect at {line(compose, 3)}: 3 sources (a[0].out, a[1].out, a[2].out) for 2 sinks (b.many[0], b.many[1]); "
        "widths must be equal",
        f"connect at {line(compose, 4)}: 3 sources (a[0].out, a[1].out, a[2].out) for 1 sinks (b.inp); "
        "an input has one writer; declare it as Inputs(..., width=...) to receive from many",
        f"connect at {line(compose, 5)}: 2 sources (a[0].out, a[1].out) for 4 sinks "
        "(b.wide[0], b.wide[1], … b.wide[3]); widths must be equal; broadcast(...) repeats the source",
    ]


def test_a_second_writer_is_refused_with_both() -> None:
    def compose(self: Any) -> None:
        self.a = [Sender(), Sender()]
        self.b = Receiver()
        self.connect(self.a[0].out, self.b.inp)
        self.connect(self.a[1].out, self.b.inp)

    assert violations(compose) == [
        f"connect at {line(compose, 4)}: b.inp already receives from a[0].out (connected at {line(compose, 3)}), "
        "now also from a[1].out; an input has one writer: use Inputs(..., width=2) or another port"
    ]


def test_a_reversed_connection_is_turned_round_in_the_message() -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = Receiver()
        self.connect(self.b.inp, self.a.out)

    assert violations(compose) == [
        f"connect at {line(compose, 3)}: source b.inp is an input and sink a.out is an output: reversed; "
        "swap the two arguments: connect(a.out, b.inp)"
    ]


def test_two_outputs_and_two_inputs_of_contained_reactors_do_not_connect() -> None:
    def compose(self: Any) -> None:
        self.a = [Sender(), Sender()]
        self.b = [Receiver(), Receiver()]
        self.connect(self.a[0].out, self.a[1].out)
        self.connect(self.b[0].inp, self.b[1].inp)

    assert violations(compose) == [
        f"connect at {line(compose, 3)}: source a[0].out is an output and sink a[1].out is an output; "
        "connect takes outputs of some reactors to inputs of others; inputs of a[1]: none",
        f"connect at {line(compose, 4)}: source b[0].inp is an input and sink b[1].inp is an input; "
        "connect takes outputs of some reactors to inputs of others; outputs of b[0]: none",
    ]


class Box(Reactor):
    inp = Input(int)
    out = Output(int)

    def compose(self) -> None:
        self.inner = Sender()
        self.receiver = Receiver()


def test_one_connects_within_one_container() -> None:
    def compose(self: Any) -> None:
        self.box = Box()
        self.b = Receiver()
        self.connect(self.box.inner.out, self.b.inp)

    assert violations(compose) == [
        f"connect at {line(compose, 3)}: output box.inner.out belongs neither to Top nor to a reactor directly "
        "inside it; connect through the ports of the reactor that contains it"
    ]


def test_specs_must_be_the_same() -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = Receiver()
        self.connect(self.a.out, self.b.arrays)

    sender, receiver = (cls._declaration.elements for cls in (Sender, Receiver))  # pyright: ignore[reportPrivateUsage]
    assert violations(compose) == [
        f"connect at {line(compose, 3)}: a.out sends int (FILE:{sender['out'].where.line}) but b.arrays expects "
        f"Array(float32, (3,)) (FILE:{receiver['arrays'].where.line}); declare both with the same spec"
    ]


def test_specs_are_compared_after_their_names_are_resolved() -> None:
    class Sized(Reactor):
        size: int
        out = Output(Array(np.float32, ("size",)))
        inp = Input(Array(np.float32, ("size",)))

        @reaction(startup, inp, effects=[out])
        def send(self) -> None: ...

    def fitting(self: Any) -> None:
        self.a = Sized(size=3)
        self.b = Receiver()
        self.connect(self.a.out, self.b.arrays)

    def wrong(self: Any) -> None:
        self.a = Sized(size=3)
        self.b = Sized(size=4)
        self.connect(self.a.out, self.b.inp)

    assert edges(fitting) == ["a.out -> b.arrays"]
    (text,) = violations(wrong)
    assert "a.out sends Array(float32, (3,))" in text
    assert "b.inp expects Array(float32, (4,))" in text


@pytest.mark.parametrize("after", [-1, 0.5, True, "1ms"])
def test_delays_are_whole_and_not_negative(after: Any) -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = Receiver()
        self.connect(self.a.out, self.b.inp, after=after)

    assert violations(compose) == [
        f"connect at {line(compose, 3)}: after: expected None or ns as an int of 0 or more (ms(5), TICK), "
        f"received {after!r}"
    ]


def test_only_ports_connect() -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = Receiver()
        self.connect(self.a, self.b.inp)
        self.connect(self.a.out, 3)
        self.connect(self.a.out, "b.inp")

    texts = violations(compose)
    assert texts[0] == (
        f"connect at {line(compose, 3)}: expected ports or lists of ports, received Sender(); "
        "name one of its ports: out, many"
    )
    assert texts[1:] == [
        f"connect at {line(compose, 4)}: expected ports or lists of ports, received 3",
        f"connect at {line(compose, 5)}: expected ports or lists of ports, received 'b.inp'",
    ]


def test_all_mistakes_come_at_once() -> None:
    def compose(self: Any) -> None:
        self.a = Sender()
        self.b = Receiver()
        self.connect(self.b.inp, self.a.out)
        self.connect(self.a.out, self.b.arrays)
        self.connect(self.a.out, self.b.inp, after=-1)
        self.connect(self.a.out, self.b.many[0])
        self.connect(self.a.out, self.b.many[0])
        Receiver()

    texts = violations(compose)
    assert len(texts) == 5
    for text, words in zip(
        sorted(texts),
        ["Receiver made at", "b.inp is an input", "expects Array", "after: expected", "already receives"],
        strict=True,
    ):
        assert words in text


def test_a_connection_in_a_circle_is_refused() -> None:
    class Empty(Reactor):
        inp = Input(int)
        out = Output(int)

        def compose(self) -> None:
            ends: Any = (self.inp, self.out)
            self.connect(*ends)

    def compose(self: Any) -> None:
        self.a = Empty()
        self.b = Empty()
        self.echo = Echo()
        self.connect(self.a.out, [self.b.inp, self.echo.inp], after=ms(1))
        self.connect(self.b.out, self.a.inp)

    (text,) = violations(compose)
    assert "is connected to itself in a circle" in text


def test_an_unconnected_input_is_never_present() -> None:
    class Lonely(Reactor):
        inp = Input(int)
        out = Output(bool)

        @reaction(startup, reads=[inp], effects=[out])
        def look(self) -> None:
            self.out.set(self.inp.present)

    assert run_everywhere(Lonely()).trace == [((0, 0), "out", False)]
