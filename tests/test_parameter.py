"""Parameters of reactors: keyword-only, strict, all violations at once."""

from __future__ import annotations

from typing import ClassVar, Literal

import pytest
from pydantic import BaseModel

from rlreactor import Input, Reactor, TopologyError, reaction, startup, state

HERE = __file__


class Config(BaseModel):
    rate: float


class Sized(Reactor):
    size: int
    name: str = "sized"
    rate: float = 0.5
    kind: Literal["a", "b"] = "a"
    config: Config | None = None
    layers: tuple[int, ...] = ()
    VERSION: ClassVar[int] = 3
    steps: int = state(0)
    inp = Input(int)
    _hidden: int = 7


def violations(*, expected: int, **given: object) -> tuple[str, ...]:
    with pytest.raises(TopologyError) as caught:
        Sized(**given)  # type: ignore[arg-type]
    assert len(caught.value.violations) == expected
    return caught.value.violations


def test_parameters_are_attributes_and_known_by_name() -> None:
    reactor = Sized(size=3, rate=1)
    assert (reactor.size, reactor.name, reactor.rate) == (3, "sized", 1.0)
    assert dict(reactor.parameters) == {
        "size": 3,
        "name": "sized",
        "rate": 1.0,
        "kind": "a",
        "config": None,
        "layers": (),
    }
    assert repr(reactor) == "Sized(size=3, name='sized', rate=1.0, kind='a', config=None, layers=())"


def test_they_are_keyword_only() -> None:
    with pytest.raises(TopologyError, match=r"Sized takes parameters by name: Sized\(size=\.\.\., .*received \(3,\)"):
        Sized(3)  # type: ignore[call-arg]  # pyright: ignore


def test_an_unknown_name_is_refused_with_a_hint() -> None:
    (text,) = violations(expected=1, size=3, rat=0.1)
    assert text.startswith("Sized has no parameter 'rat'; did you mean 'rate'? (made at ")
    assert f"{HERE}:" in text


def test_state_fields_ports_and_class_variables_are_no_parameters() -> None:
    texts = violations(expected=4, size=3, steps=1, inp=2, VERSION=4, _hidden=1)
    assert [text.split("'")[1] for text in texts] == ["steps", "inp", "VERSION", "_hidden"]


def test_a_missing_one_is_named_with_its_type() -> None:
    (text,) = violations(expected=1)
    assert text.startswith("Sized needs parameter 'size' (int), which has no default")


@pytest.mark.parametrize("value", ["3", 3.0, True, None, [3]])
def test_types_are_strict(value: object) -> None:
    (text,) = violations(expected=1, size=value)
    assert text.startswith(f"Sized: parameter 'size': expected int, received {type(value).__name__} {value!r} (")


def test_a_wrong_part_is_named_by_its_path() -> None:
    (text,) = violations(expected=1, size=1, layers=(1, "x"))
    assert text.startswith("Sized: parameter 'layers.1': expected tuple[int, ...], received str 'x'")
    (text,) = violations(expected=1, size=1, kind="c")
    assert "expected Literal['a', 'b'], received str 'c'" in text


def test_all_violations_come_at_once() -> None:
    texts = violations(expected=4, size="3", rate="fast", nmae="x", kind="z")
    assert [text.split("'")[1] for text in texts] == ["nmae", "size", "rate", "kind"]


class Outer(Reactor):
    def compose(self) -> None:
        self.one = Sized(size="1")  # type: ignore[arg-type]
        self.bank = [Sized(size=i, rate="x" if i else 0.0) for i in range(3)]  # type: ignore[arg-type]
        self.missing = Sized()  # type: ignore[call-arg]


def test_those_of_contained_reactors_come_with_them() -> None:
    with pytest.raises(TopologyError) as caught:
        Outer()
    texts = caught.value.violations
    assert [text.partition(" (made at")[0].split("'")[1] for text in texts] == ["size", "rate", "rate", "size"]
    assert all(f"{HERE}:" in text for text in texts)
    assert str(caught.value).startswith("4 violations:\n(1) Sized: parameter 'size'")


def test_an_annotation_that_is_no_plain_data_is_explained() -> None:
    class Heavy(Reactor):
        environment: HeavyThing

    with pytest.raises(TopologyError) as caught:
        Heavy(environment=HeavyThing())
    assert "is annotated HeavyThing, which is not plain data" in str(caught.value)
    assert "make it with `= state()` in a startup reaction" in str(caught.value)


class HeavyThing:
    """Not plain data."""


def test_a_subclass_inherits_parameters_and_may_change_their_defaults() -> None:
    class Larger(Sized):
        size: int = 10
        rate = 0.25
        more: int = 1

    reactor = Larger()
    assert (reactor.size, reactor.rate, reactor.more, reactor.name) == (10, 0.25, 1, "sized")


def test_two_reactors_share_no_default() -> None:
    class WithList(Reactor):
        sizes: list[int] = [1]  # noqa: RUF012

    one, other = WithList(), WithList()
    one.sizes.append(2)
    assert other.sizes == [1]


def test_names_of_the_base_class_are_refused() -> None:
    with pytest.raises(TopologyError, match=r"Clash\.connect: this name belongs to Reactor; choose another"):

        class Clash(Reactor):  # pyright: ignore[reportUnusedClass]
            connect = Input(int)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


def test_hooks_of_the_base_class_are_methods() -> None:
    with pytest.raises(TopologyError, match=r"Clash\.to_snapshot: this name belongs to Reactor; choose another"):

        class Clash(Reactor):  # pyright: ignore[reportUnusedClass]
            to_snapshot = Input(int)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    class Saves(Reactor):
        def to_snapshot(self) -> dict[str, int]:
            return {"one": 1}

    assert Saves().to_snapshot() == {"one": 1}
    assert Saves().keeps_snapshots is False


def test_a_local_annotation_is_found() -> None:
    class Local(BaseModel):
        n: int

    class Uses(Reactor):
        local: Local

        @reaction(startup)
        def begin(self) -> None: ...

    assert Uses(local=Local(n=2)).local.n == 2
