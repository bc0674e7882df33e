"""Pages of Markdown as programs: their code blocks in order, and what these say when they run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

__all__ = ["DOCS", "ROOT", "Block", "Ended", "blocks", "python", "run_python", "run_shell", "spoken", "write_files"]

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
TIMEOUT_S = 100
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\w+\.(?:py|yaml|toml))\n")
_SEPARATOR = "\x1e"


class Block(NamedTuple):
    """A fenced block, and the text that it prints: the `text` block right after it."""

    language: str
    code: str
    output: str | None

    @property
    def file(self) -> str | None:
        """The file that it is, where the first line names one."""
        named = _FILE.match(self.code)
        return named[1] if named else None

    @property
    def is_module(self) -> bool:
        """Whether it is a file to be imported and no part of the page's script."""
        return self.file is not None and self.output is None


class Ended(NamedTuple):
    """How a program ended."""

    status: int
    out: str
    error: str


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page, in order."""
    found = _FENCE.findall(page.read_text())
    return [
        Block(language, code, after[1] if after[0] == "text" else None)
        for (language, code), after in pairwise([*found, ("", "")])
        if language != "text"
    ]


def python(page: Path) -> list[Block]:
    """The blocks of Python."""
    return [block for block in blocks(page) if block.language == "python"]


def run_python(code: str, folder: Path, file: str = "example.py") -> Ended:
    """Run a script of that name."""
    (folder / file).write_text(code)
    return _ended([sys.executable, file], folder)


def run_shell(code: str, folder: Path) -> Ended:
    """Run commands as a reader of the page does who has the environment activated."""
    return _ended(["bash", "-euo", "pipefail", "-c", code], folder)


def write_files(page: Path, folder: Path) -> None:
    """The files that a page's blocks are; a page `a-b` builds on those of the page `a`, if there is one."""
    base = page.with_stem(page.stem.partition("-")[0])
    for block in [*(blocks(base) if base != page and base.exists() else []), *blocks(page)]:
        if block.file is not None:
            (folder / block.file).write_text(block.code)


def spoken(page: Path, folder: Path) -> list[str]:
    """Run the Python of a page as one script; what each block of it printed."""
    write_files(page, folder)
    mark = f"\nprint({_SEPARATOR!r}, flush=True)\n"
    ended = run_python("".join(block.code + mark for block in python(page) if not block.is_module), folder)
    assert ended.status == 0, ended.error
    assert ended.error == ""
    return [text.lstrip("\n") if i else text for i, text in enumerate(ended.out.split(_SEPARATOR)[:-1])]


def _ended(words: list[str], folder: Path) -> Ended:
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": search, "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    place = f"{folder}{os.sep}"
    return Ended(done.returncode, done.stdout.replace(place, ""), done.stderr.replace(place, ""))
