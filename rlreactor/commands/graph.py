"""`rlreactor graph`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rlreactor.commands.failure import UsageError
from rlreactor.commands.output import Output
from rlreactor.commands.reference import TopologyOptions, is_spec
from rlreactor.graph import Graph, check
from rlreactor.observe.files import write_atomically
from rlreactor.planner.placement import plan as make_plan
from rlreactor.planner.plan import Plan
from rlreactor.reactor import class_path

__all__ = ["GraphOptions", "graph_command"]

Draw = Callable[[Graph, Plan], str]


class GraphOptions(TopologyOptions):
    """Draw a topology and where its reactors are placed.

    In place of MODULE:CLASS, the file of a deployment (.yaml, .toml): they are placed on its hosts.
    """

    output: Path | None = Field(
        default=None, description="Picture to write: .svg, .html or .mmd (Mermaid text); Mermaid on stdout when none."
    )
    workers: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Processes to place on; the planner's choice when none."
    )


def graph_command(options: GraphOptions, output: Output) -> dict[str, Any]:
    """Raises UsageError, TopologyError, PlanError or FileError."""
    draw = _drawing(options.output)
    graph, plan = _placed(options)
    text = draw(graph, plan)
    if options.output is None:
        output.say(text)
        return {"topology": class_path(type(graph.topology)), "mermaid": text}
    write_atomically(options.output, text.encode())
    output.say(f"wrote {options.output}")
    return {"topology": class_path(type(graph.topology)), "output": str(options.output)}


def _placed(options: GraphOptions) -> tuple[Graph, Plan]:
    if not is_spec(options.topology):
        graph = check(options.load())
        return graph, make_plan(graph, workers=options.workers)
    if options.workers is not None:
        raise UsageError("--workers: a deployment says it itself, with its hosts; leave the option out")
    from rlreactor.commands.spec_file import compiled, read_spec  # late: it costs every other start 0.1 s

    found = compiled(read_spec(options.topology, options.parameters))
    return found.graph, found.plan


def _drawing(path: Path | None) -> Draw:
    from rlreactor.observe.diagram import html, mermaid, svg

    kinds: dict[str, Draw] = {".svg": svg, ".html": html, ".mmd": mermaid}
    if path is None:
        return mermaid
    if path.suffix not in kinds:
        raise UsageError(f"--output: expected a file name that ends in {', '.join(kinds)}; received {str(path)!r}")
    return kinds[path.suffix]
