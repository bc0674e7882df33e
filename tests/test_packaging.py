"""What is shipped, under which names, and which floor may import which."""

import ast
import importlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rlreactor.compiled import ENGINE

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("reactors", "topologies", "algos")
PICKLES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve"}


def python_files(floor: str) -> list[Path]:
    """The Python files of one top-level directory, in order; links are not followed."""
    files: list[Path] = []
    for folder, _, names in os.walk(ROOT / floor):
        files += [Path(folder, name) for name in names if name.endswith(".py")]
    assert files, f"{floor}/ holds no Python file"
    return sorted(files)


def module_name(file: Path) -> str:
    """The dotted name a file is imported under."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    if parts[0] in LINKED:
        parts = ("rlreactor", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def nothing_else(*_: object, **__: object) -> list[Any]:
    return []


@pytest.mark.parametrize(("machine", "compiles"), [("x86_64", True), ("aarch64", False)])
def test_what_is_written_in_c_is_compiled_as_a_whole(
    machine: str, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def set_up(ext_modules: list[Any]) -> None:
        built.extend(str(module.sources[0]) for module in ext_modules)

    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("mypyc.build.mypycify", nothing_else)
    monkeypatch.setattr("setuptools.setup", set_up)
    monkeypatch.setattr("sys.argv", ["setup.py", "build_ext"])
    runpy.run_path(str(ROOT / "setup.py"))
    sources = [str(file.relative_to(ROOT)) for file in (ROOT / "rlreactor").glob("*/*.c")]
    sources += [str(file.relative_to(ROOT)) for file in (ROOT / "rlreactor").glob("*.c")]
    assert sorted(built) == (sorted(sources) if compiles else [])


def imported_names(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything `source`, a module of `package`, imports."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = ".".join(package.split(".")[: 1 - level or None]) if level else ""
                prefix = ".".join(part for part in (base, module) if part)
                yield from ((node.lineno, f"{prefix}.{alias.name}") for alias in names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name
            case _:
                pass


def imports_of(floor: str) -> Iterator[tuple[str, str]]:
    """`file:line` and imported name, for every import on one floor."""
    for file in python_files(floor):
        name = module_name(file)
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for line, imported in imported_names(file.read_text(), package):
            yield f"{file.relative_to(ROOT)}:{line}", imported


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn as nn", ["torch.nn"]),
        ("import os, pickle", ["os", "pickle"]),
        ("from torch import nn, optim", ["torch.nn", "torch.optim"]),
        ("def late():\n    import torch", ["torch"]),
        ("from . import x", ["rlreactor.algos.x"]),
        ("from .ppo import loss", ["rlreactor.algos.ppo.loss"]),
        ("from .. import run", ["rlreactor.run"]),
        ("from ..spec import Array", ["rlreactor.spec.Array"]),
        ("import_module('pickle')", ["pickle"]),
        ("importlib.import_module('torch')", ["torch"]),
        ("__import__('dill')", ["dill"]),
    ],
)
def test_every_form_of_import_is_seen(source: str, expected: list[str]) -> None:
    assert [name for _, name in imported_names(source, "rlreactor.algos")] == expected


@pytest.mark.parametrize("name", LINKED)
def test_bare_import_is_refused_with_the_right_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    with pytest.raises(ImportError) as refused:
        importlib.import_module(name)
    expected = f"import 'rlreactor.{name}', not '{name}': one file must be one module"
    assert str(refused.value) == expected


@pytest.mark.parametrize("name", LINKED)
def test_linked_package_imports_under_its_full_name(name: str) -> None:
    module = importlib.import_module(f"rlreactor.{name}")
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / name / "__init__.py"


@pytest.mark.parametrize("name", LINKED)
def test_link_is_relative_and_tracked(name: str) -> None:
    assert str((ROOT / "rlreactor" / name).readlink()) == f"../{name}"
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--stage", f"rlreactor/{name}"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert listed.stdout.startswith("120000 "), f"rlreactor/{name} is not tracked as a link"


def test_pyright_is_told_of_every_link() -> None:
    """It walks past links in silence, and would check nothing of the linked packages."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]
    assert {f"rlreactor/{name}" for name in LINKED} <= set(settings["include"])


