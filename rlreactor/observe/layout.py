"""Where everything in a diagram is: columns of boxes by level, lanes by worker, arrows in the gaps between.

Arrows run only where no box can be: between the columns in *channels* (upright, one track for each group of arrows
that belong together) and above all lanes in the *corridor* (level). An arrow to the next column needs one channel; one
that goes back, or further, leaves through the channel behind its column, follows the corridor and comes down in the
channel before its goal. Ports are rows of their boxes, and inputs are half a row above outputs everywhere on the page,
so that no two level pieces of different arrows can lie on each other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from rlreactor.observe.picture import Arrow, Box, Picture
from rlreactor.planner.quantities import delay_text

__all__ = ["HEADER", "ROW", "LaneStrip", "Layout", "Line", "Pill", "PlacedBox", "layout"]

ROW = 22  # px; every upright measure is a multiple, so that rows of different boxes line up
HEADER = 2 * ROW
TRACK = 10  # px between neighbouring pieces of arrows
MARGIN = 16
LANE_LABEL = 176
TITLE = 3 * ROW
GAP = 3 * ROW / 4  # px between boxes, which with the foot of a box makes a whole row
STACK = 8  # px that the lower sheets of a stack stick out
ARROW = 12  # px of the piece with the arrowhead

CODE_WIDTH = 7.25  # px of a character of 12 px code type
TITLE_WIDTH = 8.2  # of 13 px bold code type
PILL_WIDTH = 6.4  # of 10.5 px type


K = TypeVar("K")


class PlacedBox(NamedTuple):
    """A box, its rows by name."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    inputs: dict[str, float]
    outputs: dict[str, float]


class Line(NamedTuple):
    """An arrow as a polyline."""

    arrow: Arrow
    points: tuple[tuple[float, float], ...]


class Pill(NamedTuple):
    """The delays of the arrows into one input; `right` and `y` are the middle of its right side."""

    text: str
    right: float
    y: float
    width: float


class LaneStrip(NamedTuple):
    """The background of a lane."""

    y: float
    height: float


class Layout(NamedTuple):
    """Everything with its place, in px."""

    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    lines: tuple[Line, ...]
    pills: tuple[Pill, ...]
    lanes: tuple[LaneStrip, ...]


def layout(picture: Picture) -> Layout:
    """Place a picture. The same picture is always placed the same way."""
    return _Layout(picture).placed()


Key = tuple[str, int, str]  # kind of track, box, port: the arrows that share a track


