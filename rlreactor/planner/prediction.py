"""How fast a plan will be, how busy its workers, how much memory and traffic: from what a profile measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rlreactor.graph import Graph
from rlreactor.planner.machine import Machine
from rlreactor.planner.model import Frozen
from rlreactor.planner.playing import Played, play
from rlreactor.planner.profile import Profile
from rlreactor.planner.schedule import Firing, schedule
from rlreactor.planner.sites import Site, sites

__all__ = ["LinkPrediction", "Prediction", "Predictor", "Share", "WorkerPrediction", "bottleneck_text"]

_SHORTEST_S = 1e-9  # what reactions that cost nothing take all the same
_AFFORDABLE = 400_000  # firings
_LISTED = 4  # shares of the critical path; the rest is small


class WorkerPrediction(Frozen):
    """One worker: tags per second, the share of time in which it computes, resident bytes of its own."""

    ticks_per_second: float
    utilisation: float
    resident_bytes: int


class LinkPrediction(Frozen):
    """Bytes per second from one worker to another."""

    source: int
    target: int
    bytes_per_second: float


class Share(Frozen):
    """What part of a tick something takes that cannot overlap with anything else."""

    name: str
    share: float


class Prediction(Frozen):
    """What to expect, start and stop left aside.

    Attributes:
        ticks_per_second: tags of the whole program.
        workers: by index.
        links: those that carry anything.
        bottleneck: what a tick's time goes to, the largest first: reactions, the engine, links.
        slowest: the worker that most of it goes to.
    """

    ticks_per_second: float
    workers: tuple[WorkerPrediction, ...]
    links: tuple[LinkPrediction, ...] = ()
    bottleneck: tuple[Share, ...] = ()
    slowest: int = 0

    @property
    def resident_bytes(self) -> int:
        """Of all workers."""
        return sum(worker.resident_bytes for worker in self.workers)


def bottleneck_text(prediction: Prediction) -> str:
    """`learner.learn 62 %, actors[].collect 30 %`, and where most of it happens."""
    shares = ", ".join(f"{share.name} {100 * share.share:.0f} %" for share in prediction.bottleneck)
    return f"{shares or 'nothing'}; most of it on worker {prediction.slowest}"


class Predictor:
    """Predicts for one topology, whatever the placement. Raises PlanError where the profile lacks a reaction."""

    def __init__(self, graph: Graph, profile: Profile, machine: Machine) -> None:
        self._graph = graph
        self._profile = profile
        self._machine = machine
        self._firings: list[Firing] = schedule(graph, profile)

    def costs(self) -> dict[str, float]:
        """Reactor → seconds of computing per tag, the engine's share included."""
        seconds: defaultdict[str, float] = defaultdict(float)
        for firing in self._firings:
            node = self._graph.reactions[firing.rank]
            if not {"startup", "shutdown"}.issuperset(node.triggers):
                seconds[node.reactor] += self._profile.reaction(node.path).seconds + self._profile.overhead
        tags = self._firings[-1].tag_number + 1 if self._firings else 1
        busy = dict.fromkeys((node.reactor for node in self._graph.reactions), 0.0)
        return busy | {path: total / tags for path, total in seconds.items()}

    @property
    def affordable_trials(self) -> int:
        """How many placements can be played in about two seconds."""
        return _AFFORDABLE // max(1, len(self._firings))

    def tick_seconds(self, reactors: Sequence[Sequence[str]], cores: Sequence[Sequence[int]]) -> float:
        """Seconds per tag with these reactors and cores for each worker."""
        played = self._play(reactors, sites(self._machine, cores))
        return max(self._seconds(played), _SHORTEST_S) / max(1, played.tags)

    def predict(self, reactors: Sequence[Sequence[str]], cores: Sequence[Sequence[int]]) -> Prediction:
        """All that is to be expected."""
        played = self._play(reactors, sites(self._machine, cores))
        seconds = max(self._seconds(played), _SHORTEST_S)
        path = sum(played.shares.values()) or 1.0
        largest = sorted(played.shares.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]
        return Prediction(
            ticks_per_second=played.tags / seconds,
            workers=tuple(
                WorkerPrediction(
                    ticks_per_second=tags / seconds,
                    utilisation=min(1.0, busy / seconds),
                    resident_bytes=self._profile.resident(own, alone=len(reactors) == 1),
                )
                for own, tags, busy in zip(reactors, played.worker_tags, played.busy, strict=True)
            ),
            links=tuple(
                LinkPrediction(source=source, target=target, bytes_per_second=sent / seconds)
                for (source, target), sent in sorted(played.sent.items())
            ),
            bottleneck=tuple(Share(name=name, share=time / path) for name, time in largest if time > 0),
            slowest=max(played.critical, key=lambda w: (played.critical[w], -w), default=0),
        )

    def _play(self, reactors: Sequence[Sequence[str]], where: Sequence[Site]) -> Played:
        place = {path: worker for worker, own in enumerate(reactors) for path in own}
        return play(self._graph, self._profile, self._firings, place, where, self._machine.network)

    def _seconds(self, played: Played) -> float:
        """A quota grants so much computing in a second and no more."""
        quota = self._machine.quota if self._machine.quota_binds else None
        return played.seconds if quota is None else max(played.seconds, sum(played.busy) / quota)
