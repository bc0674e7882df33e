"""Ports: presence, hold, mutable, giving values away, and what is refused."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# Bare `dict` and `list` are what is tested; strict checking wants their parameters.

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlreactor import (
    AbsentError,
    Array,
    Input,
    Inputs,
    Output,
    Outputs,
    Reactor,
    RunError,
    SpecError,
    Struct,
    Timer,
    TopologyError,
    ms,
    reaction,
    run,
    startup,
    state,
)

from .placements import TINY, run_everywhere, run_placed

PAIR = Array(np.float64, (2,))
STEP = Struct(obs=Array(np.float64, (2,)), count=Array(np.int64, ()))


# Presence


class Sometimes(Reactor):
    """Sends its count at every second tag."""

    tick = Timer(0, ms(1))
    out = Output(int)
    count: int = state(0)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        if self.count % 2 == 0:
            self.out.set(self.count)
        self.count += 1


class Looking(Reactor):
    hold: bool = False
    tick = Timer(0, ms(1))
    inp = Input(int)
    held = Input(int, hold=True)
    out = Output(str)

    @reaction(tick, reads=[inp, held], effects=[out])
    def look(self) -> None:
        value = self.inp.value if self.inp.present else None
        self.out.set(f"{value} {self.held.present} {self.held.value}")


class Presence(Reactor):
    def compose(self) -> None:
        self.source = Sometimes()
        self.sink = Looking()
        self.connect(self.source.out, [self.sink.inp, self.sink.held])


def test_a_held_input_keeps_its_value_and_says_whether_it_is_new() -> None:
    result = run_everywhere(Presence(), timeout=ms(3))
    assert [event for event in result.trace if event.path == "sink.out"] == [
        ((0, 0), "sink.out", "0 True 0"),
        ((ms(1), 0), "sink.out", "None False 0"),
        ((ms(2), 0), "sink.out", "2 True 2"),
        ((ms(3), 0), "sink.out", "None False 2"),
    ]


class Absent(Reactor):
    which: str
    tick = Timer(0)
    plain = Input(int)
    held = Input(int, hold=True)

    @reaction(tick, reads=[plain, held])
    def look(self) -> None:
        _ = (self.plain if self.which == "plain" else self.held).value


def test_the_value_of_an_absent_port_is_an_error_with_a_way_out() -> None:
    with pytest.raises(AbsentError) as caught:
        run(Absent(which="plain"), workers=1)
    assert (
        "plain carries nothing at (0 ns, 0), in reaction look; ask .present first, "
        "or declare it with hold=True to keep its last value" in str(caught.value)
    )
    with pytest.raises(AbsentError) as caught:
        run(Absent(which="held"), workers=1)
    assert "held carries nothing at (0 ns, 0), in reaction look; ask .present first" in str(caught.value)
    assert "hold=True" not in str(caught.value).splitlines()[0]


# Values that change hands


class Writer(Reactor):
    """Sends arrays in every way there is; the value at tag n is [n, n]."""

    how: str
    tick = Timer(0, ms(1))
    out = Output(PAIR)
    buffer: Any = state()
    count: int = state(0)

    @reaction(startup)
    def begin(self) -> None:
        self.buffer = np.zeros((2, 2))

    @reaction(tick, effects=[out])
    def send(self) -> None:
        number = float(self.count)
        self.count += 1
        match self.how:
            case "fresh":
                self.out.set(np.full(2, number))
            case "empty":
                lent = self.out.empty()
                lent[:] = number
                self.out.set(lent)
            case "row":
                self.buffer[0] = number
                self.out.set(self.buffer[0])
                self.buffer[:] = -1
            case "twice":
                self.out.set(np.full(2, -5.0))
                self.out.set(np.full(2, number))
            case "emptied twice":
                first = self.out.empty()
                first[:] = -7
                second = self.out.empty()
                second[:] = number
                self.out.set(second)
            case "given back":
                first = self.out.empty()
                first[:] = -7
                self.out.set(np.full(2, number))
            case _:
                lent = self.out.empty()
                lent[:] = number
                self.out.set(lent)
                lent = self.out.empty()
                lent[:] = -9


class Keeper(Reactor):
    """Keeps every array it receives, without copying."""

    inp = Input(PAIR)
    kept: list[Any] = state(factory=list)

    @reaction(inp)
    def keep(self) -> None:
        self.kept.append(self.inp.value)


class Keeping(Reactor):
    how: str
    after: int | None = None

    def compose(self) -> None:
        self.writer = Writer(how=self.how)
        self.keeper = Keeper()
        self.connect(self.writer.out, self.keeper.inp, after=self.after)


@pytest.mark.parametrize("after", [None, ms(5)])
@pytest.mark.parametrize("how", ["fresh", "empty", "row", "twice", "emptied twice", "given back", "set and emptied"])
def test_values_never_change_once_they_are_set(how: str, after: int | None) -> None:
    topology = Keeping(how=how, after=after)
    received = 41 if after is None else 41 - after // ms(1)
    for where, slots in (({}, 3), ({"keeper": 1}, 1), ({"keeper": 1}, 2)):
        result = run_placed(topology, where, inline_limit=TINY, slots=slots, timeout=ms(40))
        kept = [array.tolist() for array in result.state("keeper")["kept"]]
        assert kept == [[float(n), float(n)] for n in range(received)], where
        values = [event.value.tolist() for event in result.trace]
        assert values == [[float(n), float(n)] for n in range(41)]


class Refusing(Reactor):
    """Tries to change what it may not."""

    who: str
    tick = Timer(0)
    out = Output(PAIR)
    inp = Input(PAIR)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        given = np.zeros(2)
        self.out.set(given)
        if self.who == "sender":
            given[0] = 1
        if self.who == "reader of its own":
            self.out.value[0] = 1

    @reaction(inp)
    def receive(self) -> None:
        if self.who == "receiver":
            self.inp.value[0] = 1


class RefusingPair(Reactor):
    who: str

    def compose(self) -> None:
        self.sender = Refusing(who=self.who if "er of" in self.who or self.who == "sender" else "")
        self.receiver = Refusing(who=self.who if self.who == "receiver" else "")
        self.connect(self.sender.out, self.receiver.inp)


@pytest.mark.parametrize("where", [{}, {"receiver": 1}])
@pytest.mark.parametrize("who", ["sender", "receiver", "reader of its own"])
def test_a_value_that_was_set_is_read_only_for_everybody(who: str, where: dict[str, int]) -> None:
    with pytest.raises(RunError, match="ValueError: assignment destination is read-only"):
        run_placed(RefusingPair(who=who), where, inline_limit=TINY)


class Structured(Reactor):
    tick = Timer(0, ms(1))
    out = Output(STEP)
    count: int = state(0)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        step = self.out.empty()
        step.obs[:] = self.count
        step.count[...] = self.count
        self.count += 1
        self.out.set(step)


class Spoiling(Reactor):
    inp = Input(STEP, mutable=True)
    out = Output(float)

    @reaction(inp, effects=[out])
    def spoil(self) -> None:
        self.inp.value.obs[:] += 100
        self.out.set(float(self.inp.value.obs.sum()))


class Adding(Reactor):
    """Changes its copy by an augmented assignment, and cannot put another array there."""

    inp = Input(STEP, mutable=True)
    out = Output(float)

    @reaction(inp, effects=[out])
    def add(self) -> None:
        record = self.inp.value
        record.obs += 100
        with pytest.raises(AttributeError, match=r"cannot be replaced; fill the array in place: record\.obs\[\.\.\.\]"):
            record.obs = record.obs + 1
        self.out.set(float(record.obs.sum()))


class Reading(Reactor):
    inp = Input(STEP)
    out = Output(float)

    @reaction(inp, effects=[out])
    def read(self) -> None:
        self.out.set(float(self.inp.value.obs.sum() + self.inp.value.count))


class Records(Reactor):
    def compose(self) -> None:
        self.source = Structured()
        self.spoiling: list[Spoiling | Adding] = [Spoiling(), Adding()]
        self.reading = Reading()
        self.connect(self.source.out, [*[s.inp for s in self.spoiling], self.reading.inp])


def test_records_reach_every_reader_unspoilt() -> None:
    result = run_everywhere(Records(), timeout=ms(4))
    for path, values in [
        ("spoiling[0].out", [200.0 + 2 * n for n in range(5)]),
        ("spoiling[1].out", [200.0 + 2 * n for n in range(5)]),
        ("reading.out", [3.0 * n for n in range(5)]),
    ]:
        assert [event.value for event in result.trace if event.path == path] == values
    counts = [event.value.count.tolist() for event in result.trace if event.path == "source.out"]
    assert counts == [0, 1, 2, 3, 4]


class DictSource(Reactor):
    tick = Timer(0, ms(2))
    out = Output(dict)
    own: dict[str, list[int]] = state(factory=dict)

    @reaction(tick, effects=[out])
    def send(self) -> None:
        self.own.setdefault("n", []).append(self.tag.time // ms(1))
        self.out.set(self.own)
        self.own["later"] = [1]


class DictSpoiler(Reactor):
    tick = Timer(0, ms(1))
    inp = Input(dict, hold=True)
    out = Output(dict)

    @reaction(tick, reads=[inp], effects=[out])
    def spoil(self) -> None:
        self.inp.value["n"].append(-1)
        self.inp.value["spoilt"] = True

    @reaction(tick, reads=[inp], effects=[out])
    def tell(self) -> None:
        self.out.set(self.inp.value)


class Dicts(Reactor):
    def compose(self) -> None:
        self.source = DictSource()
        self.readers = [DictSpoiler(), DictSpoiler()]
        self.connect(self.source.out, [reader.inp for reader in self.readers])


def test_what_a_reader_does_to_its_dict_stays_with_it() -> None:
    """Not with the other reader, nor with the sender, nor with the value held for later tags."""
    result = run_everywhere(Dicts(), timeout=ms(3))
    first: dict[str, Any] = {"n": [0]}
    second = {"n": [0, 2], "later": [1]}
    for reader in (0, 1):
        told = [(event.tag.time, event.value) for event in result.trace if event.path == f"readers[{reader}].out"]
        assert [(time, {k: v for k, v in value.items() if k != "spoilt"}) for time, value in told] == [
            (0, first),
            (ms(1), first),
            (ms(2), second),
            (ms(3), second),
        ]


# What is refused


class WrongValue(Reactor):
    kind: str
    tick = Timer(0)
    array = Output(Array(np.float32, ("n",)))
    arrays = Outputs(Array(np.float32, (1,)), width=2)
    number = Output(int)
    n: int = 3

    @reaction(tick, effects=[array, arrays, number])
    def send(self) -> None:
        match self.kind:
            case "dtype":
                self.array.set(np.zeros(3))  # type: ignore[arg-type]
            case "shape":
                self.array.set(np.zeros(2, np.float32))
            case "channel":
                self.arrays[1].set(np.zeros(2, np.float32))
            case "number":
                self.number.set(1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            case _:
                self.number.empty()


class WrongInside(Reactor):
    kind: str

    def compose(self) -> None:
        self.inner = WrongValue(kind=self.kind)
        self.other = Keeper()


LINE = WrongValue._declaration.elements["array"].where.line  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("where", [{}, {"inner": 1}])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "dtype",
            f"inner.array ({__file__}:{LINE}): expected Array(float32, (3,)), received Array(float64, (3,)); "
            "convert with value.astype(np.float32)",
        ),
        ("shape", f"inner.array ({__file__}:{LINE}): expected Array(float32, (3,)), received Array(float32, (2,))"),
        (
            "channel",
            f"inner.arrays[1] ({__file__}:{LINE + 1}): expected Array(float32, (1,)), received Array(float32, (2,))",
        ),
        ("number", f"inner.number ({__file__}:{LINE + 2}): expected int, received float 1.5"),
        ("empty", "inner.number: empty() needs a fixed size, an Array or a Struct, and this carries int"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_path_and_line(kind: str, message: str, where: dict[str, int]) -> None:
    with pytest.raises(SpecError) as caught:
        run_placed(WrongInside(kind=kind), where, inline_limit=TINY)
    assert isinstance(caught.value, RunError)
    assert f"reaction inner.send failed at (0 ns, 0): SpecError: {message}" in str(caught.value)


def test_widths_are_checked() -> None:
    class Wide(Reactor):
        width: int = 2
        good = Inputs(int, width="width")
        bad = Inputs(int, width="widht")
        negative = Outputs(int, width=-1)

    with pytest.raises(TopologyError) as caught:
        Wide()
    texts = caught.value.violations
    assert [text.partition(";")[0] for text in texts] == [
        "Wide.bad: width: expected an int of 0 or more or the name of such a parameter, received 'widht'",
        "Wide.negative: width: expected an int of 0 or more or the name of such a parameter, received -1",
    ]
    assert "did you mean 'width'?" in texts[0]


def test_a_multiport_is_a_sequence_of_ports() -> None:
    class Wide(Reactor):
        width: int = 3
        inputs = Inputs(int, width="width")

    reactor = Wide()
    assert len(reactor.inputs) == 3
    assert [port.path for port in reactor.inputs] == ["inputs[0]", "inputs[1]", "inputs[2]"]
    assert [port.path for port in reactor.inputs[1:]] == ["inputs[1]", "inputs[2]"]
    assert len(Wide(width=0).inputs) == 0


def test_a_misspelt_port_is_found_while_composing() -> None:
    class Outer(Reactor):
        def compose(self) -> None:
            self.inner = Keeper()
            self.connect(self.inner.imp, self.inner.inp)  # type: ignore[attr-defined]  # pyright: ignore

    with pytest.raises(TopologyError, match=r"Keeper .* has no 'imp'; did you mean 'inp'\?"):
        Outer()
    with pytest.raises(AttributeError):
        _ = Keeper().imp  # type: ignore[attr-defined]  # pyright: ignore


class ZeroSized(Reactor):
    tick = Timer(0, ms(1))
    nothing = Output(Array(np.float32, (0,)))
    some = Output(Struct(none=Array(np.float32, (0, 3)), one=Array(np.int64, (1,)), last=Array(np.uint8, (0,))))

    @reaction(tick, effects=[nothing, some])
    def send(self) -> None:
        self.nothing.set(np.zeros(0, np.float32))
        value = self.some.empty()
        value.one[:] = self.tag.time
        self.some.set(value)


class ZeroReader(Reactor):
    nothing = Input(Array(np.float32, (0,)))
    some = Input(Struct(none=Array(np.float32, (0, 3)), one=Array(np.int64, (1,)), last=Array(np.uint8, (0,))))
    out = Output(str)

    @reaction(nothing, some, effects=[out])
    def tell(self) -> None:
        value = self.some.value
        self.out.set(f"{self.nothing.value.shape} {value.none.shape} {value.one.tolist()} {value.last.shape}")


class Zeros(Reactor):
    def compose(self) -> None:
        self.source = ZeroSized()
        self.reader = ZeroReader()
        self.connect(self.source.nothing, self.reader.nothing)
        self.connect(self.source.some, self.reader.some)


def test_arrays_without_elements_travel_too() -> None:
    result = run_everywhere(Zeros(), timeout=ms(2))
    assert [event.value for event in result.trace if event.path == "reader.out"] == [
        f"(0,) (0, 3) [{ms(n)}] (0,)" for n in range(3)
    ]
