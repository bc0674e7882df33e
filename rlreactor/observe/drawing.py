"""A placed picture as SVG: no scripts, no fonts, no files beside it; colours follow the reader's light or dark mode."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from rlreactor.observe.layout import HEADER, LANE_LABEL, MARGIN, ROW, STACK, Layout, Line, Pill, PlacedBox
from rlreactor.observe.picture import Arrow, Box, Lane, Picture
from rlreactor.planner.plan import Plan
from rlreactor.planner.quantities import bytes_text, delay_text, seconds_text
from rlreactor.planner.report import number_ranges

__all__ = ["drawing"]

_CORNER = 5.0  # px, radius of the bends of arrows
_FOOT = 6.5  # px per character of the lines below the picture
# (light, dark) of lanes: fill of the lane, edge of its boxes. Hues that colour-blind readers tell apart.
_LANES = (
    ("#e8f0fb", "#2f6fc4", "#152338", "#6ea8f0"),
    ("#fcf1de", "#b87503", "#33260d", "#e8b04a"),
    ("#e3f5ee", "#0b7f5c", "#0e2c22", "#43c79c"),
    ("#f8e9f2", "#a84883", "#341d2c", "#e58bc1"),
    ("#fbeae3", "#c0501c", "#38200f", "#f0925f"),
    ("#e6f4fa", "#1a7ba6", "#0f2a37", "#5fbfe8"),
    ("#f4f2dc", "#857a08", "#2b290d", "#d0c54a"),
    ("#eceaf8", "#5f53b5", "#221f3b", "#a79df0"),
)
_STYLE = """
text { font-family: system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; fill: #1b1f24; }
.code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; }
.head { font-size: 16px; font-weight: 600; }
.name { font-size: 13px; font-weight: 700; }
.quiet { fill: #57606a; font-size: 12px; }
.small { font-size: 11px; }
.page { fill: #ffffff; }
.sheet { fill: #ffffff; stroke-width: 1.5; }
.plain { stroke: #6b7480; }
.rule { stroke: #d5dae0; }
.arrow { fill: none; stroke: #7b858f; stroke-width: 1.5; }
.tip { fill: #7b858f; }
.crossing { stroke: #1b1f24; }
.crossing-tip { fill: #1b1f24; }
.delayed { stroke-dasharray: 5 4; }
.pill { fill: #ffffff; stroke: #7b858f; }
.pill-text { font-size: 10.5px; }
"""
_DARK = """
text { fill: #e6e9ed; }
.quiet { fill: #9aa4af; }
.page, .sheet, .pill { fill: #14181d; }
.plain { stroke: #8a949f; }
.rule { stroke: #333b44; }
.arrow, .pill { stroke: #8a949f; }
.tip { fill: #8a949f; }
.crossing { stroke: #f2f4f6; }
.crossing-tip { fill: #f2f4f6; }
"""


def drawing(picture: Picture, placed: Layout, plan: Plan | None = None) -> str:
    """The whole SVG document."""
    foot = list(_foot(picture, plan))
    subtitle = _subtitle(picture, plan)
    widest = max(len(text) for text in [*foot, subtitle, picture.title + "   "])
    width = max(placed.width, 2 * MARGIN + widest * _FOOT)
    height = placed.height + ROW * (len(foot) + 1.5)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img">',
        f"<title>{escape(picture.title)}</title>",
        f"<style>{_style()}</style>",
        _MARKERS,
        f'<rect class="page" width="{width:g}" height="{height:g}"/>',
        _text(MARGIN, 28, picture.title, "head"),
        _text(MARGIN, 48, subtitle, "quiet"),
        *_lanes(picture, placed),
        *(_line(picture, line) for line in sorted(placed.lines, key=lambda line: line.arrow.crosses)),
        *(part for pill in placed.pills for part in _pill(pill)),
        *(part for box in placed.boxes for part in _box(picture, box)),
        *(_text(MARGIN, placed.height + ROW * (i + 1), text, "quiet small") for i, text in enumerate(foot)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


_MARKERS = "<defs>{}{}</defs>".format(
    *(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="{name}" d="M0 0.5 L8 4 L0 7.5 z"/></marker>'
        for name in ("tip", "crossing-tip")
    )
)


def _style() -> str:
    light = "".join(f".lane{i} {{ fill: {c[0]}; }}\n.edge{i} {{ stroke: {c[1]}; }}\n" for i, c in enumerate(_LANES))
    dark = "".join(f".lane{i} {{ fill: {c[2]}; }}\n.edge{i} {{ stroke: {c[3]}; }}\n" for i, c in enumerate(_LANES))
    return f"{_STYLE}{light}@media (prefers-color-scheme: dark) {{{_DARK}{dark}}}\n"


def _subtitle(picture: Picture, plan: Plan | None) -> str:
    reactors = sum(len(box.members) for box in picture.boxes)
    text = f"{_count(reactors, 'reactor')} with reactions, {_count(picture.columns, 'level')}"
    if plan is None:
        return text
    memory = bytes_text(plan.memory_bytes)
    return f"{text}, on {_count(len(plan.workers), 'worker')} with {memory} of shared memory"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _foot(picture: Picture, plan: Plan | None) -> Iterator[str]:
    """What the lines mean, as far as they occur, and the plan's notes."""
    kinds = [("solid: at the same tag", any(not delay_text(arrow.delay) for arrow in picture.arrows))]
    kinds += [("dashed: after the delay shown", any(delay_text(arrow.delay) for arrow in picture.arrows))]
    kinds += [("strong: from worker to worker", any(arrow.crosses for arrow in picture.arrows))]
    if shown := "; ".join(text for text, occurs in kinds if occurs):
        yield f"Arrows: {shown}."
    yield from (f"Note: {note}." for note in (plan.notes if plan is not None else ()))


# Lanes


def _lanes(picture: Picture, placed: Layout) -> Iterator[str]:
    if not picture.lanes[0].workers:
        return
    for index, (lane, strip) in enumerate(zip(picture.lanes, placed.lanes, strict=True)):
        width = placed.width - MARGIN
        yield (
            f'<rect class="lane{index % len(_LANES)}" x="{MARGIN / 2:g}" y="{strip.y:g}" width="{width:g}" '
            f'height="{strip.height:g}" rx="8"/>'
        )
        for row, text in enumerate(_lane_lines(lane)):
            style = "quiet small" if row else "name"
            yield _text(MARGIN + 4, strip.y + ROW + (0 if row == 0 else 16 * row), text, style)


def _lane_lines(lane: Lane) -> list[str]:
    workers = lane.workers
    lines = [lane.label, _shortened(lane.cores)]
    if workers[0].threads > 1:
        lines.append(f"{workers[0].threads} threads{' each' * (len(workers) > 1)}")
    if gpus := sorted({gpu for worker in workers for gpu in worker.gpus}):
        lines.append(f"GPU{'s' * (len(gpus) > 1)} {number_ranges(gpus)}")
    loads = [worker.load for worker in workers if worker.load is not None]
    if len(loads) == len(workers):
        lines.append(f"{'up to ' if len(loads) > 1 else ''}{seconds_text(max(loads))} per tick")
    return lines


def _shortened(text: str) -> str:
    longest = LANE_LABEL // 8
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


# Boxes


def _box(picture: Picture, placed: PlacedBox) -> Iterator[str]:
    box = placed.box
    edge = f"edge{box.lane % len(_LANES)}" if picture.lanes[0].workers else "plain"
    x, y, middle = placed.x, placed.y, placed.x + placed.width / 2
    yield f"<g><title>{escape(_box_tip(picture, box))}</title>"
    for sheet in (2, 1, 0) if box.is_stack else (0,):
        yield (
            f'<rect class="sheet {edge}{"" if sheet else " box"}" x="{x + sheet * STACK / 2:g}" '
            f'y="{y - sheet * STACK / 2:g}" width="{placed.width:g}" height="{placed.height:g}" rx="6"/>'
        )
    yield _text(middle, y + 18, box.name, "code name", "middle")
    yield _text(middle, y + 34, box.kind + (f" × {len(box.members)}" if box.is_stack else ""), "quiet", "middle")
    if box.inputs or box.outputs:
        yield f'<path class="rule" d="M{x + 8:g} {y + HEADER - 3:g} H{x + placed.width - 8:g}"/>'
    for name, row in placed.inputs.items():
        yield _text(x + 8, row + 4, name, "code")
    for name, row in placed.outputs.items():
        yield _text(x + placed.width - 8, row + 4, name, "code", "end")
    yield "</g>"


def _box_tip(picture: Picture, box: Box) -> str:
    lines = [f"{box.kind}: {', '.join(path or 'the topology itself' for path in box.members)}"]
    lane = picture.lanes[box.lane]
    if lane.workers:
        lines.append(f"{lane.label}, {lane.cores}")
        lines += [f"{len(box.members) // len(lane.workers)} on each worker"] if len(lane.workers) > 1 else []
    return "\n".join(lines)


# Arrows


def _line(picture: Picture, line: Line) -> str:
    arrow = line.arrow
    classes = ["arrow", "crossing"] if arrow.crosses else ["arrow"]
    classes += ["delayed"] if delay_text(arrow.delay) else []
    tip = "crossing-tip" if arrow.crosses else "tip"
    return (
        f'<path class="{" ".join(classes)}" d="{_rounded(line.points)}" marker-end="url(#{tip})">'
        f"<title>{escape(_arrow_tip(picture, arrow))}</title></path>"
    )


def _arrow_tip(picture: Picture, arrow: Arrow) -> str:
    source, sink = picture.boxes[arrow.source].name, picture.boxes[arrow.sink].name
    size = f"{bytes_text(arrow.spec.nbytes)} a message" if arrow.spec.nbytes else "no fixed size"
    lines = [f"{source}.{arrow.output} → {sink}.{arrow.input}", str(arrow.spec), size]
    lines += [f"after {text}"] if (text := delay_text(arrow.delay)) else []
    lines += [f"{arrow.connections} connections"] if arrow.connections > 1 else []
    return "\n".join(lines)


def _rounded(points: tuple[tuple[float, float], ...]) -> str:
    """A polyline of level and upright pieces, its bends rounded."""
    bends = list(dict.fromkeys(points))
    path = [f"M{bends[0][0]:g} {bends[0][1]:g}"]
    for before, here, after in zip(bends, bends[1:], bends[2:], strict=False):
        near, far = _towards(here, before), _towards(here, after)
        path.append(f"L{near[0]:g} {near[1]:g} Q{here[0]:g} {here[1]:g} {far[0]:g} {far[1]:g}")
    return " ".join([*path, f"L{bends[-1][0]:g} {bends[-1][1]:g}"])


def _towards(here: tuple[float, float], there: tuple[float, float]) -> tuple[float, float]:
    """The point on the way from here to there where the bend begins."""
    across, down = there[0] - here[0], there[1] - here[1]
    length = abs(across) + abs(down)
    share = min(_CORNER, length / 2) / length
    return here[0] + across * share, here[1] + down * share


def _pill(pill: Pill) -> Iterator[str]:
    left = pill.right - pill.width
    yield (f'<rect class="pill" x="{left:g}" y="{pill.y - 7:g}" width="{pill.width:g}" height="14" rx="7"/>')
    yield _text(left + pill.width / 2, pill.y + 3.5, pill.text, "pill-text", "middle")


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
