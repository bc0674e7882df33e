"""Microseconds of a 16-byte round trip between two reactors: within one tag, and with a tag for every hop.

Two workers spin where each has a core of its own, take turns where they share their cores, and sleep after a while.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from bench.contestants.rest import REST_NS, rest
from bench.contestants.slices import serve
from bench.contestants.times import percentiles
from rlreactor import TICK, Array, Input, Output, Plan, Reactor, Timer, plan, reaction, run, startup, state

PING = Array(np.int64, (2,))


class AskEveryTag(Reactor):
    tick = Timer(0, TICK)
    question = Output(PING)
    answer = Input(PING)
    sent_ns: int = state(0)
    taken_ns: list[int] = state(factory=list[int])

    @reaction(tick, effects=[question])
    def ask(self) -> None:
        self.sent_ns = time.perf_counter_ns()
        question = self.question.empty()
        question[0] = len(self.taken_ns)
        self.question.set(question)

    @reaction(answer)
    def hear(self) -> None:
        assert self.answer.value[0] == len(self.taken_ns)
        self.taken_ns.append(time.perf_counter_ns() - self.sent_ns)


class AskAfterAnswer(Reactor):
    question = Output(PING)
    answer = Input(PING)
    sent_ns: int = state(0)
    taken_ns: list[int] = state(factory=list[int])

    @reaction(startup, answer, effects=[question])
    def ask(self) -> None:
        now = time.perf_counter_ns()
        if self.answer.present:
            assert self.answer.value[0] == len(self.taken_ns)
            self.taken_ns.append(now - self.sent_ns)
        self.sent_ns = now
        question = self.question.empty()
        question[0] = len(self.taken_ns)
        self.question.set(question)


class Answer(Reactor):
    question = Input(PING)
    answer = Output(PING)

    @reaction(question, effects=[answer])
    def reply(self) -> None:
        answer = self.answer.empty()
        answer[:] = self.question.value
        self.answer.set(answer)


class AskAfterRest(AskEveryTag):
    """The rest of the other side is no part of the trip."""

    @reaction(AskEveryTag.tick, effects=[AskEveryTag.question])
    def ask(self) -> None:
        rest()
        super().ask()

    @reaction(AskEveryTag.answer)
    def hear(self) -> None:
        super().hear()
        self.taken_ns[-1] -= REST_NS


class AnswerAfterRest(Answer):
    @reaction(Answer.question, effects=[Answer.answer])
    def reply(self) -> None:
        rest()
        super().reply()


class WithRests(Reactor):
    def compose(self) -> None:
        self.asker = AskAfterRest()
        self.other = AnswerAfterRest()
        self.connect(self.asker.question, self.other.question)
        self.connect(self.other.answer, self.asker.answer)


class WithinTag(Reactor):
    def compose(self) -> None:
        self.asker = AskEveryTag()
        self.other = Answer()
        self.connect(self.asker.question, self.other.question)
        self.connect(self.other.answer, self.asker.answer)


class TagPerHop(Reactor):
    def compose(self) -> None:
        self.asker = AskAfterAnswer()
        self.other = Answer()
        self.connect(self.asker.question, self.other.question, after=TICK)
        self.connect(self.other.answer, self.asker.answer, after=TICK)


def alone(topology: Reactor) -> Plan:
    """Both reactors in one process."""
    return plan(topology, workers=1)


def spinning(topology: Reactor) -> Plan:
    """A core for each of two workers, which is what the planner does where it can."""
    return plan(topology, workers=2)


def sharing(topology: Reactor) -> Plan:
    """Two workers that share all their cores, so that nobody spins."""
    made = plan(topology, workers=2)
    return _on(made, sorted({core for worker in made.workers for core in worker.cores}))


def one_core(topology: Reactor) -> Plan:
    """The same on a single core, where nobody waits for a resting core to wake up."""
    made = plan(topology, workers=2)
    return _on(made, made.workers[0].cores)


def _on(made: Plan, cores: Sequence[int]) -> Plan:
    workers = tuple(worker.model_copy(update={"cores": tuple(cores)}) for worker in made.workers)
    return made.model_copy(update={"workers": workers})


PLACEMENTS = {"spinning": spinning, "sharing cores": sharing, "sharing one core": one_core, "in process": alone}
FORMS = {"one tag": (WithinTag, 1), "a tag a hop": (TagPerHop, 2)}
"""Topologies, and how many ticks a round trip takes in each."""
OFTEN = {"spinning": 5, "in process": 5}
"""How many times as many trips are made where one takes little: a slice should last longer than a time slice."""
SELDOM = 10
"""How many times fewer are made with rests between them."""


def measure(form: str, placement: str, trips: int) -> dict[str, float] | str:
    """p50 and p99 of a round trip; or why it cannot be had."""
    kind, ticks = FORMS[form]
    topology = kind()
    made = PLACEMENTS[placement](topology)
    cores = [set(worker.cores) for worker in made.workers]
    if placement == "spinning" and cores[0] & cores[1]:
        return "the machine has no two cores to spin on"
    return _measured(topology, made, trips * OFTEN.get(placement, 1), ticks)


def measure_asleep(trips: int) -> dict[str, float]:
    """The same where either side sleeps when the other passes the ball on."""
    return _measured(WithRests(), sharing(WithRests()), trips // SELDOM, 1)


def _measured(topology: Reactor, made: Plan, trips: int, ticks: int) -> dict[str, float]:
    result = run(topology, plan=made, timeout=(trips - 1) * ticks * TICK)
    return percentiles(result.state("asker")["taken_ns"])


ASLEEP = "rlreactor, asleep, one tag"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trips", type=int, default=20_000)
    trips = parser.parse_args().trips
    forms = {
        f"rlreactor, {placement}, {form}": partial(measure, form, placement, trips)
        for placement in PLACEMENTS
        for form in FORMS
    }
    serve({**forms, ASLEEP: partial(measure_asleep, trips)})


if __name__ == "__main__":
    main()
