"""A reaction touches only what it declared: found when the class is made, or else when it happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rlreactor import (
    Action,
    Input,
    Inputs,
    Output,
    Outputs,
    Reactor,
    RunError,
    Timer,
    TopologyError,
    reaction,
    run,
    shutdown,
    startup,
)


def violations(declare: Callable[[], Any]) -> list[str]:
    with pytest.raises(TopologyError) as caught:
        declare()
    return [text.replace(__file__, "FILE") for text in caught.value.violations]


def test_each_undeclared_use_is_named_with_its_line_and_what_to_add() -> None:
    def declare() -> None:
        class Careless(Reactor):  # pyright: ignore[reportUnusedClass]
            a = Input(int)
            b = Input(int)
            out = Output(int)
            act = Action(int)

            @reaction(a)
            def react(self) -> None:
                _ = self.b.value
                self.out.set(1)
                self.act.schedule(1)
                self.request_stop()

    first = declare.__code__.co_firstlineno + 7
    assert violations(declare) == [
        f"reaction Careless.react (FILE:{first}): line {first + 2} reads `b`, which it does not declare; "
        "add it to reads=[b]",
        f"reaction Careless.react (FILE:{first}): line {first + 3} sets `out`, which it does not declare; "
        "add it to effects=[out]",
        f"reaction Careless.react (FILE:{first}): line {first + 4} schedules `act`, which it does not declare; "
        "add it to effects=[act]",
        f"reaction Careless.react (FILE:{first}): line {first + 5} calls request_stop(); "
        "declare it with effects=[shutdown]",
    ]


def test_uses_in_helpers_properties_lambdas_and_comprehensions_are_found() -> None:
    def declare() -> None:
        class Hidden(Reactor):  # pyright: ignore[reportUnusedClass]
            a = Input(int)
            b = Input(int)
            c = Input(int)
            many = Inputs(int, width=2)
            out = Output(int)
            outs = Outputs(int, width=2)

            @reaction(a, effects=[])
            def through_methods(self) -> None:
                self.first_helper()

            def first_helper(self) -> None:
                self.second_helper()

            def second_helper(self) -> None:
                self.out.set(self.doubled)

            @property
            def doubled(self) -> int:
                return 2 * self.b.value

            @reaction(a)
            def in_a_comprehension(self) -> None:
                _ = [channel.value for channel in self.many]

            @reaction(a)
            def in_a_lambda(self) -> None:
                (lambda: self.outs[0].set(1))()

            @reaction(a)
            def in_a_nested_function(self) -> None:
                def inner() -> int:
                    return sum(self.c.value for _ in range(2))

                inner()

            @reaction(a)
            def in_a_loop(self) -> None:
                for channel in self.outs:
                    channel.set(1)

    texts = violations(declare)
    assert [(text.split(" (")[0], text.split("`")[1]) for text in texts] == [
        ("reaction Hidden.through_methods", "out"),
        ("reaction Hidden.through_methods", "b"),
        ("reaction Hidden.in_a_comprehension", "many"),
        ("reaction Hidden.in_a_lambda", "outs"),
        ("reaction Hidden.in_a_nested_function", "c"),
        ("reaction Hidden.in_a_loop", "outs"),
    ]


def test_the_handler_of_a_deadline_has_the_same_access() -> None:
    def declare() -> None:
        class Late(Reactor):  # pyright: ignore[reportUnusedClass]
            a = Input(int)
            out = Output(int)

            def missed(self) -> None:
                self.out.set(1)

            @reaction(a, deadline=1, late=missed)
            def react(self) -> None: ...

    (text,) = violations(declare)
    assert "sets `out`, which it does not declare" in text


def test_a_misspelt_port_is_found_with_a_hint() -> None:
    def declare() -> None:
        class Misspelt(Reactor):  # pyright: ignore[reportUnusedClass]
            weights = Input(int)
            other: Any

            @reaction(weights)
            def react(self) -> None:
                _ = self.wieghts.value  # type: ignore[attr-defined]  # pyright: ignore

    (text,) = violations(declare)
    assert text.endswith("`wieghts` is no port of Misspelt; did you mean 'weights'?")


def test_what_is_declared_may_be_used_everywhere() -> None:
    class Careful(Reactor):
        t = Timer(0)
        a = Input(int)
        many = Inputs(int, width=2)
        out = Output(int)
        outs = Outputs(int, width=2)
        act = Action(int)

        @reaction(startup, a, act, t, reads=[many], effects=[out, outs, act, shutdown])
        def react(self) -> None:
            self.helper()
            self.request_stop()

        def helper(self) -> None:
            for channel in self.outs:
                channel.set(len([c for c in self.many if c.present]))
            self.out.set(1)
            assert self.out.value == 1  # what one may set one may read back
            self.act.schedule(self.out.value)

    assert run(Careful(), workers=1, trace=True).trace == [
        ((0, 0), "out", 1),
        ((0, 0), "outs[0]", 0),
        ((0, 0), "outs[1]", 0),
        ((0, 1), "out", 1),
        ((0, 1), "outs[0]", 0),
        ((0, 1), "outs[1]", 0),
    ]


def test_a_later_reaction_reads_back_what_an_earlier_one_set() -> None:
    class ReadBack(Reactor):
        t = Timer(0)
        one = Output(int)
        two = Output(int)

        @reaction(t, effects=[one])
        def first(self) -> None:
            self.one.set(3)

        @reaction(t, reads=[one], effects=[two])
        def second(self) -> None:
            self.two.set(self.one.value + 1)

    assert run(ReadBack(), workers=1, trace=True).trace == [((0, 0), "one", 3), ((0, 0), "two", 4)]


def test_reading_back_without_declaring_it_is_found() -> None:
    def declare() -> None:
        class ReadBack(Reactor):  # pyright: ignore[reportUnusedClass]
            t = Timer(0)
            one = Output(int)
            two = Output(int)

            @reaction(t, effects=[one])
            def first(self) -> None:
                self.one.set(3)

            @reaction(t, effects=[two])
            def second(self) -> None:
                self.two.set(self.one.value)

    (text,) = violations(declare)
    assert "reads `one`, which it does not declare; add it to reads=[one]" in text


class Channels(Reactor):
    """Each reaction declares one channel of a multiport."""

    t = Timer(0)
    outs = Outputs(int, width=2)

    @reaction(t, effects=["outs[0]"])
    def first(self) -> None:
        self.outs[0].set(1)

    @reaction(t, reads=["outs[0]"], effects=["outs[1]"])
    def second(self) -> None:
        self.outs[1].set(self.outs[0].value + 1)


class OtherChannel(Channels):
    @reaction(Channels.t, effects=["outs[1]"])
    def second(self) -> None:
        self.outs[0].set(1)


def test_one_channel_of_a_multiport_may_be_declared() -> None:
    result = run(Channels(), workers=1, trace=True)
    assert [(path, value) for _, path, value in result.trace] == [("outs[0]", 1), ("outs[1]", 2)]
    with pytest.raises(RunError, match=r"reaction second sets outs\[0\] at \(0 ns, 0\) without having declared it"):
        run(OtherChannel(), workers=1)


# What the code does not show


def set_it(port: Output[int]) -> None:
    port.set(1)


def read_it(port: Any) -> Any:
    return port.value


class Sneaky(Reactor):
    how: str
    t = Timer(0)
    a = Input(int)
    out = Output(int)
    act = Action(int)

    @reaction(t)
    def react(self) -> None:
        name = "".join(["o", "ut"])
        port = getattr(self, name)
        match self.how:
            case "set":
                set_it(port)
            case "empty":
                port.empty()
            case "read":
                read_it(port)
            case "present":
                _ = getattr(self, "".join(["a"])).present
            case "schedule":
                getattr(self, "".join(["act"])).schedule(1)
            case _:
                read_it(getattr(self, "".join(["act"])))

    @reaction(a, effects=[out, act])
    def may(self) -> None:
        self.out.set(1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("set", "reaction react sets out at (0 ns, 0) without having declared it; add it to effects=[...] of the "),
        ("empty", "reaction react sets out at (0 ns, 0) without having declared it; add it to effects=[...] of the "),
        ("read", "reaction react reads out at (0 ns, 0) without having declared it; add it to reads=[...] of the "),
        ("present", "reaction react reads a at (0 ns, 0) without having declared it; add it to reads=[...] of the "),
        ("schedule", "reaction react schedules act at (0 ns, 0) without having declared it; add it to effects=[...] "),
        ("value", "reaction react reads act at (0 ns, 0) without having declared it; add it to reads=[...] of the "),
    ],
)
def test_what_the_code_hides_is_found_when_it_happens(how: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        run(Sneaky(how=how), workers=1)
    assert message in str(caught.value)
    assert f"{__file__}:" in str(caught.value)


def test_who_may_is_said() -> None:
    with pytest.raises(RunError, match=r"\(declared by: may\)"):
        run(Sneaky(how="set"), workers=1)


def test_ports_carry_values_only_inside_reactions() -> None:
    reactor = Sneaky(how="set")
    with pytest.raises(RunError, match=r"^a: ports carry values only inside reactions, while the topology runs$"):
        _ = reactor.a.value
    with pytest.raises(RunError, match=r"^out: ports carry values only inside reactions"):
        reactor.out.set(1)
    with pytest.raises(RunError, match=r"^act: an action is scheduled inside a reaction, while the topology runs"):
        reactor.act.schedule(1)
    for use in (lambda: reactor.tag, lambda: reactor.rng, lambda: reactor.lag, lambda: reactor.log(a=1)):
        with pytest.raises(RunError, match="only possible inside a reaction, while the topology runs"):
            use()


# Declarations that cannot be


def test_declarations_that_cannot_be_are_all_refused() -> None:
    def declare() -> None:
        class Wrong(Reactor):  # pyright: ignore[reportUnusedClass]
            a = Input(int)

            @reaction()
            def no_trigger(self) -> None: ...

            @reaction(a, deadline=5)
            def no_handler(self) -> None: ...

            @reaction(a, deadline=5, late="mised")
            def unknown_handler(self) -> None: ...

            @reaction(a)  # type: ignore[type-var]
            async def coroutine(self) -> None: ...

            @reaction(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            def number(self) -> None: ...

    texts = violations(declare)
    for name, message in [
        ("no_trigger", "has no trigger; name a port, timer, action or startup"),
        ("no_handler", "deadline= and late= belong together; give both or neither"),
        ("unknown_handler", "late='mised' is no method of Wrong"),
        ("coroutine", "is a coroutine or generator; a reaction runs to its end"),
        ("number", "expected a port, timer, action, startup, shutdown or a path such as 'child.out', received 3"),
    ]:
        assert any(f"reaction Wrong.{name} (FILE:" in text and message in text for text in texts), (name, texts)
