"""Profiles written by hand, so that every predicted number can be worked out on paper."""

from __future__ import annotations

from rlreactor import Graph
from rlreactor.planner.names import bank_of
from rlreactor.planner.profile import EngineCosts, MemoryProfile, Profile, ReactionProfile

__all__ = ["FREE", "made_up"]

FREE = EngineCosts(passing=0, waiting=0, notice=0, message=0, spinning=0, sleeping=0, shared=0)
"""An engine that takes no time."""


def made_up(
    graph: Graph, costs: dict[str, float], *, engine: EngineCosts = FREE, memory: dict[str, MemoryProfile] | None = None
) -> Profile:
    """Every reaction sets all that it may; seconds by pattern of the reaction, 0 where none are given."""
    reactions = {
        bank_of(node.path): ReactionProfile(
            runs=1,
            seconds=costs.get(bank_of(node.path), 0.0),
            sets={bank_of(port): 1.0 for port in node.effects if port in graph.ports},
        )
        for node in graph.reactions
    }
    return Profile(
        topology="made up", processor="none", tags=1, overhead=0, engine=engine, base_bytes=1 << 20,
        caller_bytes=2 << 20, reactions=reactions, memory=memory or {},
    )  # fmt: skip
