"""A file as plain data, with the line that every part of it stands on. What it holds is never executed.

YAML is read as its version 1.2 core schema: `no` is text and `12:30` is no number. Anchors, aliases and tags are
refused, and so are documents that are large, deeply nested or have many parts: a spec needs none of it, and each is a
way to make a small file large in memory.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rlreactor.errors import ReactorError

if TYPE_CHECKING:
    from yaml.events import Event, ScalarEvent

__all__ = ["Document", "DocumentError", "Location", "parse_toml", "parse_yaml"]

Location = tuple[int | str, ...]
"""`("hosts", 1, "cores")`."""

LARGEST = 256 << 10  # bytes
DEEPEST = 32
MOST_PARTS = 50_000

_TOO_DEEP = f"expected at most {DEEPEST} levels, one within the other"
_TOO_MANY = f"expected at most {MOST_PARTS:,} parts"

_INT = re.compile(r"[-+]?[0-9]{1,400}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
          "false": False, "False": False, "FALSE": False}  # fmt: skip


class DocumentError(ReactorError):
    """A file that is no document. `line` counts from 1, 0 where the whole file is meant."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Document(NamedTuple):
    """What a file holds, and on which line each part of it begins."""

    data: Any
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int:
        """Where this part begins, or the nearest around it that is there."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def parse_yaml(text: str) -> Document:
    """Raises DocumentError."""
    import yaml  # only where a file is read: it costs every other start 10 ms

    _check_text(text)
    try:
        return _YamlReader(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        raise DocumentError(line, f"not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError(0, f"not YAML: {str(error).splitlines()[0]}") from None


def _check_text(text: str) -> None:
    size = len(text.encode(errors="surrogatepass"))
    if size > LARGEST:
        raise DocumentError(0, f"expected at most {LARGEST:,} bytes, received {size:,}")
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        raise DocumentError(0, "expected UTF-8")


class _YamlReader:
    """Builds the data out of the parser's events, which come one by one and never nest in our stack beyond DEEPEST."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._lines: dict[Location, int] = {}

    def document(self) -> Document:
        from yaml.events import DocumentEndEvent, DocumentStartEvent, StreamStartEvent

        assert isinstance(next(self._events), StreamStartEvent)
        first = next(self._events)
        if not isinstance(first, DocumentStartEvent):
            return Document(None, {(): 1})
        data = self._value(next(self._events), ())
        assert isinstance(next(self._events), DocumentEndEvent)
        second = next(self._events)
        if isinstance(second, DocumentStartEvent):
            raise DocumentError(_line(second), "expected one document, received a second one")
        return Document(data, self._lines)

    def _value(self, event: Event, location: Location) -> Any:
        from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise DocumentError(
                _line(event), "anchors (&) and aliases (*) are not taken; write the part out, or quote it"
            )
        if getattr(event, "tag", None) not in (None, "!"):
            raise DocumentError(_line(event), "tags (!) are not taken; write the value alone, or quote it")
        self._count(event, location)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        return self._mapping(location) if isinstance(event, MappingStartEvent) else self._sequence(location)

    def _count(self, event: Event, location: Location) -> None:
        self._lines.setdefault(location, _line(event))
        if len(location) > DEEPEST:
            raise DocumentError(_line(event), _TOO_DEEP)
        if len(self._lines) > MOST_PARTS:
            raise DocumentError(_line(event), _TOO_MANY)

    def _mapping(self, location: Location) -> dict[str, Any]:
        from yaml.events import MappingEndEvent, ScalarEvent

        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent) or event.anchor is not None or event.tag not in (None, "!"):
                raise DocumentError(_line(event), "expected a name as text before the colon")
            if event.value in found:
                raise DocumentError(_line(event), f"{event.value!r} is given twice")
            inner = (*location, event.value)
            self._lines[inner] = _line(event)
            found[event.value] = self._value(next(self._events), inner)
        return found

    def _sequence(self, location: Location) -> list[Any]:
        from yaml.events import SequenceEndEvent

        found: list[Any] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            found.append(self._value(event, (*location, len(found))))
        return found


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark is not None else 1


def _scalar(event: ScalarEvent) -> Any:
    text = event.value
    if not event.implicit[0]:  # quoted, or a block of text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    return number if math.isfinite(number) else text


# ---------------------------------------------------------------- TOML


