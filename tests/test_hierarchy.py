"""Reactors that contain reactors: names, reading what is inside, setting what goes in."""

from __future__ import annotations

import pytest

from rlreactor import Input, Inputs, Output, Outputs, Reactor, Timer, TopologyError, check, ms, reaction, startup, state

from .placements import run_everywhere


class Source(Reactor):
    start: int = 0
    tick = Timer(0, ms(1))
    out = Output(int)
    outs = Outputs(int, width=2)
    count: int = state(0)

    @reaction(tick, effects=[out, outs])
    def send(self) -> None:
        number = self.start + self.count
        self.out.set(number)
        self.outs[self.count % 2].set(number)
        self.count += 1


class Sink(Reactor):
    inp = Input(int)
    out = Output(int)

    @reaction(inp, effects=[out])
    def receive(self) -> None:
        self.out.set(-self.inp.value)


class Reading(Reactor):
    """A timer triggers it; it reads what is inside at the same tag."""

    tick = Timer(0, ms(1))
    seen = Output(int)
    source = Source(start=5)

    @reaction(tick, reads=[source.out], effects=[seen])
    def look(self) -> None:
        self.seen.set(self.source.out.value if self.source.out.present else -1)


def test_a_container_reads_a_contained_output_at_the_same_tag() -> None:
    result = run_everywhere(Reading(), timeout=ms(2))
    assert [event for event in result.trace if event.path == "seen"] == [((ms(n), 0), "seen", 5 + n) for n in range(3)]


def test_a_contained_reactor_of_the_class_body_belongs_to_each_instance() -> None:
    one, other = Reading(), Reading()
    assert one.source is not other.source
    assert one.source.path == "source"
    assert one.source.start == 5
    assert list(check(one).reactors) == ["", "source"]


