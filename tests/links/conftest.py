"""Real processes for the tests of what processes share."""

import os
import signal
import traceback
from collections.abc import Callable, Iterator

import pytest


class Child:
    """A forked process that runs one function."""

    def __init__(self, body: Callable[[], object]) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(_run(body, writing))
        os.close(writing)
        self._report = os.fdopen(reading)
        self._over = False

    def join(self) -> None:
        """Waits for the end of the process; its failure is the test's."""
        report = self._report.read()
        self._over = True
        _, status = os.waitpid(self.pid, 0)
        assert status == 0, f"child ended with status {status}\n{report}"

    def kill(self) -> None:
        self._report.close()
        if not self._over:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def _run(body: Callable[[], object], writing: int) -> int:
    try:
        body()
    except BaseException:
        os.write(writing, traceback.format_exc().encode()[-4000:])
        return 1
    return 0


Fork = Callable[[Callable[[], object]], Child]


@pytest.fixture
def fork() -> Iterator[Fork]:
    """Forks a process that runs a function; those still running after the test are killed."""
    children: list[Child] = []

    def start(body: Callable[[], object]) -> Child:
        children.append(Child(body))
        return children[-1]

    yield start
    for child in children:
        child.kill()
