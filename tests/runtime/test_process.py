"""What a new process does before it works."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import threadpoolctl

from rlreactor.runtime.process import fork, limit_threads, threads_restored


def _libraries() -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", threadpoolctl.threadpool_info())


_LAYERS = [(each["internal_api"], each.get("threading_layer")) for each in _libraries()]


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def _status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(("openblas", "pthreads") not in _LAYERS, reason="numpy comes with another library than OpenBLAS")
def test_one_thread_starts_no_others() -> None:
    def child() -> int:
        limit_threads(1)
        matrix = np.ones((300, 300))
        return 0 if _threads() == 1 and (matrix @ matrix)[0, 0] == 300 else 1

    assert _status(fork(child)) == 0


def test_two_threads_are_had_after_one() -> None:
    def child() -> int:
        limit_threads(1)
        limit_threads(2)
        matrix = np.ones((300, 300))
        limited = {each["num_threads"] for each in _libraries()}
        return 0 if limited <= {2} and (matrix @ matrix)[0, 0] == 300 else 1

    assert _status(fork(child)) == 0


def test_threads_are_as_before_where_all_runs_in_one_process() -> None:
    before = [each["num_threads"] for each in _libraries()]
    with threads_restored():
        limit_threads(1)
    assert [each["num_threads"] for each in _libraries()] == before
