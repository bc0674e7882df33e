"""Diagrams: golden Mermaid text, and SVG whose boxes, labels and arrows keep clear of each other."""

import itertools
import re
from xml.etree import ElementTree

import pytest

from rlreactor import Graph, Plan, Reactor, check, plan
from rlreactor.observe.diagram import html, mermaid, svg
from rlreactor.observe.layout import HEADER, Layout, layout
from rlreactor.observe.picture import picture
from rlreactor.planner.machine import Machine

from ..planner.topologies import Chain, Clocks, Lagging, Overseer, Pairs, Rally, Train
from .topologies import Match

SVG = "{http://www.w3.org/2000/svg}"
TOPOLOGIES = [
    Train(),
    Lagging(rollouts=16, size=5000, ahead=2),
    Match(),
    Match(teams=3, robots=6),
    Pairs(count=3),
    Chain(),
    Rally(),
    Overseer(),
    Clocks(count=2),
    Reactor(),
]


@pytest.fixture(params=TOPOLOGIES, ids=lambda topology: type(topology).__name__)
def graph(request: pytest.FixtureRequest) -> Graph:
    assert isinstance(request.param, Reactor)
    return check(request.param)


@pytest.fixture(params=[None, 1, 2, 16])
def planned(request: pytest.FixtureRequest, graph: Graph) -> Plan | None:
    return plan(graph, Machine.made_up(16), request.param) if request.param else None


def test_mermaid_of_the_example() -> None:
    assert mermaid(check(Train(rollouts=2))) == (
        """\
flowchart LR
  b0["actors[0]<br/>Rollout"]
  b1["actors[1]<br/>Rollout"]
  b2["learner<br/>Learner"]
  b2 -.->|"weights → weights<br/>Array(float32, (3,))<br/>after 1 ms"| b0
  b2 -.->|"weights → weights<br/>Array(float32, (3,))<br/>after 1 ms"| b1
  b0 -->|"batch → batches[*]<br/>Array(float32, (3,))"| b2
  b1 -->|"batch → batches[*]<br/>Array(float32, (3,))"| b2
"""
    )


def test_mermaid_of_the_example_on_two_workers() -> None:
    graph = check(Train(rollouts=2))
    assert mermaid(graph, plan(graph, Machine.made_up(2))) == (
        """\
flowchart LR
  subgraph f1_0["worker 0, core 0"]
    b0["actors[0]<br/>Rollout"]
    b2["learner<br/>Learner"]
  end
  subgraph f1_1["worker 1, core 1"]
    b1["actors[1]<br/>Rollout"]
  end
  b2 -.->|"weights → weights<br/>Array(float32, (3,))<br/>after 1 ms"| b0
  b2 -.->|"weights → weights<br/>Array(float32, (3,))<br/>after 1 ms"| b1
  b0 -->|"batch → batches[*]<br/>Array(float32, (3,))"| b2
  b1 -->|"batch → batches[*]<br/>Array(float32, (3,))"| b2
"""
    )


def test_mermaid_of_a_hierarchy_has_frames_within_frames() -> None:
    assert mermaid(check(Match(teams=1, robots=1))) == (
        """\
flowchart LR
  b3["referee<br/>Referee"]
  subgraph f1_0["team[0]"]
    b0["team[0]<br/>WatchedTeam"]
    subgraph f2_1["team[0].bodies[0]"]
      b1["team[0].bodies[0].camera<br/>Camera"]
      b2["team[0].bodies[0].network<br/>Network"]
    end
  end
  b1 -->|"image → image<br/>Array(uint8, (4, 84, 84))"| b2
  b3 -.->|"weights[*] → weights<br/>str<br/>after 2.5 ms"| b2
  b2 -->|"decision → bodies[*].decision<br/>int"| b0
  b0 -->|"plans → plans[*]<br/>int"| b3
  b1 -->|"image → images[*]<br/>Array(uint8, (4, 84, 84))"| b3
"""
    )


def test_a_long_bank_is_one_stack() -> None:
    assert '[["actors[0…15]<br/>TimedRollout"]]' in mermaid(check(Lagging(rollouts=16)))


def test_alike_workers_share_a_lane() -> None:
    graph = check(Lagging(rollouts=16, ahead=1))
    drawn = picture(graph, plan(graph, Machine.made_up(18)))
    assert [(lane.label, lane.cores) for lane in drawn.lanes] == [
        ("workers 0-15", "cores 0-15"),
        ("worker 16", "core 16"),
        ("worker 17", "core 17"),
    ]
    assert [box.name for box in drawn.boxes] == ["actors[0…15]", "learner", "evaluator"]


def test_a_stack_of_several_runs_names_the_first() -> None:
    graph = check(Match(teams=2, robots=3))
    drawn = picture(graph)
    assert [(box.name, len(box.members)) for box in drawn.boxes if box.is_stack] == [
        ("team[0].bodies[0…2].camera + 3", 6),
        ("team[0].bodies[0…2].network + 3", 6),
    ]


