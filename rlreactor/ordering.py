"""The order of reactions within a tag: what sets a port comes before what reads it; a circle has no order.

Among reactions that are ready the earliest deadline goes first, then the level, then the declaration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from rlreactor.declaration import ReactionSignature
from rlreactor.dynamic import is_a
from rlreactor.port import Element, Output, Port
from rlreactor.reactor import Reactor
from rlreactor.tag import NO_DELAY, Delay
from rlreactor.wiring import Writer, name_of

__all__ = ["Ordering"]

Roots = Mapping[str, tuple[Port[Any], Delay]]


class Ordering:
    """What has to come before what at a tag.

    Args:
        nodes: every reaction's path, reactor and signature, in the order of their declaration.
        references: by reaction and role, what it names.
        writers: by the id of a port, the reactions that set it.
        incoming: by the id of a port, where its values come from.
        violations: grows by what is found.
    """

    def __init__(
        self,
        nodes: Sequence[tuple[str, Reactor, ReactionSignature]],
        references: Mapping[str, Mapping[str, list[Element]]],
        writers: Mapping[int, list[str]],
        incoming: Mapping[int, Writer],
        violations: list[str],
    ) -> None:
        self._nodes = nodes
        self._references = references
        self._writers = writers
        self._incoming = incoming
        self._violations = violations

    def order(self, roots: Roots) -> list[tuple[int, int, str]]:
        """(level, declaration, path) of every reaction, in order; a cycle becomes a violation.

        The earliest deadline goes first among reactions that are ready, so it comes before the level: what has to run
        before a reaction has inherited its deadline.
        """
        before = self._dependencies(roots)
        levels: dict[str, int] = {}
        try:
            for path in TopologicalSorter({p: list(b) for p, b in before.items()}).static_order():
                levels[path] = max((levels[b] + 1 for b in before[path]), default=0)
        except CycleError as error:
            self._report_cycle(error.args[1], before)
            return []
        deadlines = self._inherited_deadlines(before, levels)
        order = sorted((deadlines[path], levels[path], i, path) for i, (path, _, _) in enumerate(self._nodes))
        return [(level, i, path) for _, level, i, path in order]

    def _dependencies(self, roots: Roots) -> dict[str, dict[str, str]]:
        """Reaction → the reactions that must come before it at a tag, each with the reason.

        A reaction that reads back an output of its own reactor sees only what earlier reactions set.
        """
        order = {path: index for index, (path, _, _) in enumerate(self._nodes)}
        before: dict[str, dict[str, str]] = {path: {} for path, _, _ in self._nodes}
        previous: dict[str, str] = {}
        for path, reactor, _ in self._nodes:
            if reactor.path in previous:
                before[path][previous[reactor.path]] = f"comes before it in {name_of(reactor)}"
            previous[reactor.path] = path
            for element in self._references[path]["triggers"] + self._references[path]["reads"]:
                root, delay = roots.get(element.path, (None, NO_DELAY))
                if root is None or delay != NO_DELAY:
                    continue
                for writer in self._writers.get(id(root), ()):
                    readback = root is element and element.owner is reactor and is_a(element, Output)
                    if not (readback and order[writer] >= order[path]):
                        before[path][writer] = self._sets(root, element)
        return before

    def _sets(self, root: Port[Any], port: Element) -> str:
        """That a reaction sets `root`, which another one reads as `port`, with the connections between."""
        if root is port:
            return f"sets {root.path}"
        writer = self._incoming.get(id(port))
        return f"sets {root.path}, connected to {port.path}" + (f" at {writer.where}" if writer else "")

    def _inherited_deadlines(self, before: dict[str, dict[str, str]], levels: dict[str, int]) -> dict[str, float]:
        """The earliest deadline of a reaction and of everything that waits for it at a tag."""
        deadlines = {path: math.inf if s.deadline is None else float(s.deadline) for path, _, s in self._nodes}
        for path in sorted(deadlines, key=lambda p: -levels[p]):
            for earlier in before[path]:
                deadlines[earlier] = min(deadlines[earlier], deadlines[path])
        return deadlines

    def _report_cycle(self, cycle: list[str], before: dict[str, dict[str, str]]) -> None:
        where = {path: signature.where for path, _, signature in self._nodes}
        start = min(range(len(cycle) - 1), key=lambda i: cycle[i])
        turned = cycle[start:-1] + cycle[: start + 1]
        steps = [f"  {a} ({where[a]}) {before[b].get(a, '')}" for a, b in pairwise(turned)]
        self._violations.append(
            "a cycle without delay:\n" + "\n".join(steps) + f"\n  {turned[-1]}: back at the start\n"
            "break it with after=... on one of the connections, with an action, or by reordering the reactions"
        )
