"""Slots on hosts that the system's ssh reaches, with its own configuration, keys and known hosts.

One connection for every slot, which ends with it, whether this side stops, dies or is out of reach for good.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from rlreactor.deployment.engines.address import address_towards
from rlreactor.deployment.engines.held import held, key_files, send_keys
from rlreactor.deployment.engines.processes import ProcessPerSlot
from rlreactor.deployment.job import Job
from rlreactor.deployment.spec import Deployment, Host
from rlreactor.errors import RunError

__all__ = ["SshSlots", "remote_command", "ssh_words"]

_UNREACHABLE = 255  # ssh's own status


def remote_command(deployment: Deployment, job: Job, slot: int, caller: str) -> str:
    """What the shell of a slot's host is to run."""
    section = deployment.ssh
    return "exec " + shlex.join(held(shlex.split(section.python), section.directory, job, slot, caller))


def ssh_words(deployment: Deployment, host: Host) -> list[str]:
    """The command that reaches a host; what is to run there follows as one word."""
    section = deployment.ssh
    port = [] if section.port is None else ["-p", str(section.port)]
    user = [] if section.user is None else ["-l", section.user]
    # Whether a host lives the run tells by itself; ssh would give up a connection that is cut for a while.
    options = ["-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=0"]
    return ["ssh", *options, *port, *user, host.address or host.name]


class SshSlots:
    """Implements `Engine`.

    Raises RunError when there is no host, or this machine does not know the way to the first.
    """

    caller_ports: tuple[int, int] | None = None

    def __init__(self, deployment: Deployment) -> None:
        if not deployment.hosts:
            raise RunError("the engine ssh needs hosts: list them in the spec, each with its `address`")
        self._deployment = deployment
        self._hosts = {host.name: host for host in deployment.machines}
        first = deployment.machines[0]
        self.caller_address = address_towards(first.data_address or first.address or first.name)

    def start(self, job: Job, caller: str, keys: Path) -> ProcessPerSlot:
        """Start every slot on its host. Raises RunError without ssh."""
        processes: list[subprocess.Popen[bytes]] = []
        for slot, place in enumerate(job.slots):
            words = ssh_words(self._deployment, self._hosts[place.host])
            processes.append(_started([*words, remote_command(self._deployment, job, slot, caller)]))
            send_keys(key_files(keys, slot), processes[-1].stdin)
        lost = f"cannot be reached any more, or could not be: ssh ended with status {_UNREACHABLE}"
        return ProcessPerSlot(processes, {_UNREACHABLE: lost})


def _started(words: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)  # Ctrl-C is ours to handle
    except OSError as error:
        raise RunError(f"cannot start ssh: {error.strerror}; install the system's ssh client") from error
