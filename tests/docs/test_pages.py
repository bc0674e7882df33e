"""Every page: its Python prints what the page says, and so do its commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import DOCS, ROOT, Block, blocks, python, run_shell, spoken, write_files

PAGES = sorted(DOCS.glob("*.md"))
EXAMPLES = [page for page in PAGES if page.stem not in ("README", "errors")]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
def test_example_prints_what_the_page_says(page: Path, tmp_path: Path) -> None:
    examples = [block for block in python(page) if not block.is_module]
    assert examples or commands(page), "a page has an example"
    printed = spoken(page, tmp_path)
    assert printed == [block.output or "" for block in examples]


def commands(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language == "sh" and block.output is not None]


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda page: page.stem)
def test_commands_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    """`...` stands for anything: times, versions, places."""
    write_files(page, tmp_path)
    for block in commands(page):
        ended = run_shell(block.code, tmp_path)
        assert ended.status == 0, ended
        expected = re.escape(block.output or "").replace(r"\.\.\.", ".*")
        assert re.fullmatch(expected, ended.out, re.DOTALL), f"{block.code}\n{ended.out}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_listed() -> None:
    listed = set(_LINK.findall((DOCS / "README.md").read_text()))
    assert {page.name for page in PAGES if page.name != "README.md"} <= listed
