"""Parameters: the plain data that, with the class path, describes a reactor completely."""

from __future__ import annotations

import copy
import functools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rlreactor.errors import did_you_mean

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["MISSING", "Parameter", "validated"]

MISSING = object()


class Parameter(NamedTuple):
    """One annotated class attribute."""

    name: str
    annotation: Any  # a type, or the source text of one
    default: Any
    namespace: Mapping[str, Any]  # names that the text may use besides the module's
    module: str

    @property
    def type(self) -> Any:
        """The annotation as a type. Raises NameError when its text names something unknown."""
        if not isinstance(self.annotation, str):
            return self.annotation
        return eval(self.annotation, vars(sys.modules[self.module]), dict(self.namespace))


@functools.lru_cache(maxsize=1024)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # late here and below: a third of what importing rlreactor would take

    return TypeAdapter(annotation)


def _adapter_of(parameter: Parameter) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    try:
        return _adapter(parameter.type)
    except TypeError:  # an annotation that cannot be hashed
        return TypeAdapter(parameter.type)


def validated(
    owner: str, parameters: Mapping[str, Parameter], given: Mapping[str, Any], *, strict: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """The value of every parameter, and every violation in words. `strict=False` is for data from a file."""
    values: dict[str, Any] = {}
    violations = [
        f"{owner} has no parameter {name!r}; {did_you_mean(name, parameters)}"
        for name in given
        if name not in parameters
    ]
    for name, parameter in parameters.items():
        if name not in given and parameter.default is MISSING:
            violations.append(f"{owner} needs parameter {name!r} ({_type_text(parameter)}), which has no default")
        elif name not in given:
            values[name] = copy.deepcopy(parameter.default)  # two reactors share nothing
        else:
            _validate_one(owner, parameter, given[name], strict, values, violations)
    return values, violations


def _validate_one(
    owner: str, parameter: Parameter, value: Any, strict: bool, values: dict[str, Any], violations: list[str]
) -> None:
    from pydantic import PydanticUserError, ValidationError
    from pydantic.errors import PydanticSchemaGenerationError

    try:
        values[parameter.name] = _adapter_of(parameter).validate_python(value, strict=strict)
    except ValidationError as error:
        for detail in error.errors():
            place = ".".join([parameter.name, *map(str, detail["loc"])])
            violations.append(
                f"{owner}: parameter {place!r}: expected {_type_text(parameter)}, received "
                f"{type(detail['input']).__name__} {detail['input']!r} ({detail['msg']})"
            )
    except (PydanticSchemaGenerationError, PydanticUserError, NameError) as error:
        reason = str(error).splitlines()[0]
        violations.append(
            f"{owner}: parameter {parameter.name!r} is annotated {_type_text(parameter)}, which is not plain data "
            f"({reason}); make it with `= state()` in a startup reaction, or describe it by numbers and strings"
        )


def _type_text(parameter: Parameter) -> str:
    annotation = parameter.annotation
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
