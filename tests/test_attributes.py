"""Attributes of reactors are found without a search: CPython's specialised instructions come into their own."""

from __future__ import annotations

import dis
from collections.abc import Callable
from typing import Any

import pytest

from rlreactor import TICK, Output, Reactor, Timer, check, reaction, run, state
from rlreactor.errors import TopologyError

OFTEN = 200  # times a reaction runs until the interpreter has made up its mind


class Count(Reactor):
    step: int = 2
    tick = Timer(0, TICK)
    out = Output(int)
    steps: int = state(0)

    @reaction(tick, effects=[out])
    def count(self) -> None:
        self.steps += self.step
        self.out.set(self.steps)


class Sum(Reactor):
    """Contains another and reacts itself."""

    steps: int = state(0)

    def compose(self) -> None:
        self.inner = Count()

    @reaction("inner.out")
    def add(self) -> None:
        self.steps += self.inner.out.value


class Template(Reactor):
    """Contains another that its class has made."""

    inner = Count()
    steps: int = state(0)

    @reaction(inner.out)
    def add(self) -> None:
        self.steps += self.inner.out.value


def instructions(function: Callable[..., Any]) -> set[str]:
    """By which the attributes `steps` and `step` are loaded and stored."""
    return {
        instruction.opname
        for instruction in dis.get_instructions(function, adaptive=True)
        if instruction.argval in ("steps", "step")
    }


@pytest.mark.parametrize("kind", [Sum, Template])
@pytest.mark.parametrize("times", [1, 2])
def test_a_reactor_finds_its_attributes_at_once(kind: type[Sum | Template], times: int) -> None:
    for _ in range(times):  # the first of a class, and one more
        run(kind(), workers=1, timeout=OFTEN * TICK)
    assert instructions(Count.count) == {"LOAD_ATTR_INSTANCE_VALUE", "STORE_ATTR_INSTANCE_VALUE"}
    assert instructions(kind.add) == {"LOAD_ATTR_WITH_HINT", "STORE_ATTR_WITH_HINT"}


def test_so_does_one_that_is_the_whole_topology() -> None:
    class Alone(Count):
        @reaction(Count.tick, effects=[Count.out])
        def count(self) -> None:
            self.steps += self.step

    run(Alone(), workers=1, timeout=OFTEN * TICK)
    assert instructions(Alone.count) == {"LOAD_ATTR_WITH_HINT", "STORE_ATTR_WITH_HINT"}


def test_a_reactor_that_composes_nothing_contains_nothing() -> None:
    class Made(Reactor):
        def compose(self) -> None:
            self.leaf = Count()
            self.leaf.other = Count()  # type: ignore[attr-defined]

    with pytest.raises(TopologyError, match=r"Count made at .* belongs to nobody"):
        check(Made())
