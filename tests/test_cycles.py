"""Causality: cycles without delay are refused, with every step by path and line."""

from __future__ import annotations

import pytest

from rlreactor import Action, Input, Output, Reactor, TopologyError, check, reaction, startup

from .placements import run_everywhere


class Relay(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def hand_on(self) -> None:
        self.out.set(self.inp.value)


RELAY = Relay._declaration.reactions[0].where  # pyright: ignore[reportPrivateUsage]


class Ring(Reactor):
    after: int | None = None

    def compose(self) -> None:
        self.relays = [Relay(), Relay(), Relay()]
        for one, other in zip(self.relays, [*self.relays[1:], self.relays[0]], strict=True):
            self.connect(one.out, other.inp, after=self.after if other is self.relays[0] else None)


CONNECT = Ring()._connections[0].where  # pyright: ignore[reportPrivateUsage]


def test_the_whole_cycle_is_printed() -> None:
    with pytest.raises(TopologyError) as caught:
        check(Ring())
    assert caught.value.violations == (
        "a cycle without delay:\n"
        f"  relays[0].hand_on ({RELAY}) sets relays[0].out, connected to relays[1].inp at {CONNECT}\n"
        f"  relays[1].hand_on ({RELAY}) sets relays[1].out, connected to relays[2].inp at {CONNECT}\n"
        f"  relays[2].hand_on ({RELAY}) sets relays[2].out, connected to relays[0].inp at {CONNECT}\n"
        "  relays[0].hand_on: back at the start\n"
        "break it with after=... on one of the connections, with an action, or by reordering the reactions",
    )


@pytest.mark.parametrize("after", [0, 1])
def test_a_delay_breaks_it(after: int) -> None:
    assert check(Ring(after=after)).levels == 3


class Ordered(Reactor):
    """Reads what a later reaction of its own causes."""

    inp = Input(int)
    out = Output(int)

    @reaction(inp)
    def first(self) -> None: ...

    @reaction(startup, effects=[out])
    def second(self) -> None:
        self.out.set(1)


class Reordered(Reactor):
    inp = Input(int)
    out = Output(int)
    seen = Output(int)

    @reaction(startup, effects=[out])
    def first(self) -> None:
        self.out.set(1)

    @reaction(inp, effects=[seen])
    def second(self) -> None:
        self.seen.set(self.inp.value)


def looped(inner: type[Reactor]) -> Reactor:
    class Top(Reactor):
        def compose(self) -> None:
            self.inner = inner()
            self.relay = Relay()
            self.connect(self.inner.out, self.relay.inp)  # type: ignore[attr-defined]  # pyright: ignore
            self.connect(self.relay.out, self.inner.inp)  # type: ignore[attr-defined]  # pyright: ignore

    return Top()


def test_the_order_of_reactions_is_part_of_the_cycle() -> None:
    with pytest.raises(TopologyError) as caught:
        check(looped(Ordered))
    text = str(caught.value)
    assert "inner.first (" in text
    assert "comes before it in inner" in text
    assert "inner.second (" in text
    assert "sets inner.out, connected to relay.inp" in text
    assert "relay.hand_on (" in text
    assert "sets relay.out, connected to inner.inp" in text


def test_reordering_breaks_it_and_the_answer_comes_at_the_same_tag() -> None:
    result = run_everywhere(looped(Reordered))
    assert result.trace == [((0, 0), "inner.out", 1), ((0, 0), "relay.out", 1), ((0, 0), "inner.seen", 1)]


def test_a_reaction_may_not_feed_itself() -> None:
    class Self(Reactor):
        def compose(self) -> None:
            self.relay = Relay()
            self.connect(self.relay.out, self.relay.inp)

    with pytest.raises(TopologyError) as caught:
        check(Self())
    connect = Self()._connections[0].where  # pyright: ignore[reportPrivateUsage]
    assert caught.value.violations[0].startswith(
        f"a cycle without delay:\n  relay.hand_on ({RELAY}) sets relay.out, connected to relay.inp at {connect}\n"
        "  relay.hand_on: back at the start\n"
    )


def test_an_input_may_not_cause_what_an_earlier_reaction_reads() -> None:
    class Backwards(Reactor):
        inp = Input(int)
        out = Output(int)

        @reaction(inp)
        def first(self) -> None: ...

        @reaction(startup, effects=[out])
        def second(self) -> None: ...

    class Self(Reactor):
        def compose(self) -> None:
            self.backwards = Backwards()
            self.connect(self.backwards.out, self.backwards.inp)

    with pytest.raises(TopologyError, match=r"backwards\.second .* sets backwards\.out, connected to backwards\.inp"):
        check(Self())


def test_a_container_may_be_part_of_a_cycle() -> None:
    class Container(Reactor):
        relay = Relay()

        @reaction("relay.out", effects=[relay.inp])
        def around(self) -> None: ...

    with pytest.raises(TopologyError) as caught:
        check(Container())
    assert "around (" in str(caught.value)
    assert "sets relay.inp" in str(caught.value)
    assert "sets relay.out" in str(caught.value)


def test_an_action_breaks_a_cycle() -> None:
    class Acting(Reactor):
        inp = Input(int)
        out = Output(int)
        action = Action(int)

        @reaction(startup, action, effects=[out])
        def send(self) -> None:
            self.out.set(self.action.value if self.action.present else 0)

        @reaction(inp, effects=[action])
        def receive(self) -> None:
            if self.inp.value < 3:
                self.action.schedule(self.inp.value + 1)

    result = run_everywhere(looped(Acting))
    assert [event for event in result.trace if event.path == "inner.out"] == [
        ((0, n), "inner.out", n) for n in range(4)
    ]


def test_reading_back_ones_own_output_is_no_cycle() -> None:
    class ReadBack(Reactor):
        out = Output(int)

        @reaction(startup, reads=[out], effects=[out])
        def first(self) -> None:
            assert not self.out.present
            self.out.set(1)

        @reaction(startup, reads=[out], effects=[out])
        def second(self) -> None:
            self.out.set(self.out.value + 1)

    assert run_everywhere(ReadBack()).trace == [((0, 0), "out", 2)]


def test_two_cycles_are_at_least_not_taken_for_none() -> None:
    class Two(Reactor):
        def compose(self) -> None:
            self.one = Ring()
            self.other = Ring()

    with pytest.raises(TopologyError, match="a cycle without delay"):
        check(Two())
