"""A real Slurm on two hosts of `tests.network`: one controller, a daemon on each host, jobs as root.

    with Network(2) as network, SlurmCluster(network) as cluster:
        network.hosts[0].run("srun", "--nodes=2", "hostname", env=cluster.environment)

Everything lies in a folder of its own and runs on the hosts, so it ends with them. Debian has all that is needed in
`slurm-wlm` and `munge`; `make cluster-setup` installs them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .network import Host, InFolder, Network, missing

__all__ = ["SlurmCluster", "needs_slurm"]

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_LONGEST_START_S = 30.0
_LOOK_UP_S = 0.05

_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={controller.name}({controller.address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdTimeout={node_timeout}
KillWait=2
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=bf_interval=1
"""  # cred_expire: a job that is queued again waits that long; bf_interval: so long a heterogeneous job waits
_NODE = "NodeName={host.name} NodeHostname={host.name} NodeAddr={host.address} CPUs={cores} RealMemory=4000\n"
_PARTITION = "PartitionName=test Nodes=ALL Default=YES State=UP MaxTime=INFINITE\n"


class SlurmCluster(InFolder):
    """All hosts of a network as the nodes of one partition.

    Args:
        network: its first host is the controller too.
        node_timeout: seconds without a word after which Slurm gives a node up.
    """

    def __init__(self, network: Network, *, node_timeout: int = 10) -> None:
        super().__init__("slurm-of-a-test-", network)
        self.controller = self.hosts[0]
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self.environment["PATH"] = f"{_PATH}:{os.environ['PATH']}"
        try:
            self._configure(node_timeout)
            self._start()
        except BaseException:
            self.close()
            raise

    def _configure(self, node_timeout: int) -> None:
        parts = [_CONFIGURATION.format(controller=self.controller, folder=self.folder, node_timeout=node_timeout)]
        parts += [_NODE.format(host=host, cores=os.cpu_count()) for host in self.hosts]
        (self.folder / "slurm.conf").write_text("".join(parts) + _PARTITION)
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))

    def _start(self) -> None:
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{file}" for option, file in files.items()]
        self._daemon(self.controller, "munged", "--foreground", "--force", *options)
        self._await("munged", lambda: (self.folder / "munge.socket").exists())
        self._daemon(self.controller, "slurmctld", "-D", "-c")
        for host in self.hosts:
            self.bring_back(host)
        self._await("all nodes", self.ready)

    def bring_back(self, host: Host) -> None:
        """Let a host be a node, for the first time or again."""
        self._daemon(host, "slurmd", "-D", "-c", "-N", host.name)

    def lose(self, host: Host) -> None:
        """Let a host that is not the controller lose its power: everything on it ends at once."""
        assert host is not self.controller
        with contextlib.suppress(AssertionError):  # the command ends with the rest
            host.run("sh", "-c", "kill -KILL -1")

    def _daemon(self, host: Host, *words: str) -> None:
        log = (self.folder / f"{words[0]}-{host.name}.out").open("w")
        with log:
            host.start(*words, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def run(self, *words: str | Path, timeout: float = 30) -> str:
        """What a command on the controller's host says. Raises AssertionError when it fails."""
        return self.controller.run(*words, timeout=timeout, env=self.environment)

    def ready(self) -> bool:
        """Whether every node takes jobs."""
        query = self.controller.start(
            "sinfo", "--noheader", "--Node", "--format=%T", env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        said, _ = query.communicate(timeout=30)
        return said.split() == ["idle"] * len(self.hosts)

    def _await(self, what: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + _LONGEST_START_S
        while not ready():
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not there after {_LONGEST_START_S} s\n{self.logs()}")
            time.sleep(_LOOK_UP_S)

    def logs(self) -> str:
        """The ends of what the daemons wrote."""
        files = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-2000:]}" for file in files)


def _reason() -> str:
    tools = [tool for tool in ("slurmctld", "slurmd", "munged", "sbatch") if not shutil.which(tool, path=_PATH)]
    return f"no {', '.join(tools)}: make cluster-setup installs Slurm and munge" if tools else missing()


needs_slurm = pytest.mark.skipif(bool(_reason()), reason=_reason() or "there is Slurm")
"""Skips a test, with the reason, where there can be no Slurm."""