_NAME = r"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
_LONG_NAME = re.compile(rf"(?<![\w-]){_NAME}(?:[ \t]*+\.[ \t]*+{_NAME}){{{DEEPEST},}}")


def parse_toml(text: str) -> Document:
    """Raises DocumentError."""
    _check_text(text)
    if (found := _LONG_NAME.search(text)) is not None:  # tomllib's memory would grow with its length squared
        raise DocumentError(text.count("\n", 0, found.start()) + 1, _TOO_DEEP)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _toml_error(str(error)) from None
    except ValueError as error:  # an int of thousands of digits
        raise DocumentError(0, f"not TOML: {error}") from None
    except RecursionError:
        raise DocumentError(0, _TOO_DEEP) from None
    document = Document(data, _toml_lines(text))
    _check_parts(document)
    return document


_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")


def _toml_error(message: str) -> DocumentError:
    found = _AT_LINE.search(message)
    return DocumentError(int(found[1]) if found else 0, f"not TOML: {_AT_LINE.sub('', message)}")


_TOKEN = re.compile(
    r"\"\"\"(?:[^\\\"]|\\.|\"(?!\"\"))*\"{3,5}|'''(?:[^']|'(?!''))*'{3,5}"
    r"|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|\#[^\n]*|\n|[\[\]{}]|[^\"'\#\n\[\]{}]+",
    re.DOTALL,
)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers and assignments with the line that each begins on; a valid document, so brackets and quotes match."""
    line, begin, first, depth = 1, 0, 1, 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        line += token[0].count("\n")
        if token[0] == "\n" and depth == 0:
            yield first, text[begin : token.start()]
            begin, first = token.end(), line
    yield first, text[begin:]


def _toml_lines(text: str) -> dict[Location, int]:
    """The line of every table and of every assignment; what is within a value is on the line of its name."""
    lines: dict[Location, int] = {(): 1}
    counts: dict[Location, int] = {}
    table: Location = ()
    for line, statement in _statements(text):
        try:
            names = _names(tomllib.loads(statement))
        except tomllib.TOMLDecodeError:  # a line that this splitting does not understand: the table's line will do
            continue
        if statement.lstrip().startswith("[["):
            counts = {other: count for other, count in counts.items() if other[: len(names)] != names or other == names}
            counts[names] = counts.get(names, -1) + 1
        if statement.lstrip().startswith("["):
            table = _resolved(names, counts)
            lines[table] = line
        elif names:
            for end in range(1, len(names) + 1):
                lines.setdefault((*table, *names[:end]), line)
    return lines


def _names(data: Any) -> tuple[str, ...]:
    """`("a", "b")` out of {"a": {"b": …}}: the name of a table, or that before the equals sign and perhaps more."""
    names: list[str] = []
    while len(names) < DEEPEST and (inner := _children(data)) and len(inner) == 1:
        ((name, data),) = inner
        names += [name] if isinstance(name, str) else []
    return tuple(names)


def _children(part: Any) -> list[tuple[int | str, Any]]:
    if isinstance(part, dict):
        return list(cast(dict[str, Any], part).items())
    return list(enumerate(cast(Sequence[Any], part))) if isinstance(part, list) else []


def _resolved(names: tuple[str, ...], counts: Mapping[Location, int]) -> Location:
    """With the index of the last element after every name that is an array of tables."""
    found: list[int | str] = []
    for end, name in enumerate(names, 1):
        found.append(name)
        if names[:end] in counts:
            found.append(counts[names[:end]])
    return tuple(found)


def _check_parts(document: Document) -> None:
    """What YAML's reader checks on its way: depth, number, and kinds that a spec has."""
    parts = 0
    waiting: list[tuple[Location, Any]] = [((), document.data)]
    while waiting:
        location, part = waiting.pop()
        parts += 1
        problem = _TOO_DEEP if len(location) > DEEPEST else _TOO_MANY if parts > MOST_PARTS else _strange(part)
        if problem:
            raise DocumentError(document.line(location), problem)
        waiting += [((*location, name), value) for name, value in _children(part)]


def _strange(part: Any) -> str:
    if isinstance(part, float) and not math.isfinite(part):
        return f"expected a number, received {part}"
    known = part is None or isinstance(part, str | int | float | dict | list)
    return "" if known else "dates and times are not taken; write it as text, in quotes"
