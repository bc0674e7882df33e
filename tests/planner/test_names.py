"""Paths of banks, shortened for people."""

import pytest

from rlreactor.planner.names import bank_of, shortened
from rlreactor.planner.quantities import bytes_text, delay_text, duration_text, seconds_text
from rlreactor.planner.report import number_ranges
from rlreactor.tag import NO_DELAY, TICK, Delay, ms, sec, us


@pytest.mark.parametrize(
    ("paths", "short"),
    [
        ([], []),
        (["", "learner"], ["", "learner"]),
        ([f"actors[{i}]" for i in range(8)], ["actors[0…7]"]),
        (["actors[0]", "actors[1]", "actors[5]"], ["actors[0,1]", "actors[5]"]),
        (["a[0].x", "a[0].y", "a[1].x", "a[1].y"], ["a[0,1].x", "a[0,1].y"]),
        (["a[0].b[0]", "a[0].b[1]", "a[1].b[0]"], ["a[0].b[0,1]", "a[1].b[0]"]),
    ],
)
def test_neighbours_are_joined(paths: list[str], short: list[str]) -> None:
    assert shortened(paths) == short


def test_bank_of() -> None:
    assert bank_of("groups[2].env[17].camera") == "groups[].env[].camera"


def test_number_ranges() -> None:
    assert [number_ranges(numbers) for numbers in ((), (3,), (0, 1, 2, 8), (1, 3))] == ["", "3", "0-2,8", "1,3"]


def test_quantities() -> None:
    assert [bytes_text(n) for n in (0, 1023, 4096, 1_572_864, 5 << 30)] == [
        "0 B",
        "1023 B",
        "4 KiB",
        "1.5 MiB",
        "5 GiB",
    ]
    assert [duration_text(n) for n in (TICK, us(2), ms(2.5), sec(3))] == ["1 ns", "2 µs", "2.5 ms", "3 s"]
    assert seconds_text(0.00125) == "1.25 ms"
    delays = [delay_text(d) for d in (NO_DELAY, Delay(0, 1), Delay(0, 2), Delay(ms(1), 0), Delay(ms(1), 1))]
    assert delays == ["", "1 microstep", "2 microsteps", "1 ms", "1 ms + 1 microstep"]
