"""What a field expects, in words: said by our errors, and by editors that read the JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

__all__ = ["LINE", "expectation", "expected", "schema_at"]

LINE = r"^[^\x00-\x1f\x7f]+$"
"""One line of text without control characters: it ends up in scripts and manifests."""

_WORDS = "patternErrorMessage"  # the name under which editors look for it
_KINDS = {"string": "text", "boolean": "true or false", "array": "a list", "object": "a mapping", "null": "nothing"}
_NUMBERS = {"integer": "an int", "number": "a number"}

Schema = Mapping[str, Any]


def expected(words: str) -> Any:
    """For the annotation of a field whose pattern nobody should have to read."""
    return Field(json_schema_extra={_WORDS: words})


def schema_at(root: Schema, location: tuple[int | str, ...]) -> Schema:
    """The part of a JSON schema that describes what is at a location; {} where it says nothing of it."""
    found = _resolved(root, root)
    for part in location:
        inner = found.get("items", {}) if isinstance(part, int) else found.get("properties", {}).get(part, {})
        found = _resolved(inner, root)
    return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Without references, and without the choice of leaving it out."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return _resolved(choices[0], root) if len(choices) == 1 else schema


def expectation(schema: Schema) -> str:
    """`an int of 1 or more`, `one of a, b`, `text`."""
    kind = str(schema.get("type", ""))
    if _WORDS in schema:
        return str(schema[_WORDS])
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if kind in _NUMBERS:
        return _NUMBERS[kind] + _bounds(schema)
    if kind == "array" and "maxItems" in schema:
        return f"a list of at most {schema['maxItems']}"
    return _KINDS.get(kind, "something else")


def _bounds(schema: Schema) -> str:
    low, above, high = (schema.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    if above is not None:
        return f" above {above:g}" + (f" and up to {high:g}" if high is not None else "")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of {low} or more" if low is not None else ""