class Setting(Reactor):
    """Sets the inputs of what is inside."""

    tick = Timer(0, ms(1))
    sink = Sink()
    out = Output(int)

    @reaction(tick, effects=[sink.inp])
    def send(self) -> None:
        self.sink.inp.set(self.tag.time // ms(1))

    @reaction("sink.out", effects=[out])
    def receive(self) -> None:
        self.out.set(self.sink.out.value)


def test_a_container_sets_a_contained_input_and_sees_the_answer_at_the_same_tag() -> None:
    result = run_everywhere(Setting(), timeout=ms(2))
    assert result.trace == [
        event
        for n in range(3)
        for event in [((ms(n), 0), "sink.inp", n), ((ms(n), 0), "sink.out", -n), ((ms(n), 0), "out", -n)]
    ]


class Banked(Reactor):
    size: int = 3
    total = Output(int)
    first = Output(int)

    def compose(self) -> None:
        self.sources = [Source(start=10 * i) for i in range(self.size)]

    @reaction("sources[*].out", effects=[total])
    def add(self) -> None:
        self.total.set(sum(source.out.value for source in self.sources if source.out.present))

    @reaction("sources[1].outs", effects=[first])
    def pick(self) -> None:
        self.first.set(sum((i + 1) * 100 + p.value for i, p in enumerate(self.sources[1].outs) if p.present))


def test_paths_with_a_star_name_all_of_a_bank() -> None:
    result = run_everywhere(Banked(), timeout=ms(1))
    assert [event for event in result.trace if event.path in ("total", "first")] == [
        ((0, 0), "total", 30),
        ((0, 0), "first", 110),
        ((ms(1), 0), "total", 33),
        ((ms(1), 0), "first", 211),
    ]
    node = next(node for node in check(Banked()).reactions if node.path == "add")
    assert node.triggers == ("sources[0].out", "sources[1].out", "sources[2].out")
    node = next(node for node in check(Banked()).reactions if node.path == "pick")
    assert node.triggers == ("sources[1].outs[0]", "sources[1].outs[1]")


class Inner(Reactor):
    inputs = Inputs(int, width=2)
    out = Output(int)

    def compose(self) -> None:
        self.sinks = [Sink(), Sink()]
        self.connect(self.inputs, [sink.inp for sink in self.sinks])
        self.connect(self.sinks[1].out, self.out)


class Deep(Reactor):
    def compose(self) -> None:
        self.source = Source()
        self.inner = Inner()
        self.last = Sink()
        self.connect(self.source.outs, self.inner.inputs)
        self.connect(self.inner.out, self.last.inp)


def test_connections_pass_through_containers() -> None:
    assert [f"{edge.source} -> {edge.sink}" for edge in check(Deep()).edges] == [
        "source.outs[0] -> inner.sinks[0].inp",
        "source.outs[1] -> inner.sinks[1].inp",
        "inner.sinks[1].out -> last.inp",
    ]
    result = run_everywhere(Deep(), timeout=ms(1))
    assert [event for event in result.trace if not event.path.startswith("source")] == [
        ((0, 0), "inner.sinks[0].out", 0),
        ((ms(1), 0), "inner.sinks[1].out", -1),
        ((ms(1), 0), "last.out", 1),
    ]


class Outermost(Reactor):
    """Sets an input of a container that hands it to two reactors inside it."""

    inner = Inner()
    got = Output(int)

    @reaction(startup, effects=["inner.inputs[1]"])
    def send(self) -> None:
        self.inner.inputs[1].set(7)

    @reaction("inner.out", effects=[got])
    def receive(self) -> None:
        self.got.set(self.inner.out.value)


def test_a_value_set_from_outside_goes_through_the_container() -> None:
    assert run_everywhere(Outermost()).trace == [
        ((0, 0), "inner.inputs[1]", 7),
        ((0, 0), "inner.sinks[1].out", -7),
        ((0, 0), "got", -7),
    ]


def test_names_are_paths() -> None:
    class Nested(Reactor):
        def compose(self) -> None:
            self.grid = [[Inner(), Inner()], [Inner()]]

    topology = Nested()
    assert topology.grid[0][1].path == "grid[0][1]"
    assert topology.grid[1][0].sinks[1].inp.path == "grid[1][0].sinks[1].inp"
    assert list(check(topology).reactors)[:4] == ["", "grid[0][0]", "grid[0][0].sinks[0]", "grid[0][0].sinks[1]"]


def test_an_unknown_path_gets_a_hint() -> None:
    class Wrong(Reactor):
        source = Source()

        @reaction("source.oot")
        def look(self) -> None: ...

        @reaction("sauce.out")
        def look_again(self) -> None: ...

    with pytest.raises(TopologyError) as caught:
        check(Wrong())
    texts = caught.value.violations
    assert len(texts) == 2
    assert "reaction look (" in texts[0]
    assert "names 'source.oot', which Wrong does not have; did you mean 'source.out'?" in texts[0]
    assert "names 'sauce.out', which Wrong does not have; did you mean 'source.out'?" in texts[1]


def test_roles_that_cannot_be_are_refused() -> None:
    class Wrong(Reactor):
        inp = Input(int)
        out = Output(int)
        tick = Timer(0)
        source = Source()
        sink = Sink()

        @reaction(out)
        def own_output(self) -> None: ...

        @reaction("sink.inp")
        def contained_input(self) -> None: ...

        @reaction(startup, effects=[inp])
        def own_input(self) -> None: ...

        @reaction(inp, effects=["source.out"])
        def contained_output(self) -> None: ...

        @reaction(inp, effects=[tick])
        def timer(self) -> None: ...

    with pytest.raises(TopologyError) as caught:
        check(Wrong())
    texts = caught.value.violations
    assert [text.split(" ")[1] for text in texts] == [
        "own_output", "contained_input", "own_input", "contained_output", "timer",
    ]  # fmt: skip
    for text, words in zip(
        texts,
        [
            "output out cannot trigger a reaction of its own reactor",
            "input sink.inp cannot be read: of a contained reactor only outputs can",
            "input inp cannot be an effect; effects are outputs, actions and shutdown",
            "output source.out cannot be an effect: of a contained reactor only inputs can be set",
            "timer tick cannot be an effect",
        ],
        strict=True,
    ):
        assert words in text


def test_a_reactor_has_one_place() -> None:
    class Twice(Reactor):
        def compose(self) -> None:
            self.one = Sink()
            self.other = self.one
            Source()

    with pytest.raises(TopologyError) as caught:
        check(Twice())
    texts = caught.value.violations
    assert any("Twice.other is the same reactor as Twice.one; a reactor has one place" in text for text in texts)
    assert any(
        "Source made at" in text and "belongs to nobody: assign it to an attribute of Twice" in text for text in texts
    )


def test_an_input_that_is_connected_and_set_has_two_writers() -> None:
    class Both(Reactor):
        source = Source()
        sink = Sink()

        def compose(self) -> None:
            self.connect(self.source.out, self.sink.inp)

        @reaction(startup, effects=[sink.inp])
        def send(self) -> None: ...

    with pytest.raises(
        TopologyError, match=r"sink\.inp \(.*\) has two writers: source\.out \(connected at .*\) and reaction send"
    ):
        check(Both())


def test_only_an_instance_can_be_checked() -> None:
    with pytest.raises(TopologyError, match=r"expected a Reactor, received <class .*; make an instance: Deep\(\)"):
        check(Deep)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
