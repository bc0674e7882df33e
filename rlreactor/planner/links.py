"""What carries the messages between two workers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Literal, get_args

from pydantic import Field

from rlreactor.errors import PlanError
from rlreactor.links.window import largest_window, smallest_window
from rlreactor.planner.model import Frozen

__all__ = ["CARRIER_HELP", "LinkCarrier", "LinkPlan", "check_links", "links_between"]

LinkCarrier = Literal["memory", "ipc", "tcp"]
CARRIER_HELP = "What takes messages from process to process: memory that they share, or sockets; never changes results."


class LinkPlan(Frozen):
    """A pair of workers, both ways between them.

    Attributes:
        workers: the two.
        carrier: "memory", which they share; "ipc", ZeroMQ over Unix sockets; "tcp", ZeroMQ over TCP.
        window: bytes of messages that may be under way and unread, each way; None: as much as memory has room for.
    """

    workers: tuple[int, int]
    carrier: LinkCarrier
    window: int | None = Field(default=None, ge=smallest_window, le=largest_window)


def links_between(workers: int, carrier: Any) -> tuple[LinkPlan, ...]:
    """The same carrier between any two workers; nothing needs to be said of memory. Raises PlanError."""
    if carrier not in get_args(LinkCarrier):
        raise PlanError(f"carrier: expected one of {', '.join(get_args(LinkCarrier))}, received {carrier!r}")
    if carrier == "memory":
        return ()
    return tuple(LinkPlan(workers=pair, carrier=carrier) for pair in combinations(range(workers), 2))


def check_links(links: Sequence[LinkPlan], workers: int) -> None:
    """Raises ValueError for a link of a worker that is not there, and for one that is named twice."""
    seen: set[frozenset[int]] = set()
    for position, link in enumerate(links):
        pair = frozenset(link.workers)
        if len(pair) < 2 or not all(0 <= worker < workers for worker in pair):
            raise ValueError(
                f"links[{position}].workers: expected two different workers below {workers}, received {link.workers}"
            )
        if pair in seen:
            raise ValueError(f"links[{position}].workers: {link.workers} were named before")
        seen.add(pair)
