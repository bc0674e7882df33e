"""Random reactor programs, as Python source: what fails can be read, saved and cut down by hand.

Every reaction folds what it sees into one number, which decides what it sends, schedules and keeps. So one wrong,
missing, late or doubled value changes everything after it.
"""

from __future__ import annotations

import itertools
import linecache
import sys
import types
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from rlreactor import AbsentError, Array, Reactor, Struct, TopologyError, check
from rlreactor.spec import Record, Spec

__all__ = ["KINDS", "Program", "programs", "random_program"]

# What generated programs use

SMALL = Array(np.float64, (3,))
LARGE = Array(np.float64, (700,))
NOTHING = Array(np.float32, (0, 2))
SCALAR = Array(np.int64, ())
RECORD = Struct(a=Array(np.int64, (2,)), none=Array(np.float32, (0,)), b=Array(np.float32, (1500,)))

KINDS = {
    "int": "int",
    "dict": "dict",
    "str": "str",
    "small": "SMALL",
    "large": "LARGE",
    "nothing": "NOTHING",
    "scalar": "SCALAR",
    "record": "RECORD",
}
_FIXED = ("small", "large", "nothing", "scalar", "record")
_MOST_MICROSTEPS = 6


def fold(number: int, *more: int) -> int:
    """One number out of several."""
    for other in more:
        number = zlib.crc32(f"{number},{other}".encode())
    return number


def make(kind: str, number: int) -> Any:
    """A value that depends on `number` in all its parts."""
    match kind:
        case "int":
            return number << 40 if number % 7 == 0 else number
        case "dict":
            return {"n": number, "list": [number % 5, [number]], "pad": "x" * (number % 9000)}
        case "str":
            return "ä" * (number % 40) + str(number)
        case "scalar":
            return np.asarray(number, np.int64)
        case _:
            return fill(_blank(kind), number)


def _blank(kind: str) -> Any:
    specs: dict[str, Spec[Any]] = {"small": SMALL, "large": LARGE, "nothing": NOTHING, "record": RECORD}
    return specs[kind].empty()


def fill(value: Any, number: int) -> Any:
    """Fill arrays in place."""
    for array in _arrays(value):
        array[...] = np.arange(array.size).reshape(array.shape) + number
    return value


def _arrays(value: Any) -> list[Any]:
    return [array for _, array in value] if isinstance(value, Record) else [value]


def weigh(value: Any) -> int:
    """A number that changes with any part of the value."""
    if isinstance(value, np.ndarray | Record):
        return fold(0, *(zlib.crc32(np.ascontiguousarray(array).tobytes()) for array in _arrays(value)))
    return zlib.crc32(repr(value).encode())


def _channels(port: Any) -> list[Any]:
    return list(getattr(port, "channels", [port]))


def see(port: Any) -> int:
    """What a reaction can tell of a port: presence, and the value if there is one (held ones too)."""
    channels = _channels(port)
    if channels != [port]:
        return fold(len(channels), *map(see, channels))
    try:
        return fold(port.present, weigh(port.value))
    except AbsentError:
        return 0


def spoil(port: Any) -> None:
    """Change what the port handed out; only this reader may notice."""
    for channel in _channels(port):
        if channel.present:
            value = channel.value
            if isinstance(value, dict):
                value["spoilt"] = value.pop("n", 0)
            elif channel.mutable and not isinstance(value, int | str):
                for array in _arrays(value):
                    array += 1


def keep(kept: list[Any], port: Any) -> None:
    """Hold on to received values; they must never change."""
    for channel in _channels(port):
        if channel.present:
            kept.append(channel.value)
            del kept[:-4]


# The programs


@dataclass
class Link:
    """A connection of a program, as long as it is being made."""

    source: str  # expressions
    sink: str
    after: int | None
    named: tuple[str, ...]  # the ports
    given: bool = True

    def __str__(self) -> str:
        if not self.given:
            return ""
        after = "" if self.after is None else f", after={self.after}"
        return f"        self.connect({self.source}, {self.sink}{after})"


