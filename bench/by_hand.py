"""The same PPO on CartPole-v1 on Ray actors and on reactors (bench/ray/): lines, speed, and the same weights."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

from rich.table import Table

from bench.comparison import Column, elsewhere, here, options, slices, table
from bench.measure import interleave, ratios, summary
from bench.rates import RATE
from bench.report import Report, progress

__all__ = ["FILES", "OURS", "RAY", "lines"]

OURS, RAY = "rlreactor", "Ray"
FILES = {OURS: "on_reactors", RAY: "on_ray"}
_NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def lines(module: str) -> int:
    """Of a side, without empty ones, comments and docstrings; what both share is not counted."""
    text = (Path(__file__).parent / "ray" / f"{module}.py").read_text()
    written = {number for number, line in enumerate(text.splitlines(), 1) if line.strip()}
    return len(written & _code_lines(text) - _docstring_lines(text))


def _code_lines(text: str) -> set[int]:
    """Those with a token that is neither a comment nor white space."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {n for token in tokens if token.type not in _NO_CODE for n in range(token.start[0], token.end[0] + 1)}


def _docstring_lines(text: str) -> set[int]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    first = [node.body[0] for node in nodes if ast.get_docstring(node, clean=False) is not None]
    return {n for string in first for n in range(string.lineno, (string.end_lineno or string.lineno) + 1)}


def counted() -> Table:
    """A row for each side."""
    shown = Table("PPO on CartPole-v1", "lines")
    for name, module in FILES.items():
        shown.add_row(f"{name}, bench/ray/{module}.py", str(lines(module)))
    return shown


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--updates", type=int, default=30)
    chosen = parser.parse_args()
    contestants = slices(here(FILES[OURS], "--updates", chosen.updates, folder="ray"), [OURS])
    if not chosen.ours:
        contestants += slices(elsewhere("ray", FILES[RAY], "--updates", chosen.updates, folder="ray"), [RAY])
    rounds = interleave(contestants, chosen.rounds, progress)
    columns = [Column(RATE, "environment steps/s", 0), Column("sum_of_weights", "|w|", 4)]
    faster = ratios(rounds.of(OURS, RATE), rounds.of(RAY, RATE))
    measured = {
        **rounds.as_json(),
        "lines of code": {"contestants": {name: {"lines": summary([lines(module)])} for name, module in FILES.items()}},
    }
    against = {OURS: {RAY: summary(faster)}} if faster else {}
    settings = {"rounds": chosen.rounds, "updates": chosen.updates}
    return Report("by_hand", settings, measured, against=against).finish(counted(), table("speed", rounds, columns))


if __name__ == "__main__":
    sys.exit(main())
