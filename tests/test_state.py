"""State fields: made on the worker, one set per reactor, part of the result."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# Bare `dict` and `list` are what is tested; strict checking wants their parameters.

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlreactor import Input, Output, Reactor, RunError, Timer, TopologyError, ms, reaction, run, startup, state
from rlreactor.codec import Unsaved

from .placements import run_placed


class Remembering(Reactor):
    start: int = 0
    tick = Timer(0, ms(1))
    count: int = state(0)
    seen: list[int] = state(factory=list)
    array: Any = state()
    opaque: Any = state()
    words: dict[str, tuple[int, ...]] = state(factory=dict)

    @reaction(startup)
    def begin(self) -> None:
        self.array = np.full(2, self.start, np.float32)
        self.opaque = object()

    @reaction(tick)
    def work(self) -> None:
        self.count += 1
        self.seen.append(self.start + self.count)
        self.words["last"] = (self.count, self.start)


class Two(Reactor):
    def compose(self) -> None:
        self.one = Remembering(start=10)
        self.inner = [Remembering(start=20)]


@pytest.mark.parametrize("where", [{}, {"one": 1}, {"inner[0]": 1}, {"one": 1, "inner[0]": 2}])
def test_the_state_at_the_stop_is_part_of_the_result(where: dict[str, int]) -> None:
    result = run_placed(Two(), where, timeout=ms(2))
    for path, start in (("one", 10), ("inner[0]", 20)):
        fields = result.state(path)
        assert fields.pop("array").tolist() == [start, start]
        assert fields == {
            "count": 3,
            "seen": [start + 1, start + 2, start + 3],
            "opaque": Unsaved("builtins.object"),
            "words": {"last": (3, start)},
        }
    assert result.state() == {}


def test_an_unknown_path_gets_a_hint() -> None:
    result = run(Two(), workers=1, timeout=0)
    with pytest.raises(RunError, match=r"no reactor at 'inner\[1\]'; did you mean 'inner\[0\]'\?"):
        result.state("inner[1]")


def test_the_result_is_a_copy() -> None:
    result = run(Two(), workers=1, timeout=0)
    result.state("one")["count"] = 99
    assert result.state("one")["count"] == 1


def test_a_run_leaves_the_topology_as_it_was() -> None:
    topology = Two()
    results = [run(topology, workers=1, timeout=ms(n)).state("one")["count"] for n in (1, 2, 1)]
    assert results == [2, 3, 2]


def test_a_default_that_could_be_shared_is_refused() -> None:
    with pytest.raises(TopologyError, match=r"state\(\[\]\) at .* write state\(factory=list\)"):

        class Shared(Reactor):  # pyright: ignore[reportUnusedClass]
            seen: list[int] = state([])


def test_a_subclass_inherits_and_replaces_fields() -> None:
    class More(Remembering):
        count: int = state(100)
        extra: str = state("x")

    fields = run(More(), workers=1, timeout=0).state()
    assert (fields["count"], fields["extra"], fields["seen"]) == (101, "x", [101])


class Keeping(Reactor):
    """Keeps what it is given."""

    inp = Input(list)
    kept: list[Any] = state(factory=list)

    @reaction(inp)
    def keep(self) -> None:
        self.kept.append(self.inp.value)


class Giving(Reactor):
    tick = Timer(0, ms(1))
    out = Output(list)
    given: list[int] = state(factory=list)

    @reaction(tick, effects=[out])
    def give(self) -> None:
        self.given.append(len(self.given))
        self.out.set(self.given)


class Giveaway(Reactor):
    def compose(self) -> None:
        self.giving = Giving()
        self.keeping = Keeping()
        self.connect(self.giving.out, self.keeping.inp)


@pytest.mark.parametrize("where", [{}, {"keeping": 1}])
def test_what_was_sent_does_not_change_with_the_sender_state(where: dict[str, int]) -> None:
    result = run_placed(Giveaway(), where, timeout=ms(2))
    assert result.state("keeping") == {"kept": [[0], [0, 1], [0, 1, 2]]}
