"""Whether a plan, perhaps out of a file that somebody edited, is one for a topology."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rlreactor.errors import PlanError
from rlreactor.graph import Graph
from rlreactor.planner.edges import between_workers
from rlreactor.planner.flows import flows
from rlreactor.planner.groups import kept_together
from rlreactor.planner.plan import Plan
from rlreactor.reactor import class_path

__all__ = ["check_fit"]


def check_fit(plan: Plan, graph: Graph) -> None:
    """Raises PlanError unless every reactor has one worker, what belongs together shares it, and the edges fit."""
    stages = (_reactor_problems, _separations, _edge_problems)
    found = ([problem for problem in stage(plan, graph) if problem] for stage in stages)
    problems = next(filter(None, found), list[str]())
    if problems:
        raise PlanError(
            f"the plan of {plan.topology} does not fit {class_path(type(graph.topology))}: {'; '.join(problems)}. "
            "Make a new one with rlreactor.plan(topology)"
        )


def _reactor_problems(plan: Plan, graph: Graph) -> tuple[str, ...]:
    planned = Counter(path for worker in plan.workers for path in worker.reactors)
    return (
        _named("no worker has", graph.reactors.keys() - planned.keys()),
        _named("the topology has no", planned.keys() - graph.reactors.keys()),
        _named("more than one worker has", (path for path, times in planned.items() if times > 1)),
    )


def _separations(plan: Plan, graph: Graph) -> Iterator[str]:
    """One worker's scheduler carries out a change of mode, so what is in a mode lives with its reactor."""
    for first, *others in kept_together(graph):
        for other in others:
            here, there = plan.worker_of(first), plan.worker_of(other)
            if here != there:
                yield f"{other!r} belongs with {first!r}, which is on worker {here}, and not on worker {there}"


def _edge_problems(plan: Plan, graph: Graph) -> tuple[str, ...]:
    place = {path: worker.index for worker in plan.workers for path in worker.reactors}
    needed = {edge.source: (edge.worker, edge.readers) for edge in between_workers(graph, flows(graph), place)}
    planned = {edge.source: (edge.worker, edge.readers) for edge in plan.edges}
    return (
        _named("between workers, but not among its edges:", needed.keys() - planned.keys()),
        _named("among its edges, but not between workers:", planned.keys() - needed.keys()),
        _named("other workers write or read", (s for s in needed if s in planned and planned[s] != needed[s])),
    )


def _named(what: str, paths: Iterable[str]) -> str:
    names = sorted(paths)
    return f"{what} {', '.join(map(repr, names[:3]))}{', …' if len(names) > 3 else ''}" if names else ""
