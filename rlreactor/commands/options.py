"""Command line options from pydantic models: names, types, units and bounds are written once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from rlreactor.commands.failure import UsageError

__all__ = ["CommandOptions", "Shown", "chosen", "parse"]

M = TypeVar("M", bound=BaseModel)


class Shown(NamedTuple):
    """How a field appears on the command line, where its name and type do not say it."""

    name: str | None = None
    metavar: str | None = None
    positional: bool = False
    repeated: bool = False
    switch: bool = False
    """Whether there is no --no-… form."""


class CommandOptions(BaseModel):
    """What every command takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    as_json: Annotated[bool, Shown(name="json", switch=True)] = Field(
        default=False, description="Print one JSON object as the last line of stdout, and everything else on stderr."
    )


def parse(model: type[M], words: Sequence[str], program: str, defaults: Mapping[str, Any] | None = None) -> M:
    """The options in `words`. `defaults` take the place of the model's own; models within the model become groups.

    Raises SystemExit after tyro has explained a mistake, and UsageError for a value out of bounds.
    """
    import tyro

    kind = _dataclass_of(model, defaults or {})
    parsed = tyro.cli(kind, args=list(words), prog=program, config=(tyro.conf.OmitArgPrefixes,))
    try:
        return model.model_validate(dataclasses.asdict(parsed))
    except ValidationError as error:
        wrong = "\n".join(_violation(model, detail) for detail in error.errors())
        raise UsageError(f"{wrong}\nsee {program} --help") from None


def chosen(option: str, words: Sequence[str]) -> str:
    """What `--option` is given in `words`, before they are parsed; "" where it is not."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == f"--{option}":
            return following
        if word.startswith(f"--{option}="):
            return word.partition("=")[2]
    return ""


def _dataclass_of(model: type[BaseModel], defaults: Mapping[str, Any]) -> Any:
    """The same fields without bounds: tyro would report a value out of bounds in pydantic's words."""
    fields = [_field(name, info, defaults) for name, info in model.model_fields.items()]
    made = dataclasses.make_dataclass(model.__name__, fields, kw_only=True)
    made.__doc__ = model.__doc__
    return made


def _field(name: str, info: FieldInfo, defaults: Mapping[str, Any]) -> tuple[str, Any, Any]:
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
        given = defaults.get(name)
        inner = _dataclass_of(info.annotation, dict(given) if given is not None else {})
        return name, inner, dataclasses.field()
    if name in defaults:
        return name, _annotation(info), dataclasses.field(default=defaults[name])
    if info.is_required():
        return name, _annotation(info), dataclasses.field()
    return name, _annotation(info), dataclasses.field(default=info.get_default(call_default_factory=True))


def _annotation(info: FieldInfo) -> Any:
    import tyro

    shown = next((m for m in info.metadata if isinstance(m, Shown)), Shown())
    markers: list[Any] = [tyro.conf.arg(name=shown.name, metavar=shown.metavar, help=info.description)]
    if shown.positional:
        markers.append(tyro.conf.Positional)
    if shown.repeated:
        markers.append(tyro.conf.UseAppendAction)
    if shown.switch:
        markers.append(tyro.conf.FlagCreatePairsOff)
    return Annotated[(info.annotation, *markers)]


def _violation(model: type[BaseModel], detail: Any) -> str:
    """`--learning-rate: expected greater than 0, received -1.0`."""
    name = next(part for part in reversed(detail["loc"]) if isinstance(part, str) and part in _names(model))
    message = str(detail["msg"]).replace("Input should be", "expected").replace("Value error, ", "")
    return f"--{name.replace('_', '-')}: {message}, received {detail['input']!r}"


def _names(model: type[BaseModel]) -> set[str]:
    inner = (i.annotation for i in model.model_fields.values())
    groups = (_names(a) for a in inner if isinstance(a, type) and issubclass(a, BaseModel))
    return set(model.model_fields).union(*groups)
