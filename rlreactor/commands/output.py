"""Where a command speaks: text on stdout, or one JSON object there and everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rlreactor.commands.failure import Interruption, Shortfall, UsageError, ignore_signals, number_of
from rlreactor.errors import ReactorError, TopologyError
from rlreactor.observe.jsonl import plain

__all__ = ["Output"]


class Output:
    """The two streams of a command."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = _set_stdout_apart() if as_json else None

    def say(self, text: str) -> None:
        """Tell the user."""
        print(text, flush=True)

    def conclude(self, work: Callable[[], Mapping[str, Any]]) -> int:
        """Do the work, say how it ended, and return the exit status."""
        try:
            return self._end(work())
        except UsageError as error:
            return self._fail(error, 2)
        except ReactorError as error:
            return self._fail(error, 1)
        except Shortfall as shortfall:
            return self._end(shortfall.result, str(shortfall), 1)
        except Interruption as interruption:
            ignore_signals()
            return self._end(interruption.result, str(interruption), interruption.status)
        except KeyboardInterrupt as interrupt:
            ignore_signals()
            return self._end({"error": "interrupted"}, str(interrupt) or "interrupted", 128 + number_of(interrupt))
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        except SystemExit as usage:  # tyro has said what is wrong, or printed its help
            status = usage.code if isinstance(usage.code, int) else 2
            return self._end({"error": "wrong usage; stderr says which"}, status=status) if status else 0

    def _fail(self, error: ReactorError, status: int) -> int:
        more = {"violations": list(error.violations)} if isinstance(error, TopologyError) else {}
        return self._end({"error": str(error), **more}, str(error), status)

    def _end(self, result: Mapping[str, Any], message: str = "", status: int = 0) -> int:
        if message:
            print(f"rlreactor: {message}", file=sys.stderr, flush=True)
        if self._json is not None:
            line = json.dumps(plain(dict(result)), allow_nan=False)
            os.write(self._json, line.encode() + b"\n")
        return status


def _set_stdout_apart() -> int:
    """A descriptor for the result alone: what workers and environments print goes to stderr."""
    sys.stdout.flush()
    result = os.dup(1)
    os.dup2(2, 1)
    return result
