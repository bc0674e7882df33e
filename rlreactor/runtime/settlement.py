"""When a failed run is over: as soon as nobody can fail any more before what has failed already.

Whichever worker fails first in real time, the others run on until they are past that point of the program or need
something from a worker that has ended. So an earlier failure of theirs, if there is one, comes out on every run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from rlreactor.errors import LinkError, ReactorError, RunError, SpecError
from rlreactor.links.status_board import StatusBoard
from rlreactor.scheduler.failure import ReactionFailure
from rlreactor.tag import Tag

__all__ = ["GRACE_S", "Settlement", "error_of", "first_failure"]

GRACE_S = 5.0
"""After a failure: how long the others may take to come to the same point of the program."""
_LOOKS = 3  # times that a waiting worker has to have woken and gone back to sleep: then it has looked at everything

Failure = Mapping[str, Any]


class Settlement:
    """Looks at the workers that still run.

    Args:
        board: how far everybody is.
        sleeps_of: how often a worker has gone to sleep.
    """

    def __init__(self, board: StatusBoard, sleeps_of: Callable[[int], int]) -> None:
        self._board = board
        self._sleeps_of = sleeps_of
        self._state: tuple[tuple[int, int], ...] = ()  # of those who hold the end of a failed run up, by their versions
        self._slept: dict[int, int] = {}  # how often each of them had slept when it came to that

    def settled(self, failure: Failure, ended: Collection[int]) -> bool:
        """Whether no worker but those that have `ended`, or failed, can fail before `failure`."""
        tag, rank = _place(failure)[1:]
        running = [worker for worker in range(self._board.workers) if worker not in ended]
        behind = [worker for worker in running if self._board.read(worker)[1].frontier <= (*tag, rank)]
        return not behind or self._rest_on(behind, set(ended))

    def _rest_on(self, behind: list[int], ended: set[int]) -> bool:
        """Whether each of those `behind` waits for one that has ended, and not only for a moment.

        It may just be waking up, or whoever stands between the two may. All of them look up every now and then. How
        often they did since any of them last had something to say, not for how long they wait, tells that there is
        nothing they could go on with: on a busy machine somebody may not have had its turn.
        """
        chains = {worker: {worker, *self._board.waits_for(worker)} for worker in behind}
        between = sorted({member for chain in chains.values() for member in chain} - ended)
        waiting = all(chain & ended for chain in chains.values()) and all(map(self._board.resting, between))
        state = tuple((worker, self._board.version(worker)) for worker in between)
        slept = {worker: self._sleeps_of(worker) for worker in between}
        if not waiting or state != self._state:
            self._state, self._slept = state if waiting else (), slept
            return False
        return all(slept[worker] - self._slept[worker] >= _LOOKS for worker in between)


def first_failure(failures: Collection[Failure]) -> Failure:
    """The one that comes first in the program."""
    return min(failures, key=_place)


def _place(failure: Failure) -> tuple[bool, Tag, int]:
    """Where in the program a failure lies; what has no place comes last."""
    return failure.get("path") is None, Tag(*failure.get("tag", (0, 0))), failure.get("rank", 0)


def error_of(failure: Failure, happened: Iterable[Mapping[str, Any]]) -> ReactorError:
    """The exception that a worker's report of its failure stands for; `happened` is what all workers report."""
    if failure.get("path") is not None:
        error = ReactionFailure.named(
            failure["path"],
            failure["tag"],
            failure["failure"],
            failure["text"],
            failure["user_traceback"],
            failure["rank"],
        )
        error.happened = [dict(report) for report in happened if "recorded" in report]
        return error
    kinds: dict[str, type[ReactorError]] = {"SpecError": SpecError, "LinkError": LinkError}
    return kinds.get(failure["failure"], RunError)(failure["text"])