class Program:
    """The source of a class `Top`, and how long it runs."""

    _numbers = itertools.count()

    def __init__(self, source: str, links: list[Link], timeout: int | None = None) -> None:
        self.source = source
        self.timeout = timeout
        name = f"random_program_{next(self._numbers)}"
        module = types.ModuleType(name)
        module.__dict__.update(_NAMES, links=links)
        sys.modules[name] = module  # where annotations of the classes are looked up
        file = f"<{name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), module.__dict__)
        self.topology: Callable[[], Reactor] = module.__dict__["Top"]


def _names() -> dict[str, Any]:
    import rlreactor

    own = (fold, make, fill, weigh, see, spoil, keep)
    names: dict[str, Any] = {name: getattr(rlreactor, name) for name in rlreactor.__all__}
    names |= {function.__name__: function for function in own}
    return names | {"SMALL": SMALL, "LARGE": LARGE, "NOTHING": NOTHING, "SCALAR": SCALAR, "RECORD": RECORD}


_NAMES = _names()


@dataclass
class _Port:
    name: str
    kind: str
    width: int = 0  # 0: no multiport
    hold: bool = False
    mutable: bool = False

    def names(self) -> list[str]:
        return [f"{self.name}[{i}]" for i in range(self.width)] if self.width else [self.name]

    def declared(self, direction: str) -> str:
        options = "".join(f", {name}=True" for name in ("hold", "mutable") if getattr(self, name))
        if self.width:
            return f"{self.name} = {direction}s({KINDS[self.kind]}, width={self.width}{options})"
        return f"{self.name} = {direction}({KINDS[self.kind]}{options})"


@dataclass
class _Class:
    name: str
    inputs: list[_Port] = field(default_factory=list["_Port"])
    outputs: list[_Port] = field(default_factory=list["_Port"])


_Bank = tuple[str, _Class, int]  # attribute, class, width (0: a single reactor)
_End = tuple[_Bank, _Port]


def _members(end: _End) -> list[str]:
    (bank, _, width), port = end
    reactors = [f"{bank}[{index}]" for index in range(width)] if width else [bank]
    return [f"{reactor}.{name}" for reactor in reactors for name in port.names()]


def _fit(source: _End, sink: _End) -> bool:
    """Whether the ports of one can feed those of the other, each as often as the others."""
    sources, sinks = len(_members(source)), len(_members(sink))
    return source[1].kind == sink[1].kind and source[0][0] != sink[0][0] and sinks > 1 and sinks % sources == 0


