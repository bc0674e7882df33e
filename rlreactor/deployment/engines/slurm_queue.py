"""A deployment as a batch job: put into Slurm's queue, followed, asked about, ended.

The job runs by itself, also when whoever submitted it has logged out; it is found again by the deployment's name.
"""

from __future__ import annotations

import codecs
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from rlreactor.deployment.engines.processes import ended_with
from rlreactor.deployment.engines.slurm import batch_script
from rlreactor.deployment.engines.slurm_commands import said, started
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import RunError

__all__ = ["SlurmJob", "find", "submit"]

_LOOK_UP_S = 0.2
_COLUMNS = ("%i", "%T", "%r", "%N", "%M")


class SlurmJob:
    """One job, and the file that it writes to.

    Args:
        number: Slurm's; of a heterogeneous job that of its first component.
        log: where the job's output goes, on a file system that the nodes share with this machine.
        waiting: the process that lasts as long as the job, where this process submitted it.
    """

    def __init__(self, number: str, log: Path, waiting: subprocess.Popen[str] | None = None) -> None:
        self.number = number
        self.log = log
        self._waiting = waiting

    def follow(self, show: Callable[[str], None]) -> int:
        """Show what the job writes until it has ended; its exit status. A job that is queued again goes on."""
        tail = _Tail(self.log)
        while (status := self._status()) is None:
            show(tail.more())
            time.sleep(_LOOK_UP_S)
        show(tail.more())
        return status

    def _status(self) -> int | None:
        if self._waiting is not None:
            return self._waiting.poll()
        return None if _rows("--jobs", self.number) else 0

    def state(self) -> str:
        """`job 7: RUNNING on n[0-1] for 1:23`, a line for every component; or that it has left the queue."""
        rows = _rows("--jobs", self.number)
        return "\n".join(_described(*row) for row in rows) or f"job {self.number} is not in the queue any more"

    def stop(self) -> None:
        """End it. Raises RunError when Slurm refuses."""
        said("scancel", self.number)


def submit(deployment: Deployment, spec: str, *, resume: bool = False) -> SlurmJob:
    """Put a deployment into the queue.

    Args:
        deployment: what to run.
        spec: path of its file, as all nodes see it.
        resume: go on from its newest snapshot.

    Raises:
        PlanError: it has no hosts.
        RunError: there is no Slurm here, or it refuses the job.
    """
    pattern = _log_pattern(deployment)
    words = ["sbatch", "--parsable", "--wait", f"--output={pattern}"]
    job = started(*words)
    assert job.stdin is not None
    assert job.stdout is not None
    job.stdin.write(batch_script(deployment, spec, resume=resume))
    job.stdin.close()
    number = job.stdout.readline().strip().partition(";")[0]
    if not number:
        assert job.stderr is not None
        raise RunError(f"Slurm refuses the job: {job.stderr.read().strip() or ended_with(job.wait())}")
    return SlurmJob(number, Path(str(pattern).replace("%j", number)), job)


def find(deployment: Deployment) -> SlurmJob:
    """The newest job of this user with the deployment's name. Raises RunError when there is none."""
    rows = _rows("--me", "--name", deployment.name)
    if not rows:
        raise RunError(f"no job called {deployment.name!r} is in Slurm's queue; its output is in {_logs(deployment)}")
    number = max((row[0].partition("+")[0] for row in rows), key=int)
    return SlurmJob(number, Path(str(_log_pattern(deployment)).replace("%j", number)))


def _log_pattern(deployment: Deployment) -> Path:
    return Path(deployment.slurm.directory).absolute() / f"{deployment.name}-%j.log"


def _logs(deployment: Deployment) -> str:
    return str(_log_pattern(deployment)).replace("%j", "JOB")


def _rows(*choice: str) -> list[list[str]]:
    """Of each job in the queue, or of each of its components: number, state, reason, nodes and time."""
    try:
        listed = said("squeue", "--noheader", f"--format={'|'.join(_COLUMNS)}", *choice)
    except RunError as error:
        if "Invalid job id" in str(error):  # it has been forgotten
            return []
        raise
    return [line.split("|") for line in listed.splitlines()]


def _described(number: str, state: str, reason: str, nodes: str, lasted: str) -> str:
    where = f" on {nodes} for {lasted}" if nodes else f" ({reason})"
    return f"job {number}: {state}{where}"


class _Tail:
    """What is written to a file, as it comes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def more(self) -> str:
        """What was written since the last call."""
        if not self._path.exists():
            return ""
        with self._path.open("rb") as file:
            file.seek(self._at)
            written = file.read()
        self._at += len(written)
        return self._decoder.decode(written)
