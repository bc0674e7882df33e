"""A real Ray on the hosts of `tests.network`, with its authentication token: one node on each.

    with Network(2) as network, RayCluster(network) as cluster:
        network.hosts[0].run(cluster.python, "-c", "import ray; ray.init('auto')", env=cluster.environment)

Ray lies in the environment that the benchmarks have for it (`make bench-setup`); what the nodes need of rlreactor comes
from this checkout and from the packages of the tests.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest

from .network import Host, InFolder, Network, missing

__all__ = ["RayCluster", "needs_ray"]

_ROOT = Path(__file__).parents[1]
_PYTHON = _ROOT / "bench/.venv-ray/bin/python"
_PORT = 6379
_LONGEST_START_S = 90.0
_LOOK_UP_S = 0.2
_COUNT = "import ray; ray.init('auto', logging_level='ERROR'); print('nodes', sum(n['Alive'] for n in ray.nodes()))"


class RayCluster(InFolder):
    """All hosts of a network as nodes; the first is the head."""

    python = _PYTHON

    def __init__(self, network: Network, *, cores: int = 2) -> None:
        super().__init__("ray-", network)  # short: the paths of Ray's sockets are long
        self.head = self.hosts[0]
        self.address = f"{self.head.address}:{_PORT}"
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{_ROOT}:{sysconfig.get_path('purelib')}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_ADDRESS": self.address,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_DISABLE_IMPORT_WARNING": "1",
        }
        try:
            for host in self.hosts:
                self._start(host, cores)
            self._await_nodes()
        except BaseException:
            self.close()
            raise

    def _start(self, host: Host, cores: int) -> None:
        """Every node has a folder of its own at the same place, as machines have."""
        own = self.folder / host.name
        place = self.folder / "ray"
        own.mkdir()
        place.mkdir(exist_ok=True)
        host.run("mount", "--bind", own, place)
        role = [f"--port={_PORT}", "--head", "--include-dashboard=false", f"--temp-dir={place}"]
        words = role if host is self.head else [f"--address={self.address}"]
        options = ["--block", f"--node-ip-address={host.address}", f"--num-cpus={cores}", "--num-gpus=0",
                   "--object-store-memory=100000000", "--disable-usage-stats"]  # fmt: skip
        with (self.folder / f"{host.name}.log").open("w") as log:
            host.start(
                _PYTHON, "-m", "ray.scripts.scripts", "start", *words, *options,
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _await_nodes(self) -> None:
        end = time.monotonic() + _LONGEST_START_S
        while self.nodes() != len(self.hosts):
            if time.monotonic() > end:
                raise AssertionError(f"Ray: not all nodes are there after {_LONGEST_START_S} s\n{self.logs()}")
            time.sleep(_LOOK_UP_S)

    def nodes(self) -> int:
        """How many nodes are alive."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        said, _ = self.head.start(_PYTHON, "-c", _COUNT, env=self.environment, **pipes).communicate(timeout=60)
        found = [line.split()[1] for line in said.splitlines() if line.startswith("nodes ")]
        return int(found[0]) if found else 0

    def logs(self) -> str:
        """The ends of what the nodes said."""
        return "\n".join(f"--- {file.name}\n{file.read_text()[-3000:]}" for file in self.folder.glob("*.log"))


def _reason() -> str:
    return missing() if _PYTHON.exists() else "no Ray in bench/.venv-ray: make bench-setup installs it"


needs_ray = pytest.mark.skipif(bool(_reason()), reason=_reason() or "there is Ray")
"""Skips a test, with the reason, where there can be no Ray."""
