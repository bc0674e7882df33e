"""Which precision a processor is fast in."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlreactor.algos.precision import fastest_precision


@pytest.mark.parametrize(
    ("line", "precision"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 clzero", "bfloat16"),
        ("flags\t\t: fpu avx512f amx_bf16 amx_tile", "bfloat16"),
        ("Features\t: fp asimd sve bf16 i8mm", "bfloat16"),
        ("flags\t\t: fpu avx2 avx512f avx512_vnni", "float32"),
        ("", "float32"),
    ],
)
def test_what_multiplies_bfloat16_is_fast_in_it(line: str, precision: str, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{line}\n")
    assert fastest_precision(cpuinfo) == precision


def test_a_system_that_does_not_say_gets_float32(tmp_path: Path) -> None:
    assert fastest_precision(tmp_path / "nothing") == "float32"
