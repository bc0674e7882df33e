"""Microseconds a tag, by xronos, as its documentation writes reactors; runs in bench/.venv-xronos."""

from __future__ import annotations

import argparse
import datetime
import importlib
import time
from collections.abc import Callable
from typing import Any

from bench.contestants.slices import serve

xronos: Any = importlib.import_module("xronos")  # by name: this is checked where xronos is not installed

PERIOD = datetime.timedelta(microseconds=1)


class Source(xronos.Reactor):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass]
    tick = xronos.PeriodicTimerDeclaration(period=PERIOD)
    number = xronos.OutputPortDeclaration()

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @xronos.reaction  # type: ignore[untyped-decorator]  # pyright: ignore[reportUntypedFunctionDecorator]
    def send(self, interface: Any) -> Callable[[], None]:
        interface.add_trigger(self.tick)
        number = interface.add_effect(self.number)

        def handler() -> None:
            self.count += 1
            number.set(self.count)

        return handler


class Sink(xronos.Reactor):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass]
    number = xronos.InputPortDeclaration()

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.begun = self.ended = 0

    @xronos.reaction  # type: ignore[untyped-decorator]  # pyright: ignore[reportUntypedFunctionDecorator]
    def begin(self, interface: Any) -> Callable[[], None]:
        interface.add_trigger(self.startup)

        def handler() -> None:
            self.begun = time.perf_counter_ns()

        return handler

    @xronos.reaction  # type: ignore[untyped-decorator]  # pyright: ignore[reportUntypedFunctionDecorator]
    def add(self, interface: Any) -> Callable[[], None]:
        number = interface.add_trigger(self.number)

        def handler() -> None:
            self.total += number.get()

        return handler

    @xronos.reaction  # type: ignore[untyped-decorator]  # pyright: ignore[reportUntypedFunctionDecorator]
    def end(self, interface: Any) -> Callable[[], None]:
        interface.add_trigger(self.shutdown)

        def handler() -> None:
            self.ended = time.perf_counter_ns()

        return handler


def microseconds(tags: int) -> float:
    """Per tag, of `tags` of them in one execution."""
    environment = xronos.Environment(fast=True, timeout=(tags - 1) * PERIOD)
    source = environment.create_reactor("source", Source)
    sink = environment.create_reactor("sink", Sink)
    environment.connect(source.number, sink.number)
    environment.execute()
    if sink.total != tags * (tags + 1) // 2:
        raise SystemExit(f"{tags} tags were to add up to {tags * (tags + 1) // 2}, not {sink.total}")
    return float((sink.ended - sink.begun) / tags * 1e-3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=300_000)
    tags = parser.parse_args().tags
    serve({"xronos": lambda: {"us": microseconds(tags)}})


if __name__ == "__main__":
    main()
