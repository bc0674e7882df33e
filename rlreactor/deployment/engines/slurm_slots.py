"""Slots inside a Slurm allocation: one job step with a task for every slot, whatever components the job has.

Slurm tells each task its number, which is the slot's index: hosts stand in the job in the order of the spec. Keys reach
the nodes through the working directory, which all of them see, in a folder that only this user may enter. Each task
takes its own out of it before it starts; what a job that was killed still left there goes when Slurm starts it again.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from rlreactor.deployment.engine import worker_command
from rlreactor.deployment.engines.address import address_towards
from rlreactor.deployment.engines.held import key_files, key_lines
from rlreactor.deployment.engines.processes import ended_with
from rlreactor.deployment.engines.slurm_commands import said
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment
from rlreactor.errors import RunError

__all__ = ["SlurmSlots", "hand_out", "in_allocation", "srun_words", "was_requeued"]

_GRACE_S = 10.0
_TAKE_KEYS = """\
exec <{folder}/slot-"$SLURM_PROCID"
rm -f {folder}/slot-"$SLURM_PROCID"
rmdir {folder} 2>/dev/null || true
exec {command}"""  # the last one removes the folder
_TASK_ENDED = re.compile(r"srun: error: (?P<node>\S+): task (?P<task>\d+): (?P<how>.+)")
_LAUNCH_FAILED = re.compile(r"srun: error: Task launch for \S+ failed on node (?P<node>[^\s:]+): (?P<how>.+)")
_NODE_FAILURE = re.compile(r"node failure", re.IGNORECASE)  # in several sentences, and few of them say which


def in_allocation() -> bool:
    """Whether this process runs inside a job."""
    return "SLURM_JOB_ID" in os.environ


def was_requeued() -> bool:
    """Whether Slurm has started this process's job again, after it had lost a node or wanted one for something else."""
    return os.environ.get("SLURM_RESTART_COUNT", "0") != "0"


def nodes_of_job() -> list[str]:
    """The nodes of this job, of all its components, in order. Raises RunError when Slurm does not tell."""
    components = int(os.environ.get("SLURM_HET_SIZE", "0"))
    names = [f"SLURM_JOB_NODELIST_HET_GROUP_{i}" for i in range(components)] or ["SLURM_JOB_NODELIST"]
    return [node for name in names for node in said("scontrol", "show", "hostnames", os.environ[name]).split()]


def srun_words(deployment: Deployment, job: Job, caller: str, keys: Path) -> list[str]:
    """The job step that starts all slots."""
    section = deployment.slurm
    words = worker_command(job, "SLOT", caller)[1:]
    python = [*shlex.split(section.python), "-m", "rlreactor.cli"]
    named = {"SLOT": '"$SLURM_PROCID"'}
    command = " ".join(named.get(word, shlex.quote(word)) for word in (*python, *words))
    script = _TAKE_KEYS.format(folder=shlex.quote(str(keys)), command=command)
    components = int(os.environ.get("SLURM_HET_SIZE", "0"))
    spread = [f"--het-group=0-{components - 1}"] if components > 1 else []
    # A slot gets all cores of its node that the job has, and pins its workers among them itself.
    options = [*spread, "--ntasks-per-node=1", "--cpu-bind=none", "--wait=0", "--kill-on-bad-exit=0", "--unbuffered"]
    return ["srun", *options, f"--chdir={Path(section.directory).absolute()}", "sh", "-c", script]


