"""Metrics as JSON lines and as TensorBoard events."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rlreactor import Tag
from rlreactor.observe.files import FileError
from rlreactor.observe.history import cut_back
from rlreactor.observe.jsonl import JsonLines, plain
from rlreactor.observe.tensorboard import TensorBoard
from rlreactor.runtime.metrics import Metric

LEARNER = Metric(Tag(3, 0), "learner", {"env_steps": 64, "entropy": 0.5, "mean_return": math.nan})
JUDGE = Metric(Tag(3, 1), "judges[0]", {"eval_return": 7.0})


def test_lines(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "metrics.jsonl")
    lines(LEARNER)
    first = json.loads((tmp_path / "metrics.jsonl").read_text())  # there at once, not at the end
    lines(JUDGE)
    lines.close()
    assert first.pop("seconds") >= 0
    assert first == {"path": "learner", "tag": [3, 0], "env_steps": 64, "entropy": 0.5, "mean_return": None}
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2


def test_what_a_run_goes_on_from_stays(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = JsonLines(path, seconds=60.0)
    for metric in (LEARNER, JUDGE, LEARNER._replace(tag=Tag(4, 0))):
        lines(metric)
    lines.secure()
    lines.close()
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:2]) + whole[1][:9] + "\n" + "".join(whole[2:]) + whole[1][:20])
    history = cut_back(path, 4)
    assert path.read_text() == "".join(whole[:2])
    plain_learner = LEARNER._replace(values={**LEARNER.values, "mean_return": None})
    assert history.metrics == [plain_learner, JUDGE]
    assert 60.0 <= history.seconds < 120.0


def test_a_last_line_that_is_whole_but_for_its_end_stays(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"path": "a", "tag": [1, 0], "seconds": 0.5, "x": 1}')
    assert cut_back(path, 2).metrics == [Metric(Tag(1, 0), "a", {"x": 1})]
    assert path.read_text().endswith("}\n")


def test_nothing_stays_of_what_is_not_there(tmp_path: Path) -> None:
    assert cut_back(tmp_path / "metrics.jsonl", 9) == ([], 0.0)
    assert list(tmp_path.iterdir()) == []


def test_full_disk() -> None:
    lines = JsonLines(Path("/dev/full"))
    with pytest.raises(FileError, match=r"^/dev/full cannot be written: no space left on device; free some space"):
        lines(LEARNER)
    lines.close()


def test_plain() -> None:
    assert plain({"a": [math.inf, -math.inf, math.nan, 1.5], "b": {"c": (1, True, None, "x")}}) == {
        "a": [None, None, None, 1.5], "b": {"c": [1, True, None, "x"]},
    }  # fmt: skip


def events(folder: Path) -> Iterator[Any]:
    from tensorboardX.proto import event_pb2

    message: Any = event_pb2
    (file,) = folder.iterdir()
    data = file.read_bytes()
    while data:
        (length,) = struct.unpack_from("<Q", data)
        yield message.Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]


def test_events(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board(LEARNER)
    board(JUDGE)
    board.close()
    first, second, third = events(tmp_path)
    assert first.file_version == "brain.Event:2"
    assert [(v.tag, v.simple_value) for v in second.summary.value][:2] == [
        ("learner/env_steps", 64.0),
        ("learner/entropy", 0.5),
    ]
    assert [(v.tag, v.simple_value) for v in third.summary.value] == [("judges[0]/eval_return", 7.0)]
    assert (second.step, third.step) == (64, 64)


def test_events_of_a_run_that_goes_on_take_the_place_of_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1.old").touch()
    board = TensorBoard(tmp_path, [LEARNER])
    board(JUDGE)
    board.close()
    _, second, third = events(tmp_path)
    assert second.summary.value[0].tag == "learner/env_steps"
    assert (second.step, third.step) == (64, 64)


def test_tensorboard_does_not_load_torch(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from rlreactor.observe.tensorboard import TensorBoard;"
        "TensorBoard(Path(sys.argv[1])).close(); sys.exit('torch' in sys.modules and 'torch was loaded');"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=Path(__file__).parents[2])


def test_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="file cannot be written: not a directory"):
        TensorBoard(tmp_path / "file")
