"""The README: its example runs as printed, and is the one in examples/."""

from __future__ import annotations

from pathlib import Path

from .pages import ROOT, blocks, python, run_python, run_shell

README = ROOT / "README.md"


def test_example_prints_what_the_readme_says(tmp_path: Path) -> None:
    (example,) = python(README)
    ended = run_python(example.code, tmp_path)
    assert (ended.status, ended.error) == (0, "")
    assert ended.out == example.output


def test_example_is_the_file(tmp_path: Path) -> None:
    (example,) = python(README)
    assert (ROOT / "examples" / "quickstart.py").read_text() == example.code


def test_example_gives_the_same_bits_on_any_number_of_workers(tmp_path: Path) -> None:
    (example,) = python(README)
    for workers in (1, 3, 5):
        code = example.code.replace("workers=2", f"workers={workers}")
        assert code != example.code
        assert run_python(code, tmp_path).out == example.output


def test_training_gives_the_same_weights_on_any_number_of_workers(tmp_path: Path) -> None:
    (loop,) = [block for block in blocks(README) if "weights_sha256" in block.code]
    ended = run_shell(loop.code.replace("--steps 20480", "--steps 4096"), tmp_path)
    assert ended.status == 0, ended
    workers, weights = zip(*(line.split() for line in ended.out.splitlines()), strict=True)
    assert workers == ("1", "2", "5")
    assert len(set(weights)) == 1
    assert len(weights[0]) == 64
    assert loop.output is not None
    assert len({line.split()[1] for line in loop.output.splitlines()}) == 1
