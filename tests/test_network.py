"""The hosts that tests run on are as apart as real ones, and leave nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .network import Host, InFolder, Inside, Network, needs_network

pytestmark = needs_network

_SERVE = "import socket; s = socket.create_server(('', 7000)); print('ready', flush=True)\nwhile True: s.accept()"
_CALL = "import socket; socket.create_connection(('h1', 7000), timeout=float('{timeout}'))"


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(hosts=2) as network:
        yield network


def serve(host: Host) -> Inside:
    server = host.start(sys.executable, "-c", _SERVE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    return server


def call(host: Host, timeout: float) -> None:
    host.run(sys.executable, "-c", _CALL.format(timeout=timeout))


def processes(host: Host) -> list[str]:
    return host.run("sh", "-c", "cat /proc/[0-9]*/comm").splitlines()


def test_hosts_reach_each_other_by_name_until_the_cable_is_cut(network: Network) -> None:
    first, second = network.hosts
    server = serve(second)
    assert second.listening() == {"0.0.0.0:7000"}
    assert first.listening() == set()
    call(first, timeout=5)
    network.cut(second)
    with pytest.raises(AssertionError, match=r"TimeoutError: timed out"):
        call(first, timeout=0.3)
    network.heal(second)
    call(first, timeout=5)
    server.kill()
    assert server.wait() == -signal.SIGKILL


def test_a_host_has_its_own_name_and_processes(network: Network) -> None:
    first, second = network.hosts
    assert first.run("hostname").strip() == "h0"
    assert first.run("cat", "/etc/hosts") == "127.0.0.1 localhost\n10.87.0.1 h0\n10.87.0.2 h1\n"
    sleeping = second.start("sleep", "60")
    while "sleep" not in processes(second):
        assert sleeping.poll() is None
    assert "sleep" not in processes(first)
    second.turn_off()
    assert sleeping.returncode != 0


def test_hosts_and_what_runs_there_die_with_the_test(tmp_path: Path) -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from tests.network import Network; network = Network(1);"
        "network.hosts[0].start('bash', '-c', 'touch $0; setsid sleep 4242', sys.argv[2]);"
        "\nwhile not os.path.exists(sys.argv[2]): pass\nprint(network.hosts[0].pid); os.kill(os.getpid(), 9)"
    )
    root = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", code, root, str(tmp_path / "started")]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    first = Path(f"/proc/{int(said)}/stat")
    for _ in range(10_000):
        if not first.exists() or first.read_text().split()[2] == "Z":
            return
        signal.sigtimedwait([], 0.001)
    pytest.fail("the host outlived its test")


def test_a_folder_is_gone_though_hosts_made_it_again_to_the_end(network: Network) -> None:
    forever = '(while :; do mkdir -p "$0/$1"; done) >/dev/null 2>&1 & echo making'
    with InFolder("made-by-a-test-", network) as made:
        for host in network.hosts:
            assert host.run("bash", "-c", forever, made.folder, host.name) == "making\n"
    network.close()
    assert not made.folder.exists()
