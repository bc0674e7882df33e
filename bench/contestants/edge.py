"""What contestants of an edge over TCP have in common: their options, and how they print what they measured."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping

__all__ = ["measure"]


def measure(description: str | None, streams: Mapping[str, Callable[[int, int], float]]) -> None:
    """Print the microseconds a message of every stream, by its name; each is given bytes and number of messages."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bytes", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=1000)
    options = parser.parse_args()
    figures = {name: {"us": stream(options.bytes, options.messages)} for name, stream in streams.items()}
    print(json.dumps(figures), flush=True)
