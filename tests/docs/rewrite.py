"""Put what the examples print now into the pages: `python -m tests.docs.rewrite errors specs`. Read the difference.

Only what follows Python is replaced; what commands print is written by hand, with `...` for what varies.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .pages import DOCS, python, spoken
from .test_errors import message


def printed(page: Path) -> Iterator[str]:
    """What every block of Python on the page prints."""
    with tempfile.TemporaryDirectory() as folder:
        if page.stem == "errors":
            yield from (message(block, Path(folder)) for block in python(page) if not block.is_module)
        else:
            yield from spoken(page, Path(folder))


def rewrite(page: Path) -> None:
    """Replace the text below every block of Python."""
    text, position = page.read_text(), 0
    examples = [block for block in python(page) if not block.is_module]
    for block, now in zip(examples, printed(page), strict=True):
        position = text.index(block.code, position) + len(block.code)
        if block.output is not None:
            head, tail = text[:position], text[position:]
            text = head + tail.replace(f"```text\n{block.output}```", f"```text\n{now}```", 1)
    page.write_text(text)


for name in sys.argv[1:]:
    rewrite(DOCS / f"{name}.md")
