"""Microseconds a message of a stream over TCP on the loopback, from one worker to another, without and with keys.

With keys each worker is on a host of a deployment, both of them on this machine; without, they only share no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.contestants.edge import measure
from bench.contestants.rlreactor_stream import WARM_UP, Stream
from rlreactor import TICK, plan, run
from rlreactor.deployment.caller import deploy
from rlreactor.deployment.compile import compile_deployment, job_of
from rlreactor.deployment.spec import Deployment, Host, RunSpec, TopologySpec
from rlreactor.runtime.result import Result

__all__ = ["OURS", "OURS_WITH_KEYS"]

OURS, OURS_WITH_KEYS = "rlreactor, tcp", "rlreactor, tcp with keys"


def without_keys(nbytes: int, messages: int) -> Result:
    topology = Stream(nbytes=nbytes, copied=False)
    made = plan(topology, workers=2, carrier="tcp")
    return run(topology, plan=made, timeout=(WARM_UP + messages - 1) * TICK, fingerprint=False)


def with_keys(nbytes: int, messages: int) -> Result:
    reference = f"{Stream.__module__}:{Stream.__qualname__}"
    deployment = Deployment(
        topology=TopologySpec.model_validate({"class": reference, "parameters": {"nbytes": nbytes, "copied": False}}),
        hosts=(Host(name="one", cores=1), Host(name="other", cores=1)),
        run=RunSpec(timeout=(WARM_UP + messages - 1) * TICK, fingerprint=False),
    )
    return deploy(job_of(compile_deployment(deployment), "local"))


STREAMS: dict[str, Callable[[int, int], Result]] = {OURS: without_keys, OURS_WITH_KEYS: with_keys}


def microseconds(stream: Callable[[int, int], Result], nbytes: int, messages: int) -> float:
    """Per message, of `messages` of them."""
    receiver = stream(nbytes, messages).state("receiver")
    assert receiver["count"] == WARM_UP + messages
    return float(receiver["ended_ns"] - receiver["begun_ns"]) / messages * 1e-3


def main() -> None:
    measure(__doc__, {name: partial(microseconds, stream) for name, stream in STREAMS.items()})


if __name__ == "__main__":
    main()
