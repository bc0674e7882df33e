"""A slot that ends with whoever started it, wherever that is: shell that holds on to its input.

Through the input come the slot's keys, so that they are in no command line, and in no file: a host that loses its power
keeps nothing of them. Then the input stays open, and when it ends the slot does.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rlreactor.deployment.engine import worker_command
from rlreactor.deployment.job import Job
from rlreactor.links.keys import SlotKeys

__all__ = ["held", "key_files", "key_lines", "receive_keys", "send_keys"]

_LONGEST_LINE = 8192

_SCRIPT = """\
set -eu
cd {directory}
unset own callers
read -r own
read -r callers
exec 3<&0 </dev/null
printf '%s\\n' "$own" "$callers" | {command} &
worker=$!
{{
cat <&3; kill $worker
trap 'kill $pause' TERM; sleep 5 & pause=$!; wait $pause
kill -9 $worker
}} >/dev/null 2>&1 &
watcher=$!
exec 3<&-
status=0
wait $worker 2>/dev/null || status=$?
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
    words = [*python, "-m", "rlreactor.cli", *worker_command(job, slot, caller)[1:]]
    return ["sh", "-c", _SCRIPT.format(directory=_quoted(directory), command=shlex.join(words))]


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
        to.write(key_lines(files))
        to.flush()


def key_lines(files: Sequence[bytes]) -> bytes:
    """What a slot expects at its input, as `receive_keys` reads it."""
    return b"".join(base64.b64encode(file) + b"\n" for file in files)


def receive_keys(slot: int, source: IO[bytes]) -> SlotKeys:
    """The slot's end. Raises LinkError for anything else than two lines of keys."""
    own, caller = (_decoded(source.readline(_LONGEST_LINE)) for _ in range(2))
    return SlotKeys.of(own, caller, f"the input of slot {slot}")


def _decoded(line: bytes) -> str:
    with contextlib.suppress(binascii.Error):
        return base64.b64decode(line).decode(errors="replace")
    return ""
