"""Hosts of `tests.network` with an ssh server each, and an `ssh` that trusts them.

with Network(3) as network, SshHosts(network) as hosts:
    network.hosts[0].run("ssh", "h1", "hostname", env=hosts.environment)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from .network import InFolder, Network, missing

__all__ = ["SshHosts", "needs_ssh"]

_SSHD = "/usr/sbin/sshd"
_LONGEST_START_S = 10.0
_LOOK_UP_S = 0.02

_SERVER = """\
Port 22
ListenAddress {address}
HostKey {folder}/host-key
AuthorizedKeysFile {folder}/user-key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 100
"""
_CLIENT = """\
IdentityFile {folder}/user-key
IdentitiesOnly yes
UserKnownHostsFile {folder}/known-hosts
GlobalKnownHostsFile none
"""


class SshHosts(InFolder):
    """A server on every host of a network; anybody on them logs in with one key."""

    def __init__(self, network: Network) -> None:
        super().__init__("ssh-of-a-test-", network)
        self.environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        try:
            for name in ("host-key", "user-key"):
                words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
                subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
            self._configure()
            self._start()
        except BaseException:
            self.close()
            raise

    def _configure(self) -> None:
        kind, key, *_ = (self.folder / "host-key.pub").read_text().split()
        names = [f"{host.name},{host.address} {kind} {key}\n" for host in self.hosts]
        (self.folder / "known-hosts").write_text("".join(names))
        (self.folder / "config").write_text(_CLIENT.format(folder=self.folder))
        command = self.folder / "ssh"
        command.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.folder}/config "$@"\n')
        command.chmod(0o755)

    def _start(self) -> None:
        Path("/run/sshd").mkdir(exist_ok=True)
        for host in self.hosts:
            configuration = self.folder / f"sshd-{host.name}"
            configuration.write_text(_SERVER.format(address=host.address, folder=self.folder))
            host.start(_SSHD, "-D", "-e", "-f", configuration, stderr=subprocess.DEVNULL)
        end = time.monotonic() + _LONGEST_START_S
        for host in self.hosts:
            while f"{host.address}:22" not in host.listening():
                assert time.monotonic() < end, f"no ssh server on {host.name}"
                time.sleep(_LOOK_UP_S)


def _reason() -> str:
    tools = [tool for tool in ("ssh", "ssh-keygen", _SSHD) if not shutil.which(tool)]
    return f"no {', '.join(tools)}: make cluster-setup installs them" if tools else missing()


needs_ssh = pytest.mark.skipif(bool(_reason()), reason=_reason() or "there is ssh")
"""Skips a test, with the reason, where there can be no ssh servers."""
