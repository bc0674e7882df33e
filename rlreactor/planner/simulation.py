"""A plan played against machines that are not there."""

from __future__ import annotations

from rlreactor.errors import PlanError
from rlreactor.graph import Graph
from rlreactor.planner.machine import Machine
from rlreactor.planner.model import Frozen
from rlreactor.planner.placement import spread
from rlreactor.planner.prediction import Prediction, bottleneck_text
from rlreactor.planner.profile import Profile
from rlreactor.planner.quantities import bytes_text, number_text, seconds_text

__all__ = ["Simulation", "simulate"]


class Simulation(Frozen):
    """What would come of a topology on a machine.

    Attributes:
        machine: in words.
        reactors: how many there are.
        workers: how many would be used.
        utilisation: lowest, mean and highest of the workers.
        host_bytes_per_second: sent by the host that sends most to others.
        resident_bytes: of the host that needs most.
        prediction: all of it.
    """

    machine: str
    reactors: int
    workers: int
    utilisation: tuple[float, float, float]
    host_bytes_per_second: float
    resident_bytes: int
    prediction: Prediction

    def __str__(self) -> str:
        low, mean, high = (f"{100 * share:.0f} %" for share in self.utilisation)
        rate = self.prediction.ticks_per_second
        return "\n".join([
            f"on {self.machine}: {self.reactors} reactors on {self.workers} workers",
            f"predicted       {number_text(rate)} ticks/s, {seconds_text(1 / rate)} each",
            f"workers busy    {mean} on average, {low} to {high}",
            f"a host sends    {bytes_text(round(self.host_bytes_per_second))}/s at most",
            f"a host keeps    {bytes_text(self.resident_bytes)} resident at most",
            f"a tick goes to  {bottleneck_text(self.prediction)}",
        ])  # fmt: skip


def simulate(graph: Graph, profile: Profile, machine: Machine, workers: int | None = None) -> Simulation:
    """Place the topology on the machine and play it there; by default on as many workers as can be busy at once.

    Raises PlanError where the machine is too small, or the profile does not know a reaction.
    """
    made, prediction = spread(graph, machine, workers, profile)
    host_of = {core.id: core.host for core in machine.cores}
    hosts = [host_of[worker.cores[0]] for worker in made]
    resident: dict[int, int] = {}
    for worker, host in zip(prediction.workers, hosts, strict=True):
        resident[host] = resident.get(host, 0) + worker.resident_bytes
    _check_memory(resident, machine)
    sent = dict.fromkeys(hosts, 0.0)
    for link in prediction.links:
        if hosts[link.source] != hosts[link.target]:
            sent[hosts[link.source]] += link.bytes_per_second
    busy = [worker.utilisation for worker in prediction.workers]
    return Simulation(
        machine=_words(machine),
        reactors=len(graph.reactors),
        workers=len(made),
        utilisation=(min(busy), sum(busy) / len(busy), max(busy)),
        host_bytes_per_second=max(sent.values()),
        resident_bytes=max(resident.values()),
        prediction=prediction,
    )


def _check_memory(resident: dict[int, int], machine: Machine) -> None:
    there = machine.memory // _hosts(machine)
    host = max(resident, key=lambda host: resident[host])
    if resident[host] > there:
        raise PlanError(
            f"host {host} needs {bytes_text(resident[host])} for its workers, but has {bytes_text(there)}; "
            "take fewer workers, more memory, or more hosts"
        )


def _hosts(machine: Machine) -> int:
    return len({core.host for core in machine.cores})


def _words(machine: Machine) -> str:
    hosts = _hosts(machine)
    parts = [f"{hosts} hosts x {len(machine.cores) // hosts} cores" if hosts > 1 else f"{len(machine.cores)} cores"]
    if machine.network is not None:
        network = machine.network
        parts.append(f"{network.bandwidth * 8 / 1e9:g} Gbit/s and {seconds_text(network.latency)} between hosts")
    return ", ".join(parts)