class _Maker:
    def __init__(self, chance: Random, size: int) -> None:
        self.chance = chance
        self.size = size
        self.lines: list[str] = []
        self.classes: list[_Class] = []
        self.links: list[Link] = []
        self.may_stop = self.maybe(0.3)
        self.may_fail = self.maybe(0.12)
        self.timeout = self.chance.choice([0, 5, 12, 25, 25, 40])

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def some(self, items: list[Any], least: int = 0) -> list[Any]:
        count = self.chance.randint(min(least, len(items)), len(items))
        return self.chance.sample(items, count)

    # Classes

    def ports(self, prefix: str, least: int, reader: bool) -> list[_Port]:
        found: list[_Port] = []
        for index in range(self.chance.randint(least, 3)):
            port = _Port(f"{prefix}{index}", self.chance.choice(list(KINDS)))
            port.width = self.chance.choice([0, 0, 0, 1, 2, 3])
            if reader:
                port.hold, port.mutable = self.maybe(0.25), self.maybe(0.2)
            found.append(port)
        return found

    def leaf(self, name: str) -> None:
        made = _Class(name, self.ports("i", 0, True), self.ports("o", 1, False))
        self.classes.append(made)
        self.lines += [f"class {name}(Reactor):", "    index: int = 0"]
        self.lines += [f"    {port.declared('Input')}" for port in made.inputs]
        self.lines += [f"    {port.declared('Output')}" for port in made.outputs]
        self.body(made, [port.name for port in made.inputs], [port.name for port in made.outputs])

    def body(self, made: _Class, readable: list[str], writable: list[str]) -> None:
        """Modes, timers, actions, state and reactions; `readable` and `writable` are attributes of self."""
        chance = self.chance
        modes = self.modes(0.35)
        timers = [f"t{i}" for i in range(chance.choice([0, 1, 1, 1, 2]))]
        for timer in timers:
            period = chance.choice([None, 1, 1, 2, 3, 11])
            self.lines.append(f"    {timer} = Timer({chance.randint(0, 3)}, {period}{self.in_mode(modes)})")
        actions = [f"a{i}" for i in range(chance.choice([0, 0, 1, 2]))]
        for action in actions:
            spacing = chance.choice([None, None, 0, 1, 3])
            policy = chance.choice(["defer", "drop", "replace", "update"])
            self.lines.append(
                f"    {action} = Action(int, min_delay={chance.choice([0, 0, 1, 2])}, "
                f"min_spacing={spacing}, policy={policy!r}{self.in_mode(modes)})"
            )
        reset = chance.choice([False, False, True, *modes])
        self.lines += [f"    h: int = state(0, reset={reset})", "    kept: list = state(factory=list)"]
        count = chance.randint(1, 4)
        written: list[str] = []
        for index in range(count):
            last = index == count - 1
            effects = (
                self.some(writable) if not last else [w for w in writable if w not in written] or self.some(writable)
            )
            triggers = self.triggers(readable, timers, actions, index)
            reads = [r for r in self.some(readable) if r not in triggers]
            reads += [w for w in self.some(written) if self.maybe(0.3)]
            scheduled = self.some(actions)
            ports = {p.name: p for p in made.inputs + made.outputs}
            self.reaction(index, triggers, reads, effects, scheduled, ports, modes)
            written += effects
        self.lines.append("")

    def modes(self, probability: float) -> list[str]:
        """Declares some modes, or none; returns their names."""
        names = [f"m{i}" for i in range(self.chance.randint(2, 3))] if self.maybe(probability) else []
        initial = self.chance.randrange(len(names)) if names else None
        self.lines += [f"    {name} = Mode({'initial=True' if i == initial else ''})" for i, name in enumerate(names)]
        return names

    def in_mode(self, modes: list[str]) -> str:
        """What puts something into one of the modes, or into none."""
        mode = self.chance.choice([None, *modes])
        return "" if mode is None else f", mode={mode}"

    def entering(self, modes: list[str]) -> list[str]:
        """Lines that switch, if `h` says so."""
        lines: list[str] = []
        for mode in modes:
            condition = f"h >> {self.chance.randint(0, 9)} & {self.chance.choice([1, 3])} == 0"
            lines.append(f"        if {condition} and self.tag.microstep < {_MOST_MICROSTEPS}:")
            history = self.chance.choice(["True", "False", "h % 3 == 0"])
            lines.append(f"            self.{mode}.enter(history={history})")
        return lines

    def triggers(self, readable: list[str], timers: list[str], actions: list[str], index: int) -> list[str]:
        choices = [*readable, *timers, *actions]
        found = self.some(choices, 1)
        if index == 0 and not timers and not readable:
            found.append("startup")
        elif index == 0 and timers and self.maybe(0.7):
            found.append(timers[0])
        elif self.maybe(0.15):
            found.append(self.chance.choice(["startup", "shutdown"]))
        return list(dict.fromkeys(found)) or ["startup"]

    def reaction(
        self,
        index: int,
        triggers: list[str],
        reads: list[str],
        effects: list[str],
        scheduled: list[str],
        ports: dict[str, _Port],
        modes: list[str],
    ) -> None:
        chance = self.chance
        stops = self.may_stop and self.maybe(0.2)
        entered = self.some(modes) if self.maybe(0.6) else []
        declared = [*effects, *scheduled, *entered, *(["shutdown"] if stops else [])]
        listed = ", ".join(triggers)
        deadline = self.deadline(index)
        self.lines += [
            f"    @reaction({listed}, reads=[{', '.join(reads)}], effects=[{', '.join(declared)}]"
            f"{deadline}{self.in_mode(modes)})",
            f"    def r{index}(self) -> None:",
            f"        h = fold(self.h, {index}, self.index, *self.tag)",
        ]
        seen = [r for r in dict.fromkeys(triggers + reads) if r in ports]
        self.lines += [f"        h = fold(h, see(self.{name}))" for name in seen]
        self.lines += [
            f"        h = fold(h, self.{name}.present and self.{name}.value)" for name in triggers if name[0] == "a"
        ]
        inputs = [name for name in seen if name[0] == "i"]
        self.lines += [f"        spoil(self.{name})" for name in inputs if self.maybe(0.3)]
        self.lines += [f"        keep(self.kept, self.{name})" for name in inputs if self.maybe(0.25)]
        self.lines.append("        h = fold(h, *map(weigh, self.kept))")
        if self.maybe(0.2):
            self.lines.append("        h = fold(h, int(self.rng.integers(1 << 20)))")
        self.lines.append("        self.h = h")
        self.lines.append("        self.log(h=h)")
        if self.may_fail and self.maybe(0.4):
            self.lines += [f"        if h % {chance.choice([7, 29, 97])} == 3:", "            raise ValueError(h)"]
        for name in effects:
            self.setting(name, ports[name])
        for name in scheduled:
            self.lines.append(
                f"        if h >> {chance.randint(0, 9)} & 1 and self.tag.microstep < {_MOST_MICROSTEPS}:"
            )
            self.lines.append(f"            self.{name}.schedule(h % 1000, delay=h % {chance.choice([1, 1, 2, 4])})")
        self.lines += self.entering(entered)
        if stops:
            self.lines += [f"        if h % {chance.choice([1, 5, 20, 60])} == 0:", "            self.request_stop()"]

    def deadline(self, index: int) -> str:
        """Perhaps a deadline that is always or never missed, with its handler."""
        if not self.maybe(0.2):
            return ""
        limit = self.chance.choice(["0", "sec(10**9)", "sec(10**9 + 1)"])
        handler = [f"    def late{index}(self) -> None:", f"        self.h = fold(self.h, {index}, 1)"]
        self.lines += [*handler, f"        self.r{index}()"]
        return f", deadline={limit}, late='late{index}'"

    def setting(self, name: str, port: _Port) -> None:
        chance = self.chance
        for target in [f"self.{n}" for n in port.names()]:
            condition = f"h >> {chance.randint(0, 9)} & {chance.choice([0, 1, 1, 3])} == 0"
            self.lines.append(f"        if {condition} and self.tag.microstep < {_MOST_MICROSTEPS}:")
            salt = chance.randint(0, 9)
            if port.kind in _FIXED and self.maybe(0.5):
                self.lines.append(f"            {target}.set(fill({target}.empty(), h % 1000 + {salt}))")
            else:
                self.lines.append(f"            {target}.set(make({port.kind!r}, h + {salt}))")
            if self.maybe(0.1):
                self.lines.append(f"            {target}.set(make({port.kind!r}, h + 1))")
            if port.kind in _FIXED and self.maybe(0.05):
                self.lines += ["        else:", f"            fill({target}.empty(), h % 100)"]

    # Containers

    def container(self, name: str, outermost: bool) -> None:
        chance = self.chance
        made = _Class(name) if outermost else _Class(name, self.ports("i", 0, True), self.ports("o", 0, False))
        least = 2 if outermost else 1
        children: list[tuple[str, _Class]] = []
        banks: list[_Bank] = []
        lines: list[str] = []
        for index in range(chance.randint(least, self.size)):
            inner = chance.choice(self.classes)
            if self.maybe(0.35):
                width = chance.randint(2, 3)
                lines.append(f"        self.c{index} = [{inner.name}(index=i) for i in range({width})]")
                children += [(f"c{index}[{i}]", inner) for i in range(width)]
            else:
                lines.append(f"        self.c{index} = {inner.name}(index={index})")
                children.append((f"c{index}", inner))
                width = 0
            banks.append((f"c{index}", inner, width))
        sources = [(n, p.kind) for p in made.inputs for n in p.names()]
        sinks = [(n, p.kind) for p in made.outputs for n in p.names()]
        sources += [(f"{c}.{n}", p.kind) for c, inner in children for p in inner.outputs for n in p.names()]
        sinks += [(f"{c}.{n}", p.kind) for c, inner in children for p in inner.inputs for n in p.names()]
        chance.shuffle(sinks)
        taken = self.connect_banks(banks, lines)
        left = self.connect(sources, [sink for sink in sinks if sink[0] not in taken], lines)
        self.lines += [f"class {name}(Reactor):", "    index: int = 0"]
        self.lines += [f"    {port.declared('Input')}" for port in made.inputs]
        self.lines += [f"    {port.declared('Output')}" for port in made.outputs]
        modes = self.modes(0.25)
        for bank, _, width in banks:
            mode = chance.choice([None, *modes])
            if mode is not None:
                lines.append(f"        self.{mode}.contain({'*' if width else ''}self.{bank})")
        if modes or self.maybe(0.5):
            self.own_reaction(children, left, made, modes)
        self.lines += ["    def compose(self) -> None:", *lines, ""]
        self.classes.append(made)

    def connect(
        self, sources: list[tuple[str, str]], sinks: list[tuple[str, str]], lines: list[str]
    ) -> list[tuple[str, str]]:
        """Give most sinks a source; returns those that have none."""
        left: list[tuple[str, str]] = []
        for sink, kind in sinks:
            fitting = [source for source, other in sources if other == kind and source != sink]
            if not fitting or self.maybe(0.1):
                left.append((sink, kind))
                continue
            after = self.chance.choice([None, None, None, None, 0, 1, 2, 3, 7, 40])
            source = self.chance.choice(fitting)
            self.link(f"self.{source}", f"self.{sink}", after, (source, sink), lines)
        return left

    def link(self, source: str, sink: str, after: int | None, named: tuple[str, ...], lines: list[str]) -> None:
        """A connection that can still be mended."""
        self.links.append(Link(source, sink, after, named))
        lines.append(f"@link {len(self.links) - 1}")

    def connect_banks(self, banks: list[_Bank], lines: list[str]) -> set[str]:
        """Perhaps connect a bank or multiport with another one as a whole; returns the sinks that have a source now."""
        outputs = [(bank, port) for bank in banks for port in bank[1].outputs]
        inputs = [(bank, port) for bank in banks for port in bank[1].inputs]
        pairs = [(source, sink) for source in outputs for sink in inputs if _fit(source, sink)]
        if not pairs or self.maybe(0.2):
            return set()
        source, sink = self.chance.choice(pairs)
        expression = self.interleaved(source)
        if len(_members(source)) != len(_members(sink)) or self.maybe(0.2):
            expression = f"broadcast({expression})"
        after = self.chance.choice([None, None, 0, 1, 2, 40])
        self.link(expression, self.interleaved(sink), after, (*_members(source), *_members(sink)), lines)
        return set(_members(sink))

    def interleaved(self, end: _End) -> str:
        """All ports of an end, in one order or the other."""
        (bank, _, width), port = end
        if not width:
            return f"self.{bank}.{port.name}"
        ports = f"[c.{port.name} for c in self.{bank}]"
        return f"interleaved({ports})" if port.width and self.maybe(0.7) else ports

    def own_reaction(
        self, children: list[tuple[str, _Class]], left: list[tuple[str, str]], made: _Class, modes: list[str]
    ) -> None:
        """A reaction of the container that reads contained outputs and sets contained inputs."""
        outputs = [(f"{c}.{n}", p) for c, inner in children for p in inner.outputs for n in p.names()]
        read = self.some(outputs)[:3]
        sources = {name.partition(".")[0] for name, _ in read}  # setting those again would be a cycle
        inputs = [(sink, kind) for sink, kind in left if "." in sink and sink.partition(".")[0] not in sources]
        triggers = [f'"{name}"' for name, _ in read[:2]] + [port.name for port in made.inputs[:1]]
        timer = self.maybe(0.6) or not triggers
        if timer:
            self.lines.append(f"    t = Timer({self.chance.randint(0, 2)}, {self.chance.randint(1, 4)})")
            triggers.append("t")
        unset = [(sink, kind) for sink, kind in left if "." not in sink]
        effects = [*self.some(inputs)[:2], *unset[:1]]
        self.lines += [
            "    h: int = state(0)",
            f"    @reaction({', '.join(triggers)}, reads=[{', '.join(repr(name) for name, _ in read)}], "
            f"effects=[{', '.join([*(repr(name) for name, _ in effects), *modes])}])",
            "    def r0(self) -> None:",
            "        h = fold(self.h, self.index, *self.tag)",
        ]
        self.lines += [f"        h = fold(h, see(self.{port.name}))" for port in made.inputs[:1]]
        self.lines += [f"        h = fold(h, see(self.{name}))" for name, _ in read]
        self.lines.append("        self.h = h")
        self.lines.append("        self.log(h=h)")
        for name, kind in effects:
            self.lines.append(f"        if h & 1 and self.tag.microstep < {_MOST_MICROSTEPS}:")
            self.lines.append(f"            self.{name}.set(make({kind!r}, h))")
        self.lines += self.entering(modes)

    # The whole

    def program(self) -> Program:
        for index in range(self.chance.randint(1, self.size)):
            self.leaf(f"Leaf{index}")
        for index in range(self.chance.choice([0, 0, 1, 2])):
            self.container(f"Box{index}", outermost=False)
        self.container("Top", outermost=True)
        draft = Program("\n".join(map(self.drafted, self.lines)), self.links)
        for _ in range(1000):
            try:
                check(draft.topology())
            except TopologyError as error:
                self.mend(str(error))
            else:
                return Program("\n".join(map(self.written, self.lines)), self.links, self.timeout)
        raise AssertionError(f"no way to mend\n{draft.source}")

    def mend(self, error: str) -> None:
        """Delay some connection of the cycle, or take it out."""
        assert "a cycle without delay" in error or "in a circle" in error, error
        if "in a circle" in error:
            self.links[self.chance.randrange(len(self.links))].given = False
            return
        undelayed = [link for link in self.links if link.after is None and link.given]
        named = [link for link in undelayed if any(f"{name} " in error for name in link.named)]
        self.chance.choice(named or undelayed).after = self.chance.choice([0, 1, 2])

    def drafted(self, line: str) -> str:
        """The line in a program whose connections can still change."""
        if not line.startswith("@link"):
            return line
        number = line.split()[1]
        link = self.links[int(number)]
        connect = f"self.connect({link.source}, {link.sink}, after=links[{number}].after)"
        return f"        links[{number}].given and {connect}"

    def written(self, line: str) -> str:
        return str(self.links[int(line.split()[1])]) if line.startswith("@link") else line


def random_program(seed: int, size: int = 4) -> Program:
    """The program of this seed; `size` bounds the classes and the children of a container."""
    return _Maker(Random(seed), size).program()


def programs(size: int = 3) -> st.SearchStrategy[Program]:
    """The same as a Hypothesis strategy, which cuts down what fails by itself."""
    return st.randoms(use_true_random=False).map(lambda chance: _Maker(chance, size).program())
