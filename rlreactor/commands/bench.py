"""`rlreactor bench`: the experiments lie in the repository, not in the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

import rlreactor
from rlreactor.commands.failure import Interruption, Shortfall, UsageError, number_of
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.reference import prefer

__all__ = ["BenchOptions", "bench_command"]


class BenchOptions(CommandOptions):
    """Measure rlreactor beside others, print a table of what was found, and write bench/REPORT.md."""

    names: Annotated[tuple[str, ...], Shown(metavar="NAME", positional=True)] = Field(
        default=(), description="Experiments by name (broadcast) or number (b1); all when none is named."
    )
    quick: Annotated[bool, Shown(switch=True)] = Field(
        default=False, description="A first look within ten minutes: few rounds, small settings."
    )
    listing: Annotated[bool, Shown(name="list", switch=True)] = Field(
        default=False, description="Say which experiments there are, and run none."
    )
    results: Path | None = Field(
        default=None, description="Another folder for results and report; bench/results and bench/REPORT.md when none."
    )


def bench_command(options: BenchOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError, Shortfall when an experiment failed, or Interruption after Ctrl-C."""
    prefer(_checkout())
    from bench import suite

    wrong = suite.wrong_names(options.names)
    if wrong:
        raise UsageError(f"{wrong}\nsee rlreactor bench --list")
    if options.listing:
        output.say(suite.listing())
        return {"experiments": suite.names()}
    done = suite.Suite.run(options.names, output.say, quick=options.quick, results=options.results)
    output.say(f"report: {done.page}")
    if done.interrupt is not None:
        raise Interruption(_broken_off(len(done.not_started)), number_of(done.interrupt), done.as_json())
    if done.failed:
        raise Shortfall(f"without a new result: {', '.join(done.failed)}", done.as_json())
    return done.as_json()


def _broken_off(left: int) -> str:
    if not left:
        return "interrupted in the last experiment"
    return f"interrupted; {left} experiment{'s were' if left > 1 else ' was'} not started"


def _checkout() -> Path:
    """The clone in which the user stands, or that this package is part of. Raises UsageError."""
    for folder in (Path.cwd(), Path(rlreactor.__file__).parent.parent):
        if (folder / "bench" / "registry.py").exists():
            return folder
    raise UsageError(
        "bench needs the experiments in the folder bench/ of rlreactor's repository, which an installed package does "
        "not have; clone the repository, and in the clone run: make bench"
    )
