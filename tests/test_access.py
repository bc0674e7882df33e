"""Ports as reactions touch them: usual accesses go straight through, unusual ones to the port."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from .forms import FORMS, form_of


@pytest.fixture(params=FORMS)
def access(request: pytest.FixtureRequest) -> Any:
    return form_of("access", request.param)


class Refused(Exception):
    pass


class Named:
    """Something weakly referable, in place of a reaction or a value."""


def port(access: Any, **changed: Any) -> Any:
    """A port read by reactions "r" and "rr" and written by "w" and "ww"."""

    class Port(access.Access):  # type: ignore[misc]
        def _refuse(self, verb: str, allowed: frozenset[str]) -> None:
            raise Refused(f"{verb} {sorted(allowed)}")

        def _unusual_value(self) -> Any:
            return "unusual"

        def _fail_to_store(self, error: Exception) -> None:
            raise Refused(f"stored: {error}") from None

        def _fail_to_lend(self) -> None:
            raise Refused("lent")

    made = Port()
    made._cell, made._execution = access.Cell(), access.Running()
    made._readers, made._reader = frozenset({"r", "rr", "w", "ww"}), "r"
    made._writers, made._writer = frozenset({"w", "ww"}), "w"
    made._store, made._lend = str, lambda: ["lent"]
    made._plain, made._load = int, None
    for name, value in changed.items():
        setattr(made, f"_{name}", value)
    return made


def test_a_cell_is_empty_at_first(access: Any) -> None:
    cell = access.Cell()
    assert (cell.value, cell.present, cell.ranks, cell.outlet) == (access.NEVER, False, (), None)


def test_a_value_makes_its_cell_present_once(access: Any) -> None:
    cell, running = access.Cell(), access.Running()
    cell.assign("first", running)
    cell.assign("second", running)
    assert (cell.value, cell.present, running.present) == ("second", True, [cell])


@pytest.mark.parametrize("reaction", ["w", "ww"])
def test_writers_set(access: Any, reaction: str) -> None:
    made = port(access)
    made._execution.reaction = reaction
    made.set(7)
    assert (made._cell.value, made._cell.present, made._execution.present) == (7, True, [made._cell])
    made.set(True)  # not of the plain type, but of one derived from it
    assert (made._cell.value, made._execution.present) == ("True", [made._cell])
    assert made.empty() == ["lent"]


@pytest.mark.parametrize("reaction", ["r", "rr", "w", "ww"])
def test_readers_read(access: Any, reaction: str) -> None:
    made = port(access)
    made._execution.reaction = reaction
    assert [made.present, made.value] == [False, "unusual"]
    made._cell.assign(5, made._execution)
    assert [made.present, made.value] == [True, 5]
    made._load = str
    assert made.value == "unusual"


@pytest.mark.parametrize("reaction", ["x", None])
def test_others_are_refused(access: Any, reaction: str | None) -> None:
    made = port(access)
    made._execution.reaction = reaction
    for attribute in ("present", "value"):
        with pytest.raises(Refused, match=r"^reads \['r', 'rr', 'w', 'ww'\]$"):
            getattr(made, attribute)
    with pytest.raises(Refused, match=r"^sets \['w', 'ww'\]$"):
        made.set(1)
    with pytest.raises(Refused, match=r"^sets \['w', 'ww'\]$"):
        made.empty()
    assert made._cell.value is access.NEVER
    assert made._execution.present == []


def test_readers_do_not_write(access: Any) -> None:
    made = port(access)
    made._execution.reaction = "r"
    with pytest.raises(Refused, match="sets"):
        made.set(1)


def test_what_cannot_be_stored_changes_nothing(access: Any) -> None:
    def store(value: int) -> float:
        return 1 // value

    made = port(access, store=store)
    made._execution.reaction = "w"
    with pytest.raises(Refused, match="stored: integer division or modulo by zero") as refused:
        made.set(0.0 == 1.0)
    assert refused.value.__suppress_context__
    assert made._cell.value is access.NEVER
    assert not made._cell.present


def test_an_interruption_while_a_value_is_stored_is_no_failure_of_the_value(access: Any) -> None:
    def store(value: Any) -> None:
        raise KeyboardInterrupt

    made = port(access, store=store)
    made._execution.reaction = "w"
    with pytest.raises(KeyboardInterrupt):
        made.set("anything")


def test_what_has_no_fixed_size_is_not_lent(access: Any) -> None:
    made = port(access, lend=None)
    made._execution.reaction = "w"
    with pytest.raises(Refused, match=r"^lent$"):
        made.empty()


def test_a_port_that_belongs_to_nothing_is_no_crash(access: Any) -> None:
    made = access.Access()
    for attribute in ("present", "value"):
        with pytest.raises(AttributeError):
            getattr(made, attribute)
    with pytest.raises(AttributeError):
        made.set(1)
    with pytest.raises(AttributeError):
        made.empty()


def test_what_nobody_needs_goes(access: Any) -> None:
    made = port(access)
    made._execution.reaction = "w"
    value = Named()
    gone = weakref.ref(value)
    made._cell.assign(value, made._execution)
    made._store = made.set  # a circle
    made._execution.reaction = made
    del made, value
    gc.collect()
    assert gone() is None
