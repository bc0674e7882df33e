"""Deployments that several tests use."""

from __future__ import annotations

from rlreactor.deployment.read import parse_deployment
from rlreactor.deployment.spec import Deployment

__all__ = ["FULL", "FULL_TOML", "deployment"]

FULL = """\
name: cartpole
topology:
  class: tests.planner.topologies:Train
  parameters:
    rollouts: 6
hosts:
  - name: learner
    cores: 2
    memory: 8 GiB
    gpus: 1
    address: 10.0.0.1
    ports: 5000-5099
  - name: left
    cores: 4
    address: left.example
    data_address: 10.0.1.2
  - name: right
    cores: 4
    address: right.example
constraints:
  - reactors: learner
    host: learner
    gpu: 1
  - reactors: actors[*]
    threads: 2
links:
  keys: fresh
  window: 256 KiB
  unreachable_seconds: 30
run:
  seed: 7
  timeout: 20 ms
  metrics: metrics.jsonl
engine: ssh
slurm:
  partition: gpu
  time: "1-00:00:00"
kubernetes:
  image: registry.example/train:1
"""

FULL_TOML = """\
name = "cartpole"
engine = "ssh"

[topology]
class = "tests.planner.topologies:Train"
parameters.rollouts = 6

[[hosts]]
name = "learner"
cores = 2
memory = "8 GiB"
gpus = 1
address = "10.0.0.1"
ports = "5000-5099"

[[hosts]]
name = "left"
cores = 4
address = "left.example"
data_address = "10.0.1.2"

[[hosts]]
name = "right"
cores = 4
address = "right.example"

[[constraints]]
reactors = "learner"
host = "learner"
gpu = 1

[[constraints]]
reactors = "actors[*]"
threads = 2

[links]
keys = "fresh"
window = "256 KiB"
unreachable_seconds = 30

[run]
seed = 7
timeout = "20 ms"
metrics = "metrics.jsonl"

[slurm]
partition = "gpu"
time = "1-00:00:00"

[kubernetes]
image = "registry.example/train:1"
"""


def deployment(text: str = FULL) -> Deployment:
    """Out of YAML."""
    return parse_deployment(text.encode(), "train.yaml")
