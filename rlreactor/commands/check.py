"""`rlreactor check`."""

from __future__ import annotations

from typing import Any

from rlreactor.commands.output import Output
from rlreactor.commands.reference import TopologyOptions
from rlreactor.graph import check
from rlreactor.reactor import class_path

__all__ = ["CheckOptions", "check_command"]


class CheckOptions(TopologyOptions):
    """Check a topology: all its violations at once, or its reactions in order and its edges."""


def check_command(options: CheckOptions, output: Output) -> dict[str, Any]:
    """Raises TopologyError."""
    graph = check(options.load())
    output.say(str(graph))
    return {
        "topology": class_path(type(graph.topology)),
        "reactors": len(graph.reactors),
        "reactions": [reaction.path for reaction in graph.reactions],
        "edges": len(graph.edges),
        "levels": graph.levels,
    }
