"""What a plan promised beside what a run measured, and the cores that the kernel really gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rlreactor.planner.plan import Plan
from rlreactor.planner.quantities import bytes_text, number_text
from rlreactor.planner.report import number_ranges, table

__all__ = ["Compared", "affinity_warnings", "compared", "comparison_text"]

_HEADER = ("", "", "predicted", "measured")


class Compared(NamedTuple):
    """One quantity of one worker or link. `predicted` is None where the plan predicts nothing."""

    where: str
    quantity: str
    predicted: float | None
    measured: float

    @property
    def ratio(self) -> float | None:
        """Measured by predicted."""
        return self.measured / self.predicted if self.predicted else None


def compared(plan: Plan, workers: Sequence[Mapping[str, Any]]) -> list[Compared]:
    """Of every worker its tags per second, the share of time that it computed, and its resident bytes; of every link
    its bytes per second. Start and stop are left aside, as far as readings every few milliseconds tell them apart."""
    return [*_of_workers(plan, workers), *_of_links(plan, workers)]


def _of_workers(plan: Plan, workers: Sequence[Mapping[str, Any]]) -> Iterator[Compared]:
    for index, measured in enumerate(workers):
        steady = measured["steady"]
        rate = steady["tags"] / steady["seconds"] if steady["seconds"] else 0.0
        expected = None if plan.prediction is None else plan.prediction.workers[index]
        where = f"worker {index}"
        yield Compared(where, "ticks/s", None if expected is None else expected.ticks_per_second, rate)
        yield Compared(where, "busy", None if expected is None else expected.utilisation, steady["utilisation"])
        resident = None if expected is None else float(expected.resident_bytes)
        yield Compared(where, "resident", resident, float(measured["resident_bytes"]))


def _of_links(plan: Plan, workers: Sequence[Mapping[str, Any]]) -> Iterator[Compared]:
    links = () if plan.prediction is None else plan.prediction.links
    expected = {(link.source, link.target): link.bytes_per_second for link in links}
    for source, measured in enumerate(workers):
        steady = measured["steady"]
        # All tags send alike; so the bytes of a typical second are those of a tag, as often as there are tags.
        rate = steady["tags"] / steady["seconds"] if steady["seconds"] else 0.0
        for target, sent in sorted(measured["sent_bytes"].items()):
            per_second = sent / max(1, measured["tags"]) * rate
            if (source, target) in expected or plan.prediction is None:
                yield Compared(f"{source} → {target}", "bytes/s", expected.get((source, target)), per_second)


def comparison_text(plan: Plan, workers: Sequence[Mapping[str, Any]]) -> str:
    """A table, and a warning for every worker that did not get the cores that the plan gave it."""
    rows = [(row.where, row.quantity, _shown(row, row.predicted), _shown(row, row.measured))
            for row in compared(plan, workers)]  # fmt: skip
    shared = ("all workers", "shared memory", bytes_text(plan.memory_bytes), bytes_text(plan.memory_bytes))
    rows += [shared] if plan.memory_bytes else []
    rows += [(f"worker {index}", "cores", number_ranges(planned.cores) or "any", number_ranges(measured["cores"]))
             for index, (planned, measured) in enumerate(zip(plan.workers, workers, strict=True))]  # fmt: skip
    return "\n".join([table(_HEADER, rows), *affinity_warnings(plan, workers)])


def _shown(row: Compared, value: float | None) -> str:
    if value is None:
        return "unknown"
    if row.quantity == "busy":
        return f"{100 * value:.0f} %"
    if row.quantity == "ticks/s":
        return number_text(value)
    return bytes_text(round(value)) + ("/s" if row.quantity == "bytes/s" else "")


def affinity_warnings(plan: Plan, workers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who was to run on certain cores and got others. One worker alone stays where its caller is."""
    if len(plan.workers) < 2:
        return []
    return [
        f"warning: worker {index} was to run on cores {number_ranges(planned.cores)}, but the kernel gave it "
        f"{number_ranges(measured['cores'])}"
        for index, (planned, measured) in enumerate(zip(plan.workers, workers, strict=True))
        if planned.cores and tuple(measured["cores"]) != planned.cores
    ]
