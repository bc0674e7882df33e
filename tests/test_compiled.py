"""The engine's inner modules run compiled or as they stand, and a run is the same either way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import rlreactor
from rlreactor.cli import main
from rlreactor.compiled import ENGINE, engine

ROOT = Path(__file__).resolve().parent.parent

RUN = """
from rlreactor import TICK, Input, Output, Reactor, Timer, reaction, run
from rlreactor.compiled import engine

class Count(Reactor):
    tick = Timer(0, TICK)
    said = Output(int)
    heard = Input(int)

    @reaction(tick, effects=[said])
    def say(self) -> None:
        self.said.set(self.rng.integers(1 << 30).item())

    @reaction(heard)
    def hear(self) -> None:
        pass

class Two(Reactor):
    def compose(self) -> None:
        self.one, self.other = Count(), Count()
        self.connect(self.one.said, self.other.heard)
        self.connect(self.other.said, self.one.heard, after=TICK)

if __name__ == "__main__":
    print(engine(), run(Two(), workers=2, timeout=500 * TICK).fingerprint)
"""


def said_by(program: str | Path, form: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What a fresh interpreter prints, with the package in `folder`."""
    command = [sys.executable, str(program)] if isinstance(program, Path) else [sys.executable, "-c", program]
    environment = os.environ | {ENGINE: form, "PYTHONPATH": str(folder)}
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


needs_compiled = pytest.mark.skipif(engine() != "compiled", reason="the engine is not compiled: `make engine`")


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_set_up_has_compiled_the_engine() -> None:
    assert engine() == os.environ.get(ENGINE, "compiled")


@needs_compiled
def test_all_that_is_written_in_c_was_compiled() -> None:
    package = ROOT / "rlreactor"
    sources = [file for folder in (package, *package.glob("*/")) for file in folder.glob("*.c")]
    missing = [file.name for file in sources if not file.with_suffix(EXTENSION_SUFFIXES[0]).exists()]
    assert sources
    assert missing == []


def test_the_engine_runs_as_it_stands_if_told_to() -> None:
    assert said_by("from rlreactor.compiled import engine; print(engine())", "interpreted").stdout == "interpreted\n"


def test_the_command_line_tells_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"rlreactor {rlreactor.__version__}, its engine {engine()}\n"


def test_another_form_is_refused() -> None:
    text = said_by("import rlreactor", "fast").stderr
    assert text.endswith(f"ImportError: {ENGINE}=fast: expected compiled or interpreted\n"), text


@needs_compiled
def test_a_run_is_the_same_either_way(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(RUN)
    results = [said_by(program, form).stdout.split() for form in ("compiled", "interpreted")]
    assert [form for form, _ in results] == ["compiled", "interpreted"]
    assert results[0][1] == results[1][1]


@needs_compiled
@pytest.mark.parametrize("module", ["links/ring.py", "tag.py"])
def test_what_was_changed_since_is_not_run_compiled(module: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rlreactor", tmp_path / "rlreactor", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", *(file.name for file in ROOT.glob("rlreactor__mypyc*"))):
        shutil.copy2(ROOT / name, tmp_path / name)
    program = "from rlreactor.compiled import engine; print(engine())"
    before = said_by(program, "compiled", tmp_path)
    assert (before.stdout, before.stderr) == ("compiled\n", "")
    changed = tmp_path / "rlreactor" / module
    changed.touch()
    after = said_by(program, "compiled", tmp_path)
    assert after.stdout == "interpreted\n"
    assert f"RuntimeWarning: {changed} was changed after it had been compiled" in after.stderr
    assert "`make engine` compiles it" in after.stderr
