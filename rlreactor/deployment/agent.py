"""A slot's side of a run: `rlreactor worker --slot i --plan HASH --caller tcp://… --keys FOLDER`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["serve"]


def serve(slot: int, plan_hash: str, caller: str, keys: Path) -> int:
    """Join the caller, run this slot's workers until the caller says that all is over; returns the exit status.

    Args:
        slot: this slot's index in the job.
        plan_hash: of the job that this slot was started for.
        caller: endpoint `tcp://address:port`.
        keys: folder with `slot-<slot>.key` and `caller.pub`.

    Raises:
        LinkError: the caller cannot be reached, or refuses this slot.
    """
    raise NotImplementedError
