"""Runs a job and lets somebody else start the slots: `python -m tests.deployment.announced JOB ADDRESS [KEYS]`.

The caller lives on one host of a test and may not start anything on others. So it prints one line, {"caller", "keys"},
and the test starts the slots; every line on its input "SLOT WORDS" tells how a slot has ended. Metrics are printed as
they come, and at the end {"fingerprint", "weights"} or {"error", "note"}.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlreactor import ReactorError, Result
from rlreactor.deployment.caller import deploy
from rlreactor.deployment.job import Job

__all__: list[str] = []


class Announced:
    """Implements `Engine` and `StartedSlots`."""

    caller_ports: tuple[int, int] | None = None

    def __init__(self, address: str) -> None:
        self.caller_address = address
        self._ended: dict[int, str] = {}

    def start(self, job: Job, caller: str, keys: Path) -> Announced:
        say(caller=caller, keys=str(keys))
        return self

    def ended(self) -> Mapping[int, str]:
        while select.select([0], [], [], 0)[0]:
            text = os.read(0, 4096).decode()
            if not text:
                break
            for line in text.splitlines():
                slot, _, how = line.partition(" ")
                self._ended[int(slot)] = how
        return self._ended

    def stop(self) -> None:
        pass


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def digest(result: Result) -> str:
    """Of all arrays that the reactors have at the end."""
    found = hashlib.sha256()
    for path in sorted(path for worker in result.plan.workers for path in worker.reactors):
        for name, value in sorted(result.state(path).items()):
            if hasattr(value, "tobytes"):
                found.update(f"{path}.{name}".encode())
                found.update(value.tobytes())
    return found.hexdigest()


def main(job: str, address: str, keys: str = "") -> None:
    given = Job.model_validate_json(Path(job).read_text())
    try:
        result = deploy(
            given,
            Announced(address),
            keys=Path(keys) if keys else None,
            observe=lambda metric: say(metric=[list(metric.tag), metric.path]),
            on_start=lambda: say(started=True),
        )
    except ReactorError as error:
        say(error=str(error), kind=type(error).__name__, note="".join(getattr(error, "__notes__", [])))
    else:
        say(fingerprint=result.fingerprint, weights=digest(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
