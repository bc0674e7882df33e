"""MODULE:CLASS and NAME=VALUE."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlreactor import ReactorError
from rlreactor.commands.failure import UserCodeError
from rlreactor.commands.reference import assignments, load_topology

from .conftest import HERE


@pytest.fixture(autouse=True)
def untouched_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [str(HERE), *sys.path])
    yield
    sys.modules.pop("pair", None)


@pytest.mark.parametrize("where", ["pair", str(HERE / "pair.py")])
def test_module_and_file(where: str) -> None:
    topology = load_topology(f"{where}:Pair", ["step=3"])
    assert repr(topology) == "Pair(step=3)"
    assert type(topology).__module__ == "pair"


@pytest.mark.parametrize(
    ("reference", "parameters", "expected"),
    [
        ("pair:Par", [], "pair has no class 'Par'; did you mean 'Pair'?"),
        ("pair:HALF", [], "pair:HALF is 0.5; expected a class derived from rlreactor.Reactor"),
        (
            "pair",
            [],
            "expected MODULE:CLASS, received 'pair'; for example my_package.my_module:Train or train.py:Train",
        ),
        ("none.py:Pair", [], f"none.py: no such file; looked for {Path.cwd() / 'none.py'}"),
        ("pair:Pair", ["stop=1"], "Pair has no parameter 'stop'; did you mean 'step'?"),
        ("pair:Pair", ["step"], "--set: expected NAME=VALUE, received 'step'"),
    ],
)
def test_mistakes(reference: str, parameters: list[str], expected: str) -> None:
    with pytest.raises(ReactorError) as refused:
        load_topology(reference, parameters)
    assert str(refused.value) == expected


def test_module_that_is_not_there() -> None:
    with pytest.raises(UserCodeError) as refused:
        load_topology("nowhere:Pair")
    reason = "ModuleNotFoundError: No module named 'nowhere'"
    assert str(refused.value) == f"module 'nowhere' cannot be imported: {reason}\n{reason}"


def test_module_that_raises_is_shown_with_its_own_frames_only(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text("1 / 0\n")
    with pytest.raises(UserCodeError) as refused:
        load_topology(f"{file}:X")
    first, second, *frames = str(refused.value).splitlines()
    assert first == f"{file} cannot be imported: ZeroDivisionError: division by zero"
    assert second == "Traceback (most recent call last):"
    assert frames[0] == f'  File "{file}", line 1, in <module>'
    sys.modules.pop("wrong")


def test_constructor_that_raises() -> None:
    with pytest.raises(UserCodeError, match=r"^pair:Breaks cannot be made: ZeroDivisionError: division by zero\n"):
        load_topology("pair:Breaks")


def test_values_are_json_or_text() -> None:
    given = ["count=4", "name=x", "hidden=[8, 8]", "on=true", "equation=a=b", 'quoted="7"']
    assert assignments("--set", given) == {
        "count": 4, "name": "x", "hidden": [8, 8], "on": True, "equation": "a=b", "quoted": "7",
    }  # fmt: skip
