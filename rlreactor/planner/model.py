"""What every part of a plan has in common: it never changes, and unknown names in a file are refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Frozen"]


class Frozen(BaseModel):
    """A value that is printed, saved, compared and hashed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
