"""The Slurm that tests run on is real, and ends with its hosts."""

from __future__ import annotations

from .network import Network
from .slurm_cluster import SlurmCluster, needs_slurm

pytestmark = needs_slurm


def test_jobs_run_on_both_nodes_and_nothing_is_left() -> None:
    with Network(2) as network, SlurmCluster(network) as cluster:
        assert sorted(cluster.run("srun", "--nodes=2", "hostname").split()) == ["h0", "h1"]
        heterogeneous = cluster.run("srun", "--quiet", "--nodes=1", ":", "--nodes=1", "hostname")
        assert sorted(heterogeneous.split()) == ["h0", "h1"]
        folder = cluster.folder
        assert folder.exists()
    assert not folder.exists()
