"""Key files: who may read them, and what is said when they are not as they should be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from rlreactor.errors import LinkError
from rlreactor.links.keys import CALLER, make_keys, new_certificate, read_public, read_secret, slot_name


def test_a_pair_for_the_caller_and_one_for_every_slot(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "keys"
    files = make_keys(folder, 2)
    names = [CALLER, slot_name(0), slot_name(1)]
    assert sorted(files) == sorted(folder / f"{name}.{kind}" for name in names for kind in ("key", "pub"))
    pairs = [read_secret(folder, name) for name in names]
    assert [pair.public for pair in pairs] == [read_public(folder, name) for name in names]
    assert len({key for pair in pairs for key in pair}) == 6


def test_nobody_else_may_read_a_secret(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    files = make_keys(folder, 1)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files if file.suffix == ".key"} == {0o600}
    assert all("secret" not in file.read_text() for file in files if file.suffix == ".pub")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    make_keys(tmp_path, 1)
    (tmp_path / "slot-0.key").chmod(mode)
    with pytest.raises(LinkError, match=rf"slot-0.key: expected .* \(mode 0600\), received mode {mode:04o}; run chmod"):
        read_secret(tmp_path, "slot-0")


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    make_keys(tmp_path, 1)
    before = read_secret(tmp_path, CALLER)
    with pytest.raises(LinkError, match=r"caller\.key is there already; remove it first"):
        make_keys(tmp_path, 1)
    assert read_secret(tmp_path, CALLER) == before


@pytest.mark.parametrize("text", ["", "public = 3", 'public = "short"', "public = [", f'public = "{"é" * 40}"'])
def test_what_is_no_key_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "caller.pub").write_text(text)
    with pytest.raises(LinkError, match=r'caller\.pub: expected a line public = "…" with a key of 40 characters'):
        read_public(tmp_path, CALLER)


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"cannot read the key .*slot-3\.pub: No such file"):
        read_public(tmp_path, slot_name(3))


def test_a_secret_is_not_shown() -> None:
    pair = new_certificate()
    assert pair.secret.decode() not in f"{pair!r} {pair}"
