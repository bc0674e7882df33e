"""`rlreactor keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.commands.spec_file import compiled, read_spec
from rlreactor.deployment.compile import job_of
from rlreactor.links.keys import make_keys

__all__ = ["KeysOptions", "keys_command"]


class KeysOptions(CommandOptions):
    """Make keys for a caller and its slots, where a run is not to make its own.

    Secret keys are files that their owner alone may read (mode 0600). Nothing is overwritten.
    """

    folder: Annotated[Path, Shown(metavar="FOLDER", positional=True)] = Field(
        description="Where to; it is made if it is not there."
    )
    slots: Annotated[int, Field(gt=0)] | None = Field(default=None, description="How many slots.")
    spec: Path | None = Field(default=None, description="Deployment that says how many.")


def keys_command(options: KeysOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError, LinkError, and what placing the deployment raises."""
    written = make_keys(options.folder, _slots(options))
    output.say(f"wrote {len(written)} files to {options.folder}; those that end in .key are secret")
    return {"folder": str(options.folder), "files": [path.name for path in written]}


def _slots(options: KeysOptions) -> int:
    if (options.slots is None) == (options.spec is None):
        raise UsageError("expected one of --slots and --spec, which say for how many slots keys are made")
    if options.slots is not None:
        return options.slots
    assert options.spec is not None
    return len(job_of(compiled(read_spec(options.spec))).slots)