class SlurmSlots:
    """Implements `Engine`, inside a job with a node for every host of the deployment. Raises RunError elsewhere."""

    caller_ports: tuple[int, int] | None = None

    def __init__(self, deployment: Deployment) -> None:
        if not in_allocation():
            raise RunError("the engine slurm starts slots inside a job, and SLURM_JOB_ID is not set here")
        self._deployment = deployment
        self._nodes = nodes_of_job()
        expected = max(1, len(deployment.machines))
        if len(self._nodes) != expected:
            raise RunError(
                f"the job has the nodes {', '.join(self._nodes)} and the deployment {expected} hosts; expected a node "
                "for each"
            )
        self.caller_address = address_towards(self._nodes[-1])

    def start(self, job: Job, caller: str, keys: Path) -> SlurmStep:
        """Start all slots as one step. Raises RunError when that cannot be."""
        if len(job.slots) != len(self._nodes):
            raise RunError(
                f"the plan has workers on {len(job.slots)} of {len(self._nodes)} hosts; take the others out of the spec"
            )
        folder, number = Path(self._deployment.slurm.directory).absolute(), os.environ["SLURM_JOB_ID"]
        for left in folder.glob(f".rlreactor-{number}-*"):
            shutil.rmtree(left, ignore_errors=True)
        shared = folder / f".rlreactor-{number}-{job.run}"
        hand_out(keys, shared, len(job.slots))
        return SlurmStep(srun_words(self._deployment, job, caller, shared), self._nodes, shared)


def hand_out(keys: Path, shared: Path, slots: int) -> None:
    """A file for every slot with what it expects at its input."""
    try:
        shared.mkdir(mode=0o700)
        for slot in range(slots):
            own = shared / f"slot-{slot}"
            own.touch(mode=0o600)
            own.write_bytes(key_lines(key_files(keys, slot)))
    except OSError as error:
        raise RunError(f"cannot hand keys to the nodes in {shared}: {error.strerror}") from error


class SlurmStep:
    """Implements `StartedSlots` with one `srun`, which says which task of which node ended and how."""

    def __init__(self, words: list[str], nodes: list[str], keys: Path) -> None:
        self._nodes = nodes
        self._keys = keys
        self._ended: dict[int, str] = {}
        self._srun = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )  # Ctrl-C is ours to handle
        assert self._srun.stderr is not None
        self._listener = threading.Thread(target=self._listen, args=(self._srun.stderr,), daemon=True)
        self._listener.start()

    def _listen(self, errors: IO[str]) -> None:
        for line in errors:
            os.write(2, line.encode())
            if _NODE_FAILURE.search(line):
                self._note(lost_nodes(self._nodes))
            self._note(ends_in(line, self._nodes))

    def _note(self, ends: Iterable[tuple[int, str]]) -> None:
        """What was said of a slot first is the reason; what follows is what Slurm does about it."""
        for slot, how in ends:
            self._ended.setdefault(slot, how)

    def ended(self) -> Mapping[int, str]:
        """Those slots that have ended, each with how."""
        status = self._srun.poll()
        if status is None:
            return dict(self._ended)
        others = dict.fromkeys(range(len(self._nodes)), f"{ended_with(status)}, as srun says")
        return {**self._ended, **{slot: how for slot, how in others.items() if slot not in self._ended}}

    def stop(self) -> None:
        """End the step, and forget the keys."""
        self._srun.terminate()  # srun passes it on to all tasks, and kills what does not end
        try:
            self._srun.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._srun.kill()
            self._srun.wait()
        self._listener.join(_GRACE_S)
        shutil.rmtree(self._keys, ignore_errors=True)


def ends_in(line: str, nodes: list[str]) -> Iterable[tuple[int, str]]:
    """The slots of whose end a line of srun tells, and how they ended."""
    for pattern, text in ((_TASK_ENDED, "ended on node {}: {}"), (_LAUNCH_FAILED, "cannot be started on node {}: {}")):
        found = pattern.match(line)
        if found and found["node"] in nodes:
            yield nodes.index(found["node"]), text.format(found["node"], found["how"].strip())


def lost_nodes(nodes: list[str]) -> Iterable[tuple[int, str]]:
    """The slots whose nodes are down, as Slurm knows by now."""
    with contextlib.suppress(RunError):
        listed = said("sinfo", "--noheader", "--Node", "--format=%n %T", f"--nodes={','.join(nodes)}")
        for name, state in (line.split() for line in listed.splitlines()):
            if "down" in state:
                yield nodes.index(name), f"was lost with its node {name}, which is {state} as Slurm says"
