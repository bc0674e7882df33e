"""The Ray that tests run on has two nodes, asks for its token, and ends with its hosts."""

from __future__ import annotations

import os

import pytest

from .network import Network
from .ray_cluster import RayCluster, needs_ray

pytestmark = [
    needs_ray,
    pytest.mark.skipif(not os.environ.get("RLREACTOR_CLUSTERS"), reason="takes long: set RLREACTOR_CLUSTERS=1"),
]


def test_two_nodes_for_those_who_have_the_token() -> None:
    with Network(2) as network, RayCluster(network) as cluster:
        assert cluster.nodes() == 2
        cluster.environment["RAY_AUTH_TOKEN"] = "0" * 64
        assert cluster.nodes() == 0
        folder = cluster.folder
    assert not folder.exists()
