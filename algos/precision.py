"""In which numbers a convolutional network computes, and which of them this processor multiplies fast."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Precision = Literal["float32", "bfloat16"]

_FAST_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Flags of x86 and Arm processors that multiply bfloat16; on others it is emulated, and slow."""


def fastest_precision(cpuinfo: Path = Path("/proc/cpuinfo")) -> Precision:
    """Which precision trains a convolutional network faster on this processor.

    For whoever writes a configuration, before there is a run: the answer stands in it from then on, and
    a worker never asks. Otherwise the machine that a reactor is placed on could change the result.
    """
    try:
        words = cpuinfo.read_text().split()
    except OSError:
        return "float32"
    return "bfloat16" if _FAST_BFLOAT16.intersection(words) else "float32"
