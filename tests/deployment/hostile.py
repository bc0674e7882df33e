"""Documents that mean harm, made by mutating good ones: `python -m tests.deployment.hostile 100000`.

Whatever they hold, reading one either gives a deployment or raises DeploymentError, soon and without much memory.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

from rlreactor.deployment.read import DeploymentError, parse_deployment

from .specs import FULL, FULL_TOML

__all__ = ["BOMBS", "documents", "outcome"]

_PIECES = (
    "*a", "&a", "&a [*a, *a]", "!!python/object/apply:os.system ['true']", "!!binary x", "<<: *a", "---", "...",
    "? a", "[", "]", "{", "}", ":", "- ", "|", ">", "'", '"', '"""', "'''", "#", "\t", "\x00", "\ud800", "\ufeff",
    "\u2028", "é", "%YAML 1.1", "%TAG ! tag:x,2000:", "~", "null", "no", "12:30", "0x1F", "1e999", ".inf", "nan",
    "inf", "-1", "2001-01-01", "9" * 30, "9" * 5000, "hosts:", "  - name: learner", "name: x", "cores: 0",
    "[[hosts]]", "[hosts]", "[topology.parameters]", "a.b.c = 1", "x = [[[[1]]]]", "count: 4096",
    "count: 999999999999", "\\ud800", '"\\ud800"', "__class__: x", "$ref: x",
)  # fmt: skip

BOMBS: dict[str, str] = {
    "deep.yaml": "[" * 100_000,
    "deep map.yaml": "{a: " * 60_000,
    "indented.yaml": "".join(" " * i + "a:\n" for i in range(600)),
    "dashes.yaml": "- " * 100_000,
    "aliases.yaml": "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(2000)),
    "keys.yaml": "".join(f"k{i}: 1\n" for i in range(25_000)),
    "flow.yaml": "topology: [" + "1," * 100_000 + "]",
    "questions.yaml": "? " * 100_000,
    "quotes.yaml": "'" * 200_000,
    "int.yaml": "run: {seed: " + "9" * 200_000 + "}",
    "spaces.yaml": "a:" + " " * 250_000 + "b",
    "comments.yaml": "#\n" * 130_000,
    "tags.yaml": "a: !" + "x" * 200_000,
    "percent.yaml": "%" * 200_000,
    "large.yaml": "#" * 300_000,
    "hosts.yaml": "topology: {class: a:B}\nhosts:\n" + "- {name: a, cores: 1, count: 4096}\n" * 4096,
    "deep.toml": "a = " + "[" * 100_000,
    "deep table.toml": "a = " + "{a = " * 40_000,
    "dots.toml": "a" + ".a" * 100_000 + " = 1",
    "header.toml": "[a" + ".a" * 100_000 + "]",
    "headers.toml": "".join(f"[t{i}]\n" for i in range(25_000)),
    "tables.toml": "[[a]]\n" * 40_000,
    "nested.toml": "".join(f"[{'.'.join(['a'] * i)}]\n" for i in range(1, 400)),
    "lines.toml": "a = [\n" + "1,\n" * 80_000 + "]\n",
    "text.toml": 'a = """' + "\n" * 250_000 + '"""',
    "quotes.toml": '"' * 200_000,
    "int.toml": "run.seed = " + "9" * 200_000,
}


def documents(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of mutated specs."""
    chance = random.Random(seed)
    for _ in range(count):
        name, text = chance.choice((("x.yaml", FULL), ("x.toml", FULL_TOML), ("x.json", _json())))
        for _ in range(chance.randint(1, 6)):
            text = chance.choice(_MUTATIONS)(text, chance)
        content = text.encode(errors="surrogatepass")
        yield name, _bytes_flipped(content, chance) if chance.random() < 0.1 else content


def outcome(name: str, content: bytes) -> str:
    """`valid` or `refused`; anything else that is raised is a defect."""
    try:
        parse_deployment(content, name)
    except DeploymentError:
        return "refused"
    return "valid"


def _json() -> str:
    return json.dumps(
        {"topology": {"class": "a:B"}, "hosts": [{"name": "a", "cores": 1}], "run": {"seed": 3}}, indent=1
    )


def _inserted(text: str, chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(_PIECES) + text[at:]


def _replaced(text: str, chance: random.Random) -> str:
    """Another value on one line."""
    lines = text.splitlines(keepends=True) or [""]
    at = chance.randrange(len(lines))
    head, mark, _ = lines[at].partition(chance.choice((":", "=")))
    lines[at] = f"{head}{mark} {chance.choice(_PIECES)}\n"
    return "".join(lines)


def _cut(text: str, chance: random.Random) -> str:
    first, last = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
    return text[:first] + text[min(last, first + 40) :]


def _repeated(text: str, chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + text[at : at + 60] * chance.choice((2, 3, 50)) + text[at:]


def _swapped(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    chance.shuffle(lines)
    return "".join(lines)


def _bytes_flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content or b"x")
    for _ in range(3):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    _inserted,
    _replaced,
    _replaced,
    _cut,
    _repeated,
    _swapped,
)


def main(count: int) -> None:
    """Read so many documents, and say how it went."""
    start, slowest = time.monotonic(), 0.0
    found: Counter[str] = Counter()
    for name, content in documents(0, count):
        before = time.monotonic()
        found[outcome(name, content)] += 1
        slowest = max(slowest, time.monotonic() - before)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{count:,} documents in {time.monotonic() - start:.0f} s: {found['refused']:,} refused, {found['valid']:,} "
        f"valid, nothing else; slowest {slowest * 1000:.0f} ms, peak {peak} MiB"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
