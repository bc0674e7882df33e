"""Options from pydantic models."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.options import CommandOptions, Shown, chosen, parse


class Inner(BaseModel):
    """How fast."""

    speed: float = Field(default=1.0, gt=0, description="In metres per second.")
    limit: Annotated[float, Field(gt=0)] | None = Field(default=None, description="None: no limit.")


class Options(CommandOptions):
    """Goes somewhere."""

    where: Annotated[str, Shown(metavar="PLACE", positional=True)] = Field(description="The goal.")
    stops: Annotated[tuple[str, ...], Shown(name="stop", repeated=True)] = Field(default=(), description="On the way.")
    loud: Annotated[bool, Shown(switch=True)] = Field(default=False, description="Make noise.")
    inner: Inner


def test_defaults() -> None:
    assert parse(Options, ["home"], "go") == Options(where="home", inner=Inner())


def test_other_defaults() -> None:
    options = parse(Options, ["home"], "go", {"loud": True, "inner": Inner(speed=3)})
    assert (options.loud, options.inner.speed) == (True, 3)


def test_every_form() -> None:
    words = ["home", "--stop", "inn", "--stop", "well", "--loud", "--speed", "2.5", "--limit", "7", "--json"]
    expected = Options(where="home", stops=("inn", "well"), loud=True, inner=Inner(speed=2.5, limit=7), as_json=True)
    assert parse(Options, words, "go") == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--speed", "-1"], "--speed: expected greater than 0, received -1.0"),
        (["--limit", "0"], "--limit: expected greater than 0, received 0.0"),
        (
            ["--speed", "0", "--limit", "0"],
            "--speed: expected greater than 0, received 0.0\n--limit: expected greater than 0, received 0.0",
        ),
    ],
)
def test_values_out_of_bounds(words: list[str], expected: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(Options, ["home", *words], "go")
    assert str(refused.value) == f"{expected}\nsee go --help"


def test_help_has_descriptions_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(Options, ["--help"], "go")
    text = capsys.readouterr().out
    assert "Goes somewhere." in text
    assert "In metres per second. (default: 1.0)" in text
    assert "--no-loud" not in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--env", "A"], "A"), (["--x", "1", "--env=A=B"], "A=B"), (["--env"], ""), (["--environment", "A"], "")],
)
def test_chosen(words: list[str], expected: str) -> None:
    assert chosen("env", words) == expected
