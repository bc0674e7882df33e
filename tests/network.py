"""Hosts for tests: namespaces of this machine, each with its own network, processes, name and mounts, on one switch.

    with Network(hosts=3) as network:
        first, second, third = network.hosts
        first.run("ping", "-c", "1", second.address)
        network.cut(second)

What runs on a host dies with it, and the hosts die with the test, also when it is killed: every host is one process
tree that the kernel ends with its first process, and that one ends when the test's end of a pipe does. Files are shared
by all hosts, as on a cluster with a network file system.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

__all__ = ["Closing", "Host", "InFolder", "Inside", "Network", "needs_network"]

_NAMESPACES = ("--net", "--uts", "--ipc", "--pid", "--mount")
_HOLD = ("setpriv", "--pdeathsig", "KILL", "unshare", *_NAMESPACES, "--fork", "--kill-child", "--mount-proc")
_FIRST = "hostname {name} && ip link set lo up && echo ready && read -r forever"  # bash buries the host's orphans
_NAMES = """\
file=$(mktemp) && printf %s "$0" >"$file" && chmod 644 "$file" && mount --bind "$file" /etc/hosts && rm "$file"
"""  # the file lives on as what is mounted, and ends with the host
_LONGEST_END_S = 10
_SUBNET = ipaddress.ip_network("10.87.0.0/24")


class Closing:
    """What a `with` closes at its end."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Inside(subprocess.Popen[str]):
    """A process on a host. Its signals reach the process itself, not the one that brought it there."""

    def send_signal(self, sig: int) -> None:
        """To the process; nothing happens once it has ended."""
        ended = self.poll() is not None
        for pid in [] if ended else _children(self.pid) or [self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)


class _Namespaces:
    """One set of namespaces, alive until it is closed or this process ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        command = [*_HOLD, "bash", "-c", _FIRST.format(name=name)]
        piped: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self._holder = Inside(command, text=True, **piped)  # a signal is for its first process, which ends last
        self._processes: list[subprocess.Popen[str]] = [self._holder]
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline()
        if said != "ready\n":
            said += self._holder.stdout.read()
            self.close()
            raise OSError(f"no namespaces for {name}: {said.strip()}")
        self.pid = _children(self._holder.pid)[0]
        self._enter = ["nsenter", f"--target={self.pid}", *_NAMESPACES, "--", "env"]

    def start(self, *words: str | Path, cwd: str | Path | None = None, **options: Any) -> Inside:
        """Start a command in here; `options` are those of `subprocess.Popen`."""
        folder = f"--chdir={Path(cwd or Path.cwd()).absolute()}"
        process = Inside([*self._enter, folder, *map(str, words)], text=True, **options)
        self._processes.append(process)
        return process

    def run(self, *words: str | Path, timeout: float = 30, **options: Any) -> str:
        """What a command in here says. Raises AssertionError with all that it said when it fails."""
        process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        command = f"{self.name}: {' '.join(map(str, words))}"
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate(timeout=_LONGEST_END_S)
            raise AssertionError(f"{command}: not finished after {timeout} s: {said}") from None
        assert process.returncode == 0, f"{command}: {said}"
        return said

    def turn_off(self) -> None:
        """End everything in here at once. When this returns, no process of it is left."""
        self._holder.kill()
        for process in self._processes:
            process.wait()

    def close(self) -> None:
        """End everything in here, and close what was piped."""
        self.turn_off()
        for process in self._processes:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


class Host(_Namespaces):
    """One host: `h0`, `h1`, … with an address that the others reach."""

    def __init__(self, index: int) -> None:
        super().__init__(f"h{index}")
        self.index = index
        self.address = str(_SUBNET[index + 1])

    def listening(self) -> set[str]:
        """Where processes of this host listen for TCP: `address:port`."""
        lines = self.run("ss", "--tcp", "--listening", "--numeric", "--no-header").splitlines()
        return {line.split()[3] for line in lines}


class Network(Closing):
    """`hosts` hosts whose cables end in one switch."""

    def __init__(self, hosts: int = 2) -> None:
        self.hosts: list[Host] = []
        self._switch = _Namespaces("switch")
        try:
            self._switch.run("ip", "link", "add", "switch", "type", "bridge")
            self._switch.run("ip", "link", "set", "switch", "up")
            for index in range(hosts):
                self._add(index, hosts)
        except BaseException:
            self.close()
            raise

    def _add(self, index: int, hosts: int) -> None:
        host = Host(index)
        self.hosts.append(host)
        port = ["ip", "link", "add", "name", f"port{index}", "netns", str(self._switch.pid)]
        cable = [*port, "type", "veth", "peer", "name", "eth0", "netns", str(host.pid)]
        made = subprocess.run(cable, capture_output=True, text=True, check=False)
        if made.returncode:
            raise OSError(f"no cable for {host.name}: {made.stderr.strip()}")
        self._switch.run("ip", "link", "set", f"port{index}", "master", "switch", "up")
        host.run("ip", "address", "add", f"{host.address}/{_SUBNET.prefixlen}", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
        names = "127.0.0.1 localhost\n" + "".join(f"{_SUBNET[i + 1]} h{i}\n" for i in range(hosts))
        host.run("sh", "-c", _NAMES, names)

    def cut(self, host: Host) -> None:
        """Pull the cable of a host: nothing reaches it, nobody is told."""
        self._switch.run("ip", "link", "set", f"port{host.index}", "down")

    def heal(self, host: Host) -> None:
        """Plug it in again."""
        self._switch.run("ip", "link", "set", f"port{host.index}", "up")

    def close(self) -> None:
        """End all hosts and everything on them."""
        for namespaces in (*self.hosts, self._switch):
            namespaces.close()


class InFolder(Closing):
    """What has a folder of its own as long as it lives, for processes on all hosts of a network."""

    def __init__(self, prefix: str, network: Network) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=prefix))
        self.hosts = network.hosts

    def close(self) -> None:
        """End the hosts, whose processes still write into the folder, and forget it."""
        for host in self.hosts:
            host.turn_off()
        shutil.rmtree(self.folder)


@functools.cache
def missing() -> str:
    """Why there can be no hosts on this machine; empty when there can."""
    tools = [tool for tool in ("setpriv", "unshare", "nsenter", "ip", "ss", "bash") if not shutil.which(tool)]
    if tools:
        return f"hosts need {', '.join(tools)} (Debian: util-linux, iproute2)"
    try:
        Network(1).close()
    except (OSError, AssertionError) as problem:
        return f"hosts need namespaces, as root has them: {problem}"
    return ""


needs_network = pytest.mark.skipif(bool(missing()), reason=missing() or "there are hosts")
"""Skips a test, with the reason, where there can be no hosts."""
