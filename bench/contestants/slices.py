"""A contestant's side of measuring in slices: it stays, and runs one of its forms whenever it is told to.

The driver writes the name of a form on a line of standard input, and hears on a line of standard output what a slice of
it measured, as JSON: an object of figures, or a text that says why there are none. The first line that it hears is
"ready"; the end of the input ends the program. In between it waits for the next line, and must leave the cores alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["READY", "SLICES", "Form", "each", "serve", "serve_one"]

SLICES = "BENCH_SLICES"
"""Environment variable that tells a program to wait for lines; without it, it runs every form once."""
READY = "ready"

Found = Mapping[str, Any] | str
Form = Callable[[], Found]
"""Runs one slice: figures by name, or why there are none. Whatever prepares for it takes no part in the figures."""


def serve(forms: Mapping[str, Form], *, warm: bool = False) -> None:
    """Run slices until the input ends; or, started by hand, each form once, and print all they found on one line.

    Args:
        forms: what to measure, by name.
        warm: whether to run a slice of each before it is said to be ready, which counts for nothing.
    """
    if os.environ.pop(SLICES, None) is None:
        print(json.dumps(each(forms)), flush=True)
        return
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
        if warm:
            each(forms)
        print(json.dumps(READY), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(_tried(forms[line.rstrip("\n")])), file=answers, flush=True)


def serve_one(form: Form) -> None:
    """The same of a single form, which needs no name; started by hand, it prints its figures alone."""
    if SLICES in os.environ:
        serve({"": form})
    else:
        print(json.dumps(form()), flush=True)


def each(forms: Mapping[str, Form]) -> dict[str, Found]:
    """The figures of every form, or why it failed."""
    return {name: _tried(form) for name, form in forms.items()}


def _tried(form: Form) -> Found:
    try:
        return form()
    except Exception as error:  # whatever an opponent says: the others go on
        words = str(error).strip().splitlines() or ["no words"]
        return f"{type(error).__name__}: {words[-1]}"