def test_engine_imports_nothing_of_reinforcement_learning() -> None:
    found = [
        f"{where} imports {name}"
        for where, name in imports_of("rlreactor")
        if inside(name, "torch") or inside(name, "gymnasium")
    ]
    assert found == []


def test_only_the_command_line_knows_the_upper_floors() -> None:
    found = [
        f"{where} imports {name}"
        for where, name in imports_of("rlreactor")
        if not where.startswith("rlreactor/cli.py:") and any(inside(name, f"rlreactor.{upper}") for upper in LINKED)
    ]
    assert found == []


def test_algorithms_never_import_the_engine() -> None:
    found = [
        f"{where} imports {name}"
        for where, name in imports_of("algos")
        if inside(name, "rlreactor") and not inside(name, "rlreactor.algos")
    ]
    assert found == []


@pytest.mark.parametrize("floor", ["rlreactor", *LINKED])
def test_pickle_is_imported_nowhere(floor: str) -> None:
    found = [f"{where} imports {name}" for where, name in imports_of(floor) if name.partition(".")[0] in PICKLES]
    assert found == []


def test_importing_the_engine_loads_neither_torch_nor_gymnasium(tmp_path: Path) -> None:
    program = "import sys, rlreactor; print({'torch', 'gymnasium'} & set(sys.modules) or 'neither')"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "neither\n"


def in_fresh_copy(tmp_path: Path) -> Path:
    """A copy of the tree, so that building leaves nothing behind and finds nothing stale."""
    copy = tmp_path / "tree"
    copy.mkdir()
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("rlreactor", *LINKED):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def build_wheel(source: Path, to: Path) -> set[str]:
    """The names in the wheel built from a tree or an sdist, without network; compiling would take a minute."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", to, source],
        check=True, cwd=to.parent, env=os.environ | {ENGINE: "interpreted"},
    )  # fmt: skip
    (wheel,) = to.glob("rlreactor-*-py3-none-any.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def shipped_modules() -> set[str]:
    modules = {file.relative_to(ROOT) for floor in ("rlreactor", *LINKED) for file in python_files(floor)}
    return {str(Path("rlreactor", file) if file.parts[0] in LINKED else file) for file in modules}


def assert_complete(wheel: set[str]) -> None:
    assert {name for name in wheel if name.endswith(".py")} == shipped_modules()
    assert {f"rlreactor/{name}/__init__.py" for name in LINKED} < wheel
    assert "rlreactor/py.typed" in wheel
    assert not [name for name in wheel if name.endswith((".c", ".h"))]
    assert any(re.fullmatch(r"rlreactor-.+\.dist-info/licenses/LICENSE", name) for name in wheel)


def test_wheel_holds_every_module(tmp_path: Path) -> None:
    assert_complete(build_wheel(in_fresh_copy(tmp_path), tmp_path / "wheels"))


def test_wheel_from_the_sdist_holds_every_module(tmp_path: Path) -> None:
    program = "import sys, setuptools.build_meta as b; b.build_sdist(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=in_fresh_copy(tmp_path), check=True,
        capture_output=True,
    )  # fmt: skip
    (sdist,) = tmp_path.glob("rlreactor-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {str(file.relative_to(ROOT)) for file in (ROOT / "rlreactor").rglob("*.[ch]")} <= names
    assert_complete(build_wheel(sdist, tmp_path / "wheels"))


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_constraints_are_plain_exact_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)]
    assert odd == []


def test_every_direct_dependency_is_pinned_within_its_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pinned = pins()
    lines = [*project["dependencies"], *extras["dev"], *extras["atari"], *extras["box2d"]]
    wrong = [
        str(requirement)
        for requirement in map(Requirement, lines)
        if requirement.name != "rlreactor"
        and pinned.get(canonicalize_name(requirement.name), "none") not in requirement.specifier
    ]
    assert wrong == []
