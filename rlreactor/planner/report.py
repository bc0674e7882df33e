"""A plan as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rlreactor.planner.names import shortened
from rlreactor.planner.prediction import bottleneck_text
from rlreactor.planner.quantities import bytes_text, number_text, seconds_text

if TYPE_CHECKING:
    from rlreactor.planner.plan import EdgePlan, Plan, WorkerPlan

__all__ = ["number_ranges", "report", "table"]

_WORKERS = ("worker", "cores", "threads", "gpus", "load", "reactors")
_EDGES = ("edge", "from", "to", "carrier", "slots", "message", "reserved")


def report(plan: Plan) -> str:
    """Workers, edges, memory, what is predicted, and notes."""
    paragraphs = [_headline(plan), _worker_table(plan)]
    if plan.edges:
        paragraphs.append(table(_EDGES, _edge_rows(plan.edges)))
    paragraphs.append(f"shared memory: {bytes_text(plan.memory_bytes)}")
    paragraphs.append(_prediction(plan))
    paragraphs += ["\n".join(f"note: {note}" for note in plan.notes)] if plan.notes else []
    return "\n\n".join(paragraphs)


def _headline(plan: Plan) -> str:
    reactors = sum(len(worker.reactors) for worker in plan.workers)
    hosts = f" of {_count(len(plan.hosts), 'host')}" if plan.hosts else ""
    return (
        f"{plan.topology}: {_count(reactors, 'reactor')} on {_count(len(plan.workers), 'worker')}{hosts}, "
        f"{_count(len(plan.edges), 'edge')} between workers"
    )


def _prediction(plan: Plan) -> str:
    prediction = plan.prediction
    if prediction is None:
        return "predicted: unknown; rlreactor plan --profile measures what it takes to predict"
    rate = prediction.ticks_per_second
    lines = [f"predicted: {number_text(rate)} ticks/s; a tick goes to {bottleneck_text(prediction)}"]
    lines += [
        f"  worker {index}: {100 * worker.utilisation:.0f} % busy, {bytes_text(worker.resident_bytes)} resident"
        for index, worker in enumerate(prediction.workers)
    ]
    lines += [
        f"  {link.source} → {link.target}: {bytes_text(round(link.bytes_per_second))}/s" for link in prediction.links
    ]
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _worker_table(plan: Plan) -> str:
    """With a column for the host, where there are several."""
    header: list[str] = list(_WORKERS)
    rows = [list(_worker_row(worker)) for worker in plan.workers]
    if plan.hosts:
        for line, host in zip([header, *rows], ["host", *(worker.host or "-" for worker in plan.workers)], strict=True):
            line.insert(1, host)
    return table(header, rows)


def _worker_row(worker: WorkerPlan) -> tuple[str, ...]:
    reactors = shortened(path or "(topology)" for path in worker.reactors)
    return (
        str(worker.index),
        number_ranges(worker.cores) or "any",
        str(worker.threads),
        number_ranges(worker.gpus) or "-",
        "unknown" if worker.load is None else seconds_text(worker.load),
        ", ".join(reactors),
    )


def _edge_rows(edges: Iterable[EdgePlan]) -> list[tuple[str, ...]]:
    """One row a bank: its members differ in nothing else."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for edge in edges:
        alike.setdefault(_edge_facts(edge), []).append(edge.source)
    return [(name, *facts) for facts, paths in alike.items() for name in shortened(paths)]


def _edge_facts(edge: EdgePlan) -> tuple[str, ...]:
    return (
        str(edge.worker),
        number_ranges(edge.readers),
        edge.carrier,
        str(edge.slots) if edge.slots else "-",
        bytes_text(edge.message_bytes) if edge.message_bytes else "varies",
        bytes_text(edge.slots * edge.slot_bytes) if edge.slots else "-",
    )


def number_ranges(numbers: Sequence[int]) -> str:
    """`0-3,8` for 0, 1, 2, 3, 8."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in parts)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of text, as wide as they have to be."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = ((cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)
