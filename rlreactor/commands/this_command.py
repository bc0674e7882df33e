"""How the user called this program, so that what we tell them to type works as it stands."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["this_command"]


def this_command() -> str:
    """`rlreactor`, or its path where a plain `rlreactor` is none or another program."""
    called = Path(sys.argv[0])
    if called.name != "rlreactor":
        return f"{_relative(Path(sys.executable))} -m rlreactor.cli"
    found = shutil.which("rlreactor")
    if found is not None and Path(found).resolve() == called.resolve():
        return "rlreactor"
    return _relative(called)


def _relative(path: Path) -> str:
    """From the working directory, where that is below it."""
    relative = os.path.relpath(path.absolute())
    return str(path) if relative.startswith("..") else relative
