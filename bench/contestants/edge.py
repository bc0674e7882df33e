"""What contestants of an edge over TCP have in common: their options, and what they measure."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial

from bench.contestants.slices import serve

__all__ = ["measure"]

Stream = Callable[[int, int], float]
"""Microseconds a message, by the bytes of a message and the number of messages."""


def measure(description: str | None, streams: Mapping[str, Stream]) -> None:
    """Serve slices of every stream, by its name."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=1000)
    options = parser.parse_args()
    serve({name: partial(_figures, stream, options.bytes, options.messages) for name, stream in streams.items()})


def _figures(stream: Stream, nbytes: int, messages: int) -> dict[str, float]:
    return {"us": stream(nbytes, messages)}
