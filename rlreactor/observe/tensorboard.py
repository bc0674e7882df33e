"""Metrics as a TensorBoard event file, written while the run lasts."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from rlreactor.observe.files import FileError, writing
from rlreactor.runtime.metrics import Metric

__all__ = ["TensorBoard"]

_FLUSH_S = 10.0


class TensorBoard:
    """`path/name` over environment steps.

    Not tensorboardX's SummaryWriter: that one writes in a thread and through a multiprocessing queue, so that a full
    disk goes unnoticed and a fork meets a locked queue.

    Args:
        folder: where the file is made, in place of one of a run that goes on.
        earlier: what the run had said before; the old file may lack the last of it.
    """

    def __init__(self, folder: Path, earlier: Iterable[Metric] = ()) -> None:
        self._folder = folder
        self._steps = 0
        self._next_flush = time.monotonic() + _FLUSH_S
        with _torch_out_of_reach(), writing(folder):
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto import event_pb2, summary_pb2

            messages: Any = (event_pb2, summary_pb2)  # protobuf makes their classes when they are imported
            self._remove()
            self._writer: Any = EventsWriter(str(folder / "events"))
        self._event, self._summary = messages[0].Event, messages[1].Summary
        for metric in earlier:
            self(metric)

    def __call__(self, metric: Metric) -> None:
        """Add a point to every series of `metric`. Raises FileError."""
        self._steps = int(metric.values.get("env_steps", self._steps))
        values = [self._summary.Value(tag=tag, simple_value=number) for tag, number in _series(metric)]
        event = self._event(wall_time=time.time(), step=self._steps, summary=self._summary(value=values))
        with writing(self._folder):
            self._writer.write_event(event)
            self._flush_now_and_then()

    def _flush_now_and_then(self) -> None:
        if time.monotonic() >= self._next_flush:
            self._next_flush = time.monotonic() + _FLUSH_S
            self._writer.flush()

    def close(self) -> None:
        """Write what is buffered and close the file; one that cannot be completed goes. Raises FileError."""
        try:
            with writing(self._folder):
                self._writer.close()
        except FileError:
            self._remove()
            raise

    def _remove(self) -> None:
        for file in self._folder.glob("events.out.tfevents.*"):
            file.unlink()


def _series(metric: Metric) -> Iterator[tuple[str, float]]:
    for name, value in metric.values.items():
        if isinstance(value, int | float):
            yield f"{metric.path}/{name}" if metric.path else name, float(value)


@contextlib.contextmanager
def _torch_out_of_reach() -> Generator[None]:
    """tensorboardX imports torch where it finds it, which costs a second and 200 MB; numbers do not need it."""
    missing: dict[str, ModuleType | None] = {} if "torch" in sys.modules else {"torch": None}
    sys.modules.update(missing)  # type: ignore[arg-type]  # None is how Python is told "not importable"
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
