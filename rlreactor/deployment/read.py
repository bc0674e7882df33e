"""A deployment out of a file: every mistake at once, each with its line and its path into the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rlreactor.deployment.agreement import Problem, disagreements
from rlreactor.deployment.document import LARGEST, Document, DocumentError, parse_toml, parse_yaml
from rlreactor.deployment.spec import DISAGREEMENT, Deployment, place
from rlreactor.deployment.words import expectation, schema_at
from rlreactor.errors import ReactorError, did_you_mean

__all__ = ["DeploymentError", "parse_deployment", "read_deployment", "schema"]

_PARSERS: Mapping[str, Callable[[str], Document]] = {
    ".yaml": parse_yaml, ".yml": parse_yaml, ".json": parse_yaml, ".toml": parse_toml,
}  # fmt: skip
_LONGEST = 60  # characters of a value that an error quotes
_SHOWN = 50  # mistakes


class DeploymentError(ReactorError):
    """A spec breaks the rules. `mistakes` holds every one that was found, not only the first."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = tuple(mistakes)
        shown = [*self.mistakes[:_SHOWN], *([f"… and {len(mistakes) - _SHOWN} more"] if len(mistakes) > _SHOWN else [])]
        super().__init__("\n".join([f"{len(mistakes)} mistakes:", *shown] if len(mistakes) > 1 else shown))


def schema() -> dict[str, Any]:
    """The JSON schema of a deployment, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Deployment.model_json_schema()}


def read_deployment(path: Path) -> Deployment:
    """The deployment in a file. Nothing is imported and nothing executed. Raises DeploymentError."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise DeploymentError([f"{path}: there is no file {path.absolute()}; {_beside(path.absolute())}"]) from None
    except OSError as error:
        raise DeploymentError([f"{path}: cannot be read: {error.strerror}"]) from None
    return parse_deployment(content, str(path))


def _beside(path: Path) -> str:
    """What there is where a file is missing."""
    if not path.parent.is_dir():
        return f"there is no directory {path.parent} either"
    others = [other for other in path.parent.iterdir() if other.suffix in _PARSERS]
    specs = [other.name for other in others if other.name != "pyproject.toml" and not other.name.startswith(".")]
    return did_you_mean(path.name, specs) if specs else f"no file beside it ends in {', '.join(_PARSERS)}"


def parse_deployment(content: bytes, name: str) -> Deployment:
    """The deployment in the content of the file of this name, whose ending says YAML or TOML. Raises it too."""
    parse = _PARSERS.get(Path(name).suffix)
    if parse is None:
        raise DeploymentError([f"{name}: expected a file name that ends in {', '.join(_PARSERS)}"])
    try:
        document = parse(content.decode())
    except UnicodeDecodeError:
        raise DeploymentError([f"{name}: expected UTF-8"]) from None
    except DocumentError as error:
        raise DeploymentError([f"{name}:{error.line}: {error}" if error.line else f"{name}: {error}"]) from None
    try:
        return Deployment.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        problems = [*_problems(error), *disagreements(document.data)]
        found = sorted((document.line(where), place(where), what) for where, what in problems)
        mistakes = dict.fromkeys(f"{name}:{line}: {where}: {what}" for line, where, what in found)
        raise DeploymentError(list(mistakes)) from None


def _problems(error: ValidationError) -> Iterator[Problem]:
    whole = Deployment.model_json_schema()
    for detail in error.errors(include_url=False):
        if detail["type"] != DISAGREEMENT:
            yield detail["loc"], _words(detail, whole)


def _words(detail: Any, whole: Mapping[str, Any]) -> str:
    around, name = schema_at(whole, detail["loc"][:-1]), detail["loc"][-1] if detail["loc"] else ""
    if detail["type"] == "extra_forbidden":
        return f"unknown field; {did_you_mean(str(name), around.get('properties', ()))}"
    wanted = f"expected {expectation(schema_at(whole, detail['loc']))}"
    if detail["type"] == "missing":
        return f"{wanted}, and nothing is given"
    return f"{detail['msg'] if detail['type'] == 'unexpected' else wanted}, received {_quoted(detail['input'])}"


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
