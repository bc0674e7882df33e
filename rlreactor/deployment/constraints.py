"""Constraints of a deployment, applied to a graph: they take the place of what its `place()` calls said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rlreactor.deployment.spec import Constraint
from rlreactor.errors import PlanError, did_you_mean
from rlreactor.graph import Graph, Placing
from rlreactor.planner.cost import busy_reactors

__all__ = ["constrained"]

_SPECIAL = re.compile(r"(\*\*|\*)")
_MEANING = {"**": ".*", "*": r"[^.]*"}


def constrained(graph: Graph, constraints: Sequence[Constraint]) -> Graph:
    """The graph with the constraints, the later before the earlier. Raises PlanError for one that matches nothing."""
    placing = dict(graph.placing)
    for index, constraint in enumerate(constraints):
        matching = _matching(graph, constraint.reactors)
        if not matching:
            hint = did_you_mean(constraint.reactors, busy_reactors(graph))
            raise PlanError(f"constraints[{index}].reactors: {constraint.reactors!r} matches no reactor; {hint}")
        for path in matching:
            placing[path] = _placed(placing.get(path, Placing()), constraint, matching[0], path)
    return graph._replace(placing=placing)


def _matching(graph: Graph, pattern: str) -> list[str]:
    """The reactors with reactions whose path, or that of a reactor around them, is meant."""
    meant = re.compile("".join(_MEANING.get(part, re.escape(part)) for part in _SPECIAL.split(pattern)))
    return [path for path in busy_reactors(graph) if any(map(meant.fullmatch, _around(path)))]


def _around(path: str) -> Iterator[str]:
    """`a[0].b`, `a[0]`, and the bank `a`: brackets belong to the name."""
    while path:
        yield path
        if path.endswith("]"):
            yield path[: path.rindex("[")]
        path = path.rpartition(".")[0]


def _placed(placing: Placing, constraint: Constraint, first: str, path: str) -> Placing:
    return placing._replace(
        host=placing.host if constraint.host is None else constraint.host,
        threads=placing.threads if constraint.threads is None else constraint.threads,
        cores=placing.cores if constraint.cores is None else constraint.cores,
        gpu=placing.gpu if constraint.gpu is None else constraint.gpu,
        with_=first if constraint.together and path != first else placing.with_,
    )
