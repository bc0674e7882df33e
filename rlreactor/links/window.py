"""How many bytes of messages may be under way and unread on one link: what its writer is ahead of its reader."""

from __future__ import annotations

__all__ = ["largest_window", "smallest_window"]

smallest_window = 4 << 10
largest_window = 1 << 30
"""Bytes: messages are cut into quarters of a window, and a frame tells its length in 32 bits."""
