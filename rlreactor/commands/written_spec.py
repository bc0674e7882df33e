"""A training run as the file of a deployment, to which hosts are added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from rlreactor.commands.output import Output
from rlreactor.observe.files import write_atomically
from rlreactor.reactor import Reactor, class_path

__all__ = ["write_spec"]


def write_spec(path: Path, topology: Reactor, ticks: int, seed: int, output: Output) -> dict[str, Any]:
    """Write what `rlreactor deploy` needs to run this topology up to `ticks` ns. Raises FileError."""
    import yaml  # only where a file is written

    parameters = to_jsonable_python(dict(topology.parameters))
    spec = {
        "topology": {"class": class_path(type(topology)), "parameters": parameters},
        "run": {"seed": seed, "steps": ticks},
    }
    write_atomically(path, yaml.safe_dump(spec, sort_keys=False, allow_unicode=True, width=100).encode())
    output.say(f"wrote {path}; add hosts, and then: rlreactor deploy {path}")
    return {"spec": str(path), **spec}
