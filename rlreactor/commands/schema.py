"""`rlreactor schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from rlreactor.commands.options import CommandOptions
from rlreactor.commands.output import Output
from rlreactor.deployment.read import schema
from rlreactor.observe.files import write_atomically

__all__ = ["SchemaOptions", "schema_command"]


class SchemaOptions(CommandOptions):
    """Print the JSON schema of a deployment's file, by which editors complete and check it."""

    output: Path | None = Field(default=None, description="File to write it to; stdout when not given.")


def schema_command(options: SchemaOptions, output: Output) -> dict[str, Any]:
    """Raises FileError."""
    found = schema()
    text = json.dumps(found, indent=2)
    if options.output is None:
        output.say(text)
        return found
    write_atomically(options.output, f"{text}\n".encode())
    output.say(f"wrote {options.output}")
    return {"output": str(options.output)}
