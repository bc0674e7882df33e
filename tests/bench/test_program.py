"""Programs that report one JSON object on their last line."""

from __future__ import annotations

import sys

import pytest

from bench.measure import Missing
from bench.program import last_json, start, wait


def test_the_last_line_counts() -> None:
    assert last_json('set-up\n{"rate": 1}\n{"rate": 2}\n') == {"rate": 2}


@pytest.mark.parametrize("output", ["", "no object", "[1, 2]", '{"rate": 1}\ndone'])
def test_no_object_on_the_last_line_is_said(output: str) -> None:
    with pytest.raises(Missing, match="its last line is not a JSON object"):
        last_json(output)


def test_a_program_that_is_not_there_is_said() -> None:
    with pytest.raises(Missing, match=r"^no-such-program is not there$"):
        start(["no-such-program"])


def test_a_failure_carries_its_last_words() -> None:
    script = "import sys; print('first', file=sys.stderr); sys.exit('the reason')"
    with pytest.raises(Missing, match=r"^it ended with status 1: the reason$"):
        wait(start([sys.executable, "-c", script]))
