"""Make the opponents' virtual environments: `python -m bench.setup [NAME ...]`."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from bench.measure import Missing
from rlreactor.errors import did_you_mean

__all__ = ["ENVIRONMENTS", "python_of"]

_FOLDER = Path(__file__).parent
# torch first and alone where it is needed: it is most of the download, and nothing else may choose another version.
ENVIRONMENTS = {
    "sb3": ("torch", "stable-baselines3", "gymnasium[box2d]", "ale-py", "opencv-python-headless"),
    # gymnasium[box2d] would compile box2d there
    "ray": ("torch", "ray[default,rllib]", "ale-py", "opencv-python-headless", "box2d", "pygame", "mpe2"),
    "plain": ("torch", "gymnasium", "ale-py", "envpool"),
    "sample-factory": ("torch", "sample-factory", "gymnasium", "ale-py"),
    "xronos": ("xronos",),
}
"""Packages of each environment, in the order of installing; bench/constraints-NAME.txt has their exact versions."""


def python_of(name: str) -> Path:
    """The interpreter of an opponents' environment. Raises Missing when it was not made."""
    python = _python(name)
    if not python.exists():
        raise Missing(f"no bench/.venv-{name}: python -m bench.setup {name} makes it")
    return python


def _python(name: str) -> Path:
    return _FOLDER / f".venv-{name}" / "bin" / "python"


def make(name: str) -> None:
    """Make or bring up to date one environment."""
    constraints = _FOLDER / f"constraints-{name}.txt"
    if not _python(name).exists():
        venv.create(_FOLDER / f".venv-{name}", with_pip=True)
    pip: list[str | Path] = [_python(name), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    for package in ENVIRONMENTS[name]:
        subprocess.run([*pip, "install", "--constraint", constraints, package], check=True)


def main() -> int:
    names = sys.argv[1:] or list(ENVIRONMENTS)
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        print(f"no environment {unknown[0]!r}; {did_you_mean(unknown[0], ENVIRONMENTS)}", file=sys.stderr)
        return 2
    failed = [name for name in names if not _made(name)]
    if failed:
        print(f"not made: {', '.join(failed)}; experiments go on without them", file=sys.stderr)
    return int(bool(failed))


def _made(name: str) -> bool:
    """Whether it worked; pip has said why not."""
    print(f"bench/.venv-{name}", flush=True)
    try:
        make(name)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"bench/.venv-{name}: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
