"""Looking at values of unknown type."""

from __future__ import annotations

from typing import Any

__all__ = ["is_a"]


def is_a(value: Any, *kinds: Any) -> bool:
    """`isinstance`, but the value stays `Any` for type checkers, where narrowing would give `list[Unknown]`."""
    return isinstance(value, kinds)
