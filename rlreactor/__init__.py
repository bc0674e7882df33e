"""rlreactor: reactors with deterministic logical time, placed on cores and GPUs, for reinforcement learning.

The engine is self-contained: nothing here imports torch or gymnasium. `rlreactor.reactors`, `rlreactor.topologies`
and `rlreactor.algos` build reinforcement learning on top of it.
"""

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
from rlreactor.planner.placement import plan
from rlreactor.planner.plan import Plan
from rlreactor.port import Input, Inputs, Output, Outputs
from rlreactor.reactions import reaction
from rlreactor.reactor import Reactor
from rlreactor.runtime.result import Result
from rlreactor.runtime.run import run
from rlreactor.spec import Array, Struct
from rlreactor.state_field import state
from rlreactor.tag import TICK, Tag, ms, ns, sec, us
from rlreactor.timer import Timer

__version__ = "0.1.0"

__all__ = [
    "TICK",
    "AbsentError",
    "Action",
    "Array",
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
