"""A topology as Mermaid text, which GitHub and many editors draw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from rlreactor.graph import Graph
from rlreactor.observe.picture import Arrow, Box, Picture, picture
from rlreactor.planner.names import shortened
from rlreactor.planner.plan import Plan
from rlreactor.planner.quantities import delay_text

__all__ = ["mermaid"]


class _Frame(NamedTuple):
    """A subgraph: a worker or a container."""

    label: str
    boxes: list[int]
    frames: dict[str, _Frame]


def mermaid(graph: Graph, plan: Plan | None = None) -> str:
    """A flowchart: boxes in their containers or, with a plan, on their workers."""
    drawn = picture(graph, plan)
    outside = _workers(drawn) if plan is not None else _containers(graph, drawn)
    lines = ["flowchart LR", *_frame_lines(outside, drawn, "  ")]
    lines += [f"  {_arrow_line(arrow)}" for arrow in drawn.arrows]
    return "\n".join(lines) + "\n"


def _workers(drawn: Picture) -> _Frame:
    by_lane: defaultdict[int, list[int]] = defaultdict(list)
    for index, box in enumerate(drawn.boxes):
        by_lane[box.lane].append(index)
    labels = {lane: f"{drawn.lanes[lane].label}, {drawn.lanes[lane].cores}" for lane in sorted(by_lane)}
    return _Frame("", [], {label: _Frame(label, by_lane[lane], {}) for lane, label in labels.items()})


def _containers(graph: Graph, drawn: Picture) -> _Frame:
    outside = _Frame("", [], {})
    for index, box in enumerate(drawn.boxes):
        frame = outside
        for label in _chain(graph, box):
            frame = frame.frames.setdefault(label, _Frame(label, [], {}))
        frame.boxes.append(index)
    return outside


def _chain(graph: Graph, box: Box) -> Iterator[str]:
    """The containers around a box, outermost first; a container that reacts is inside its own frame."""
    parts = [path.split(".") for path in box.members]
    has_children = any(graph.reactors[path].children for path in box.members if path)
    for depth in range(1, len(parts[0]) + has_children):
        yield ", ".join(shortened(dict.fromkeys(".".join(part[:depth]) for part in parts)))


def _frame_lines(frame: _Frame, drawn: Picture, indent: str) -> Iterator[str]:
    for index in frame.boxes:
        yield f"{indent}{_box_line(index, drawn.boxes[index])}"
    for inner in frame.frames.values():
        first = min(_indices(inner))
        yield f'{indent}subgraph f{len(indent) // 2}_{first}["{_escaped(inner.label)}"]'
        yield from _frame_lines(inner, drawn, f"{indent}  ")
        yield f"{indent}end"


def _indices(frame: _Frame) -> Iterator[int]:
    yield from frame.boxes
    for inner in frame.frames.values():
        yield from _indices(inner)


def _box_line(index: int, box: Box) -> str:
    opening, closing = ("[[", "]]") if box.is_stack else ("[", "]")
    return f'b{index}{opening}"{_escaped(box.name)}<br/>{_escaped(box.kind)}"{closing}'


def _arrow_line(arrow: Arrow) -> str:
    delay = delay_text(arrow.delay)
    label = f"{arrow.output} → {arrow.input}<br/>{arrow.spec}" + (f"<br/>after {delay}" if delay else "")
    line = "-.->" if delay else "-->"
    return f'b{arrow.source} {line}|"{_escaped(label)}"| b{arrow.sink}'


def _escaped(text: str) -> str:
    return text.replace('"', "#quot;")
