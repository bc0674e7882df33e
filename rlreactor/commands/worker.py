"""`rlreactor worker`: what every engine starts, once for each slot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.options import CommandOptions, Shown
from rlreactor.commands.output import Output
from rlreactor.errors import RunError

__all__ = ["WorkerOptions", "worker_command"]


class WorkerOptions(CommandOptions):
    """Run one slot of a deployment: its workers, until the caller says that the run is over. Engines start this."""

    slot: Annotated[int, Field(ge=0)] = Field(description="Index of the slot in the job.")
    plan: Annotated[str, Shown(metavar="HASH")] = Field(description="Hash of the plan that this slot is started for.")
    caller: Annotated[str, Field(pattern=r"^tcp://[A-Za-z0-9][A-Za-z0-9.-]*:[0-9]+$")] = Field(
        description="Where the deploying side listens: tcp://ADDRESS:PORT."
    )
    keys: Path = Field(
        description="Folder with slot-N.key, which nobody else may read, and caller.pub; - for the two files on stdin, "
        "each as a line of base64."
    )


def worker_command(options: WorkerOptions, output: Output) -> dict[str, Any]:
    """Raises LinkError without a caller, and RunError where the run failed here."""
    from rlreactor.deployment.agent import serve
    from rlreactor.deployment.engines.held import receive_keys
    from rlreactor.links.keys import read_slot_keys

    on_stdin = options.keys == Path("-")
    keys = receive_keys(options.slot, sys.stdin.buffer) if on_stdin else read_slot_keys(options.keys, options.slot)
    if serve(options.slot, options.plan, options.caller, keys):
        raise RunError(f"the run failed on slot {options.slot}; the caller tells how")
    return {"slot": options.slot}
