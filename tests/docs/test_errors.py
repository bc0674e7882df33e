"""docs/errors.md: every mistake there gives the message that stands below it, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import DOCS, ROOT, Block, python, run_python, write_files

PAGE = DOCS / "errors.md"
MISTAKES = [block for block in python(PAGE) if not block.is_module]
_RUN = """
try:
    exec(compile({code!r}, "example.py", "exec"))
except Exception as error:
    print(f"{{type(error).__name__}}: {{error}}")
"""
_OUR_FRAME = re.compile(rf'  File "{re.escape(str(ROOT))}/rlreactor/[^\n]*\n(?:    [^\n]*\n)*')
_MARKERS = re.compile(r"^ +[~^]+\n", re.MULTILINE)


def headings() -> list[str]:
    """The heading above each mistake."""
    found: list[str] = []
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        found += [title.replace(" ", "-")] * section.count("```python")
    return found


def message(block: Block, folder: Path) -> str:
    """What the mistake says, without the engine's own frames in a traceback, and without Python's markers."""
    write_files(PAGE, folder)
    (folder / "example.py").write_text(block.code)
    ended = run_python(_RUN.format(code=block.code), folder, "driver.py")
    assert (ended.status, ended.error) == (0, "")
    return _MARKERS.sub("", _OUR_FRAME.sub("", ended.out))


@pytest.mark.parametrize("block", MISTAKES, ids=headings())
def test_message_is_the_one_on_the_page(block: Block, tmp_path: Path) -> None:
    assert message(block, tmp_path) == block.output
