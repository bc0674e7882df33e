"""Importing rlreactor loads little, and every public name is there all the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rlreactor

LATE = ("Deployment", "Plan", "Result", "plan", "run")
HEAVY = ("torch", "gymnasium", "pydantic", "yaml", "rich", "zmq", "rlreactor.planner", "rlreactor.runtime")


def said_by(program: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_loads_neither_planner_nor_runtime_nor_libraries() -> None:
    assert said_by(f"import rlreactor, sys; print([m for m in {HEAVY} if m in sys.modules])") == "[]"


def test_a_class_with_parameters_is_declared_without_loading_them() -> None:
    program = (
        "import sys\nfrom rlreactor import Input, Reactor, reaction\n"
        "class Sink(Reactor):\n    size: int = 3\n    into = Input(int)\n"
        "    @reaction(into)\n    def take(self) -> None: ...\n"
        "print([m for m in ('pydantic', 'rlreactor.planner', 'rlreactor.runtime') if m in sys.modules])"
    )
    assert said_by(program) == "[]"


def test_every_public_name_is_there() -> None:
    program = "from rlreactor import *\nimport rlreactor\nprint([n for n in rlreactor.__all__ if n not in globals()])"
    assert said_by(program) == "[]"
    assert set(rlreactor.__all__) <= set(dir(rlreactor))
    assert set(LATE) <= set(rlreactor.__all__)


@pytest.mark.parametrize("name", LATE)
def test_a_late_name_is_the_thing_itself(name: str) -> None:
    from rlreactor.deployment import spec
    from rlreactor.planner import placement, plan
    from rlreactor.runtime import result, run

    own = {
        "Deployment": spec.Deployment,
        "Plan": plan.Plan,
        "Result": result.Result,
        "plan": placement.plan,
        "run": run.run,
    }
    assert getattr(rlreactor, name) is own[name]


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'rlreactor' has no attribute 'pln'"):
        rlreactor.pln  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
