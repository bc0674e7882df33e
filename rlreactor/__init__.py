"""rlreactor: reactors with deterministic logical time, placed on cores and GPUs, for reinforcement learning.

The engine is self-contained: nothing here imports torch or gymnasium. `rlreactor.reactors`, `rlreactor.topologies`
and `rlreactor.algos` build reinforcement learning on top of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rlreactor import compiled

compiled.choose()  # before anything that may be compiled is imported

from rlreactor.action import Action
from rlreactor.connection import broadcast, interleaved
from rlreactor.errors import (
    AbsentError,
    LinkError,
    PlanError,
    ReactorError,
    RunError,
    SpecError,
    TopologyError,
)
from rlreactor.graph import Graph, check
from rlreactor.lifecycle import shutdown, startup
from rlreactor.mode import Mode
from rlreactor.physical_action import PhysicalAction
from rlreactor.port import Input, Inputs, Output, Outputs
from rlreactor.reactions import reaction
from rlreactor.reactor import Reactor
from rlreactor.spec import Array, Struct
from rlreactor.state_field import state
from rlreactor.tag import TICK, Tag, ms, ns, sec, us
from rlreactor.timer import Timer

if TYPE_CHECKING:
    from rlreactor.deployment.spec import Deployment
    from rlreactor.planner.placement import plan
    from rlreactor.planner.plan import Plan
    from rlreactor.runtime.result import Result
    from rlreactor.runtime.run import run

__version__ = "0.1.0"

__all__ = [
    "TICK",
    "AbsentError",
    "Action",
    "Array",
    "Deployment",
    "Graph",
    "Input",
    "Inputs",
    "LinkError",
    "Mode",
    "Output",
    "Outputs",
    "PhysicalAction",
    "Plan",
    "PlanError",
    "Reactor",
    "ReactorError",
    "Result",
    "RunError",
    "SpecError",
    "Struct",
    "Tag",
    "Timer",
    "TopologyError",
    "broadcast",
    "check",
    "interleaved",
    "ms",
    "ns",
    "plan",
    "reaction",
    "run",
    "sec",
    "shutdown",
    "startup",
    "state",
    "us",
]

# Planner, runtime and deployment are loaded when first used: declaring a topology needs none, and they would more than
# double what the import adds to numpy's.
_LATE = {
    "Deployment": "rlreactor.deployment.spec",
    "Plan": "rlreactor.planner.plan",
    "Result": "rlreactor.runtime.result",
    "plan": "rlreactor.planner.placement",
    "run": "rlreactor.runtime.run",
}

if not TYPE_CHECKING:  # a type checker that sees it takes every misspelt name for one that is loaded late

    def __getattr__(name: str) -> Any:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_LATE[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