class _Layout:
    """Upright first (it follows from the boxes alone), then tracks, then the columns, whose gaps depend on them."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.fan_out = Counter((arrow.source, arrow.output) for arrow in picture.arrows)
        self.corridor = self._corridor_tracks()
        self.tops, self.lanes = self._upright()
        self.tracks = self._channel_tracks()
        self.pill_texts = self._pill_texts()
        self.widths = [self._column_width(c) for c in range(picture.columns)]
        self.lefts, self.channels = self._level()
        self.boxes = tuple(self._placed_box(i, box) for i, box in enumerate(picture.boxes))

    def placed(self) -> Layout:
        bottom = self.lanes[-1].y + self.lanes[-1].height if self.lanes else TITLE
        lines = tuple(Line(arrow, self._points(arrow)) for arrow in self.picture.arrows)
        pills = tuple(self._pill(ends, text) for ends, text in self.pill_texts.items())
        width = self.channels[-1] + self._channel_width(self.picture.columns) + MARGIN
        return Layout(width, bottom, self.boxes, lines, pills, self.lanes)

    # Upright

    def _upright(self) -> tuple[list[float], tuple[LaneStrip, ...]]:
        """The top of every box, and the lanes: each as high as its fullest column."""
        tops = [0.0] * len(self.picture.boxes)
        strips: list[LaneStrip] = []
        y = float(TITLE + ROW * -(-len(set(self.corridor.values())) * TRACK // ROW))
        for lane in range(len(self.picture.lanes)):
            filled = [y + ROW] * self.picture.columns
            for index, box in enumerate(self.picture.boxes):
                if box.lane == lane:
                    tops[index] = filled[box.column]
                    filled[box.column] += _height(box) + GAP
            height = max(*filled, y + 4 * ROW) - y
            strips.append(LaneStrip(y, height))
            y += height + ROW
        return tops, tuple(strips)

    def _input_y(self, index: int, name: str) -> float:
        box = self.picture.boxes[index]
        return self.tops[index] + HEADER + ROW * box.inputs.index(name) + ROW / 4

    def _output_y(self, index: int, name: str) -> float:
        box = self.picture.boxes[index]
        return self.tops[index] + HEADER + ROW * box.outputs.index(name) + 3 * ROW / 4

    # Tracks

    def _is_direct(self, arrow: Arrow) -> bool:
        return self._column(arrow.sink) == self._column(arrow.source) + 1

    def _column(self, box: int) -> int:
        return self.picture.boxes[box].column

    def _direct_key(self, arrow: Arrow) -> Key:
        """What goes to many shares its way out; what comes from many its way in."""
        if self.fan_out[arrow.source, arrow.output] > 1:
            return "direct", arrow.source, arrow.output
        return "direct", -1 - arrow.sink, arrow.input

    def _corridor_tracks(self) -> dict[tuple[int, str], int]:
        """Output → its track in the corridor, counted from the lanes upwards."""
        spans: dict[tuple[int, str], list[float]] = {}
        for arrow in self.picture.arrows:
            if not self._is_direct(arrow):
                span = spans.setdefault((arrow.source, arrow.output), [])
                span += [self._column(arrow.source) + 1, self._column(arrow.sink)]
        return _packed((min(span), max(span), key) for key, span in spans.items())

    def _corridor_y(self, arrow: Arrow) -> float:
        return self.lanes[0].y - TRACK * (self.corridor[arrow.source, arrow.output] + 1)

    def _channel_tracks(self) -> list[dict[Key, int]]:
        """For every channel its tracks, from the left: arrows that leave, that pass, that arrive."""
        spans: list[dict[str, dict[Key, list[float]]]] = [
            {"exit": {}, "direct": {}, "entry": {}} for _ in range(self.picture.columns + 1)
        ]
        for arrow in self.picture.arrows:
            for channel, key, ends in self._pieces(arrow):
                spans[channel][key[0]].setdefault(key, []).extend(ends)
        return [_stacked(kinds.values()) for kinds in spans]

    def _pieces(self, arrow: Arrow) -> list[tuple[int, Key, tuple[float, float]]]:
        """The upright pieces of an arrow: channel, track and both ends."""
        start, end = self._output_y(arrow.source, arrow.output), self._input_y(arrow.sink, arrow.input)
        if self._is_direct(arrow):
            return [(self._column(arrow.sink), self._direct_key(arrow), (start, end))]
        corridor = self._corridor_y(arrow)
        return [
            (self._column(arrow.source) + 1, ("exit", arrow.source, arrow.output), (start, corridor)),
            (self._column(arrow.sink), ("entry", arrow.source, arrow.output), (corridor, end)),
        ]

    # Level

    def _level(self) -> tuple[list[float], list[float]]:
        """The left side of every column and of the channel before it; one more channel comes last."""
        lefts: list[float] = []
        channels: list[float] = []
        x = float(MARGIN + (LANE_LABEL if self.picture.lanes[0].workers else 0))
        for column, width in enumerate(self.widths):
            channels.append(x)
            lefts.append(x + self._channel_width(column))
            x = lefts[-1] + width
        return lefts, [*channels, x]

    def _channel_width(self, channel: int) -> float:
        tracks = TRACK * (max(self.tracks[channel].values(), default=-1) + 1)
        pills = [self._pill_width(t) for (b, _), t in self.pill_texts.items() if self._column(b) == channel]
        arrive = any(self._column(arrow.sink) == channel for arrow in self.picture.arrows)
        return MARGIN + tracks + (ARROW if arrive else 0) + max(pills, default=0) + MARGIN / 2

    def _column_width(self, column: int) -> float:
        return max((_width(box) for box in self.picture.boxes if box.column == column), default=0)

    def _placed_box(self, index: int, box: Box) -> PlacedBox:
        return PlacedBox(
            box,
            self.lefts[box.column],
            self.tops[index],
            self.widths[box.column] - STACK,
            _height(box),
            {name: self._input_y(index, name) for name in box.inputs},
            {name: self._output_y(index, name) for name in box.outputs},
        )

    def _track_x(self, channel: int, key: Key) -> float:
        return self.channels[channel] + MARGIN + TRACK * self.tracks[channel][key]

    # Arrows

    def _points(self, arrow: Arrow) -> tuple[tuple[float, float], ...]:
        start, goal = self.boxes[arrow.source], self.boxes[arrow.sink]
        points = [(start.x + start.width, start.outputs[arrow.output])]
        for channel, key, (from_y, to_y) in self._pieces(arrow):
            x = self._track_x(channel, key)
            points += [(x, from_y), (x, to_y)]
        return (*points, (goal.x, goal.inputs[arrow.input]))

    def _pill_texts(self) -> dict[tuple[int, str], str]:
        delays: defaultdict[tuple[int, str], dict[str, None]] = defaultdict(dict)
        for arrow in self.picture.arrows:
            if text := delay_text(arrow.delay):
                delays[arrow.sink, arrow.input][text] = None
        return {ends: ", ".join(texts) for ends, texts in delays.items()}

    @staticmethod
    def _pill_width(text: str) -> float:
        return len(text) * PILL_WIDTH + 12

    def _pill(self, ends: tuple[int, str], text: str) -> Pill:
        goal = self.boxes[ends[0]]
        return Pill(text, goal.x - ARROW, goal.inputs[ends[1]], self._pill_width(text))


def _height(box: Box) -> float:
    rows = max(len(box.inputs), len(box.outputs))
    return HEADER + ROW * rows + ROW / 4


def _width(box: Box) -> float:
    pairs = [_name(box.inputs, i) + _name(box.outputs, i) + 5 for i in range(max(len(box.inputs), len(box.outputs)))]
    code = max([*pairs, len(box.kind) + 7]) * CODE_WIDTH
    return max(code, (len(box.name) + 3) * TITLE_WIDTH, 120) + STACK


def _name(names: tuple[str, ...], index: int) -> int:
    return len(names[index]) if index < len(names) else 0


def _packed(spans: Iterable[tuple[float, float, K]]) -> dict[K, int]:
    """Spans on as few tracks as they fit on without touching, short ones first."""
    ends: list[list[tuple[float, float]]] = []
    tracks: dict[K, int] = {}
    for low, high, key in sorted(spans, key=lambda span: span[1] - span[0]):
        free = (t for t, taken in enumerate(ends) if all(high < first or last < low for first, last in taken))
        track = tracks[key] = next(free, len(ends))
        ends.extend([[]] if track == len(ends) else [])
        ends[track].append((low, high))
    return tracks


def _stacked(kinds: Iterable[dict[Key, list[float]]]) -> dict[Key, int]:
    """The tracks of one kind after those of another."""
    tracks: dict[Key, int] = {}
    for spans in kinds:
        first = max(tracks.values(), default=-1) + 1
        packed = _packed((min(ends), max(ends), key) for key, ends in spans.items())
        tracks.update({key: first + track for key, track in packed.items()})
    return tracks