def test_svg_names_every_reactor(graph: Graph, planned: Plan | None) -> None:
    image = svg(graph, planned)
    text = " ".join(ElementTree.fromstring(image).itertext())
    for node in graph.reactions:
        assert (node.reactor or type(graph.topology).__name__) in text
    assert "http" not in image.replace(SVG[1:-1], "")


def test_svg_boxes_do_not_overlap_and_lie_on_the_page(graph: Graph, planned: Plan | None) -> None:
    root = ElementTree.fromstring(svg(graph, planned))
    page = (0.0, 0.0, float(root.attrib["width"]), float(root.attrib["height"]))
    boxes = [_rectangle(r) for r in root.iter(f"{SVG}rect") if "box" in r.attrib["class"].split()]
    pills = [_rectangle(r) for r in root.iter(f"{SVG}rect") if r.attrib["class"] == "pill"]
    assert len(boxes) == len(picture(graph, planned).boxes)
    for one, other in itertools.combinations(boxes + pills, 2):
        assert not _overlap(one, other)
    assert all(_contains(page, rectangle) for rectangle in boxes + pills)


def test_no_arrow_touches_a_box_or_a_label_of_another(graph: Graph, planned: Plan | None) -> None:
    placed = layout(picture(graph, planned))
    boxes = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in placed.boxes]
    for line in placed.lines:
        for start, end in itertools.pairwise(line.points):
            assert not any(_overlap(_segment(start, end), box) for box in boxes)
        _assert_clear_of_foreign_pills(placed, line.points)


def test_arrows_of_different_ports_never_lie_on_each_other(graph: Graph, planned: Plan | None) -> None:
    lines = layout(picture(graph, planned)).lines
    for one, other in itertools.combinations(lines, 2):
        if (one.arrow.source, one.arrow.output) == (other.arrow.source, other.arrow.output):
            continue
        if (one.arrow.sink, one.arrow.input) == (other.arrow.sink, other.arrow.input):
            continue
        pieces = itertools.product(itertools.pairwise(one.points), itertools.pairwise(other.points))
        assert not any(_lie_on_each_other(a, b) for a, b in pieces)


def test_names_fit_into_their_boxes(graph: Graph, planned: Plan | None) -> None:
    for placed in layout(picture(graph, planned)).boxes:
        rows = [*placed.inputs.values(), *placed.outputs.values()]
        assert len(placed.box.name) * 7.9 <= placed.width
        assert all(placed.y + HEADER <= row <= placed.y + placed.height for row in rows)


def test_tooltips_tell_spec_bytes_and_delay() -> None:
    root = ElementTree.fromstring(svg(check(Lagging(rollouts=2, size=5000, ahead=1))))
    tips = [path[0].text for path in root.iter(f"{SVG}path") if len(path)]
    assert tips[0] == "learner.weights → actors[0].weights\nArray(float32, (5000,))\n19.56 KiB a message\nafter 2 ns"


def test_delayed_arrows_are_dashed() -> None:
    root = ElementTree.fromstring(svg(check(Train(rollouts=2))))
    classes = sorted(path.attrib["class"] for path in root.iter(f"{SVG}path") if "arrow" in path.attrib["class"])
    assert classes == ["arrow", "arrow", "arrow delayed", "arrow delayed"]


def test_same_topology_same_picture() -> None:
    assert len({svg(check(Match())) for _ in range(5)}) == 1


def test_page_needs_nothing_from_elsewhere() -> None:
    graph = check(Train())
    planned = plan(graph, Machine.made_up(2))
    page = html(graph, planned)
    assert re.findall(r'(?:src|href)="[^#]', page) == []
    assert svg(graph, planned) in page
    assert "learner.weights" in page
    assert "prefers-color-scheme: dark" in page


Rectangle = tuple[float, float, float, float]
Point = tuple[float, float]


def _rectangle(element: ElementTree.Element) -> Rectangle:
    x, y, width, height = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def _segment(start: Point, end: Point) -> Rectangle:
    return min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1])


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _contains(outer: Rectangle, inner: Rectangle) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _assert_clear_of_foreign_pills(placed: Layout, points: tuple[Point, ...]) -> None:
    for pill in placed.pills:
        label = (pill.right - pill.width, pill.y - 7, pill.right, pill.y + 7)
        if points[-1][1] != pill.y or not pill.right <= points[-1][0]:
            assert not any(_overlap(_segment(a, b), label) for a, b in itertools.pairwise(points))


def _lie_on_each_other(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two level or two upright pieces share more than a point."""
    for axis, across in ((0, 1), (1, 0)):
        if one[0][across] == one[1][across] == other[0][across] == other[1][across]:
            low = max(min(one[0][axis], one[1][axis]), min(other[0][axis], other[1][axis]))
            high = min(max(one[0][axis], one[1][axis]), max(other[0][axis], other[1][axis]))
            return low < high
    return False
