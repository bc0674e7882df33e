"""What the types catch: mypy and pyright, with the settings of the project, on files that only they run."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ACCEPTED = HERE / "accepted.py"
REJECTED = HERE / "rejected.py.txt"
CACHE = ROOT / ".mypy_cache" / "types"  # of its own: it stays warm, and a `make types` next door is not disturbed

Lines = dict[str, set[int]]


def mypy(files: list[Path], folder: Path) -> Lines:
    """The lines with an error, by file name."""
    settings: list[str | Path] = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", CACHE]
    said = _run("mypy", *settings, "--no-pretty", "--no-error-summary", *files, folder=ROOT)
    found: Lines = {}
    for file, line, kind in re.findall(r"^(.+?):(\d+): (\w+):", said, re.MULTILINE):
        if kind == "error":
            found.setdefault(Path(file).name, set()).add(int(line))
    assert found or not said, said
    return found


def pyright(files: list[Path], folder: Path) -> Lines:
    """The lines with an error, by file name."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]
    settings = {name: value for name, value in settings.items() if name not in ("include", "venv", "venvPath")}
    settings |= {"include": [str(file) for file in files], "extraPaths": [str(ROOT)]}
    configuration = folder / "pyrightconfig.json"
    configuration.write_text(json.dumps(settings))
    said = _run("pyright", "--project", configuration, "--pythonpath", sys.executable, "--outputjson", folder=folder)
    found: Lines = {}
    for diagnostic in json.loads(said)["generalDiagnostics"]:
        if diagnostic["severity"] == "error":
            line = diagnostic["range"]["start"]["line"] + 1
            found.setdefault(Path(diagnostic["file"]).name, set()).add(line)
    return found


def _run(module: str, *words: str | Path, folder: Path) -> str:
    ended = subprocess.run([sys.executable, "-m", module, *words], cwd=folder, capture_output=True, text=True)
    assert ended.returncode in (0, 1), ended
    return ended.stdout


CHECKERS: dict[str, Callable[[list[Path], Path], Lines]] = {"mypy": mypy, "pyright": pyright}


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lines]:
    """What a checker says of both files: one start of it is enough."""

    @functools.cache
    def checked(name: str) -> Lines:
        folder = tmp_path_factory.mktemp(name)
        copies = [folder / "accepted.py", folder / "rejected.py"]
        for copy, original in zip(copies, (ACCEPTED, REJECTED), strict=True):
            copy.write_text(original.read_text())
        return CHECKERS[name](copies, folder)

    return checked


@pytest.mark.parametrize("name", CHECKERS)
@pytest.mark.timeout(300)
def test_what_is_wrong_is_rejected_and_nothing_else(name: str, errors: Callable[[str], Lines]) -> None:
    lines = REJECTED.read_text().splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if "# rejects" in line}
    found = errors(name).get("rejected.py", set())
    assert [lines[n - 1].strip() for n in sorted(wrong - found)] == []
    assert [lines[n - 1].strip() for n in sorted(found - wrong)] == []


@pytest.mark.parametrize("name", CHECKERS)
@pytest.mark.timeout(300)
def test_what_is_right_is_accepted(name: str, errors: Callable[[str], Lines]) -> None:
    assert errors(name).get("accepted.py", set()) == set()
