"""`rlreactor check`."""

from __future__ import annotations

from typing import Any

from rlreactor.commands.output import Output
from rlreactor.commands.reference import TopologyOptions, is_spec
from rlreactor.graph import Graph, check
from rlreactor.reactor import class_path

__all__ = ["CheckOptions", "check_command"]


class CheckOptions(TopologyOptions):
    """Check a topology: all its violations at once, or its reactions in order and its edges.

    In place of MODULE:CLASS, the file of a deployment (.yaml, .toml): its hosts and constraints are checked, too.
    """


def check_command(options: CheckOptions, output: Output) -> dict[str, Any]:
    """Raises TopologyError, and for a deployment UsageError and PlanError."""
    graph = _deployed(options) if is_spec(options.topology) else check(options.load())
    output.say(str(graph))
    return {
        "topology": class_path(type(graph.topology)),
        "reactors": len(graph.reactors),
        "reactions": [reaction.path for reaction in graph.reactions],
        "edges": len(graph.edges),
        "levels": graph.levels,
    }


def _deployed(options: CheckOptions) -> Graph:
    from rlreactor.commands.spec_file import compiled, read_spec  # late: it costs every other start 0.1 s

    return compiled(read_spec(options.topology, options.parameters)).graph
