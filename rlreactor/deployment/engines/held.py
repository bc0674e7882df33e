"""A slot that ends with whoever started it, wherever that is: shell that holds on to its input.

Through the input come the slot's two files of keys, so that they are in no command line; then it stays open, and when
it ends the slot does.
"""

from __future__ import annotations

import base64
import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rlreactor.deployment.engine import worker_command
from rlreactor.deployment.job import Job

__all__ = ["held", "key_files", "send_keys"]

_SCRIPT = """\
set -eu
umask 077
cd {directory}
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
read -r own
printf %s "$own" | base64 -d >"$keys/slot-{slot}.key"
read -r callers
printf %s "$callers" | base64 -d >"$keys/caller.pub"
exec 3<&0 </dev/null
{command} &
worker=$!
{{ cat <&3; kill $worker; sleep 5; kill -9 $worker; }} >/dev/null 2>&1 &
watcher=$!
exec 3<&-
status=0
wait $worker || status=$?
kill $watcher 2>/dev/null || true
exit $status
"""


def held(python: Sequence[str], directory: str, job: Job, slot: int, caller: str) -> list[str]:
    """The words that start a slot which ends with its input.

    Args:
        python: words of a Python that has rlreactor installed.
        directory: where it runs; `~` at its beginning is the home directory there.
        job: what it takes part in.
        slot: which one it is.
        caller: endpoint `tcp://address:port`.
    """
    words = [*python, "-m", "rlreactor.cli", *worker_command(job, slot, caller, "$keys")[1:]]
    command = " ".join('"$keys"' if word == "$keys" else shlex.quote(word) for word in words)
    return ["sh", "-c", _SCRIPT.format(directory=_quoted(directory), slot=slot, command=command)]


def _quoted(path: str) -> str:
    first, slash, rest = path.partition("/")
    return f'"$HOME"{slash}{shlex.quote(rest) if rest else ""}' if first == "~" else shlex.quote(path)


def key_files(keys: Path, slot: int) -> list[bytes]:
    """What to send to a slot."""
    return [(keys / name).read_bytes() for name in (f"slot-{slot}.key", "caller.pub")]


def send_keys(files: Sequence[bytes], to: IO[bytes] | None) -> None:
    """Send them to the input of a slot that may have ended already."""
    assert to is not None
    with contextlib.suppress(BrokenPipeError):
        to.writelines(base64.b64encode(file) + b"\n" for file in files)
        to.flush()
