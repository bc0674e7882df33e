"""What is predicted from costs that are known: sums where reactors take turns, the longest where they overlap."""

from __future__ import annotations

import numpy as np
import pytest

from rlreactor import TICK, Array, Inputs, Output, Plan, PlanError, Reactor, Timer, check, plan, reaction, run
from rlreactor.planner.machine import Machine
from rlreactor.planner.prediction import Prediction
from rlreactor.planner.profile import EngineCosts, MemoryProfile, ScheduleProfile
from rlreactor.planner.schedule import schedule

from .profiles import FREE, made_up
from .topologies import Chain, Clocks, Lagging, Pairs, Rally, SelfDriven, Source, Stage, Train

COSTS = {"actors[].collect": 2.0, "learner.learn": 3.0}
TWO = Machine.made_up(2)


class Pipe(Reactor):
    """Four stages behind a clock."""

    def compose(self) -> None:
        self.source = Source(period=TICK)
        self.stage = [Stage() for _ in range(4)]
        outputs = [self.source.out, *(stage.out for stage in self.stage)]
        self.connect(outputs[:-1], [stage.into for stage in self.stage])


def predicted(made: Plan) -> Prediction:
    assert made.prediction is not None
    return made.prediction


@pytest.mark.parametrize(
    ("ahead", "workers", "seconds"),
    [
        (0, 1, 4 * 2 + 3),  # one after another
        (0, 2, 2 * 2 + 3),  # rollouts side by side, then the learner
        (0, 4, 2 + 3),
        (1, 2, 6),  # the learner overlaps with the rollouts of the next tick: 8 + 3 evenly is not possible
        (1, 5, 3),  # the learner sets the pace
    ],
)
def test_without_lag_the_learner_adds_and_with_lag_it_overlaps(ahead: int, workers: int, seconds: float) -> None:
    graph = check(Lagging(rollouts=4, ahead=ahead))
    made = plan(graph, Machine.made_up(8), workers, profile=made_up(graph, COSTS))
    assert 1 / predicted(made).ticks_per_second == pytest.approx(seconds, rel=0.05)


def test_the_learner_with_lag_gets_a_worker_and_whoever_reads_it_at_once_is_with_it() -> None:
    graph = check(Lagging(rollouts=2, ahead=1))
    made = plan(graph, TWO, profile=made_up(graph, {"actors[].collect": 1.0, "learner.learn": 2.0}))
    assert [worker.reactors for worker in made.workers] == [("", "actors[0]", "actors[1]"), ("learner", "evaluator")]
    assert [worker.utilisation for worker in predicted(made).workers] == pytest.approx([1, 1], rel=0.02)


def test_messages_cost_what_the_engine_takes_for_them() -> None:
    engine = EngineCosts(passing=0, waiting=0, notice=0.5, message=0.25, spinning=1.0, sleeping=2.0, shared=4.0)
    graph = check(Rally())
    profile = made_up(graph, {"table.hit": 10.0, "wall.pass_on": 10.0}, engine=engine)
    apart = 1 / predicted(plan(graph, TWO, 2, profile=profile)).ticks_per_second
    assert apart == pytest.approx(10 + 0.5 + 0.25 + 1.0)  # a ball each tag: react, tell, send and read, be under way
    together = 1 / predicted(plan(graph, TWO, 1, profile=profile)).ticks_per_second
    assert together == pytest.approx(10.0)
    shared = 1 / predicted(plan(graph, Machine.made_up(1), 2, profile=profile)).ticks_per_second
    assert shared == pytest.approx(10 + 0.5 + 0.25 + 4.0)


def test_a_reader_that_waits_for_long_has_gone_to_sleep() -> None:
    engine = EngineCosts(passing=0, waiting=0, notice=0, message=0, spinning=0.125, sleeping=0.25, shared=0.5)
    graph = check(Rally())
    for seconds, hop in ((1.0, 0.125), (4.0, 0.25)):
        profile = made_up(graph, {"table.hit": seconds, "wall.pass_on": seconds}, engine=engine)
        apart = 1 / predicted(plan(graph, TWO, 2, profile=profile)).ticks_per_second
        assert apart == pytest.approx(seconds + hop)


def test_where_cores_of_uneven_pace_wait_for_each_other_the_slower_one_counts() -> None:
    uneven = FREE.model_copy(update={"unevenness": 0.5})
    at_once, in_turns = check(Train(rollouts=2)), check(Rally())
    rollouts, both = {"actors[].collect": 1.0}, {"table.hit": 1.0, "wall.pass_on": 1.0}
    for graph, costs, alone, apart in ((at_once, rollouts, 2.0, 1.25), (in_turns, both, 1.0, 1.0)):
        profile = made_up(graph, costs, engine=uneven)
        ticks = [1 / predicted(plan(graph, TWO, count, profile=profile)).ticks_per_second for count in (1, 2)]
        assert ticks == pytest.approx([alone, apart], rel=0.06)


def test_who_waits_for_nobody_is_as_fast_as_on_average() -> None:
    graph = check(Clocks(count=2))
    profile = made_up(graph, {"clock[].work": 1.0}, engine=FREE.model_copy(update={"unevenness": 0.5}))
    assert predicted(plan(graph, TWO, 2, profile=profile)).ticks_per_second == pytest.approx(1.0, rel=0.03)


def test_a_profile_from_before_unevenness_was_measured_still_holds() -> None:
    known = FREE.model_dump(exclude={"unevenness"})
    assert EngineCosts.model_validate(known).unevenness == 0


def test_workers_that_share_a_core_take_turns() -> None:
    graph = check(Clocks(count=4))
    profile = made_up(graph, {"clock[].work": 1.0})
    rates = [predicted(plan(graph, TWO, count, profile=profile)).ticks_per_second for count in (1, 2, 4)]
    assert rates == pytest.approx([1 / 4, 1 / 2, 1 / 2])
    four = predicted(plan(graph, TWO, 4, profile=profile))
    assert [worker.utilisation for worker in four.workers] == pytest.approx([0.5] * 4)


def test_a_quota_grants_so_much_time_and_no_more() -> None:
    graph = check(Clocks(count=4))
    profile = made_up(graph, {"clock[].work": 1.0})
    machine = Machine.made_up(4, quota=1.5)
    assert predicted(plan(graph, machine, 4, profile=profile)).ticks_per_second == pytest.approx(1.5 / 4)


def test_bytes_per_second_are_those_of_the_messages_on_the_link() -> None:
    graph = check(Train(rollouts=1, size=5000))
    made = plan(graph, TWO, 2, profile=made_up(graph, {"actors[].collect": 0.5, "learner.learn": 0.5}))
    size = 5000 * 4 + 32 + 8 + (64 - 5000 * 4 % 64) % 64  # value, header, record
    rate = predicted(made).ticks_per_second
    assert [(link.source, link.target) for link in predicted(made).links] == [(0, 1), (1, 0)]
    for link in predicted(made).links:
        assert link.bytes_per_second == pytest.approx(size * rate)


class Teller(Reactor):
    """Sends five numbers at every tick."""

    tick = Timer(0, TICK)
    out = Output(Array(np.float32, (5,)))

    @reaction(tick, effects=[out])
    def tell(self) -> None:
        self.out.set(np.zeros(5, np.float32))


class Listener(Reactor):
    inp = Inputs(Array(np.float32, (5,)), width=4)

    @reaction(inp)
    def hear(self) -> None: ...


class Choir(Reactor):
    """Four who tell one."""

    def compose(self) -> None:
        self.tellers = [Teller() for _ in range(4)]
        self.listener = Listener()
        self.connect([teller.out for teller in self.tellers], self.listener.inp)


def test_messages_of_one_tag_share_a_notice() -> None:
    """What is predicted is what a run sends, but for what a ring leaves empty at its end."""
    made = plan(Choir(), TWO, 2, profile=made_up(check(Choir()), {"tellers[].tell": 1.0, "listener.hear": 4.0}))
    (link,) = predicted(made).links
    size = 8 + 24 + 4 * (8 + 64)  # record, head, entries with their values
    assert link.bytes_per_second / predicted(made).ticks_per_second == pytest.approx(size)
    runs = [run(Choir(), plan=made, timeout=ticks * TICK) for ticks in (500, 1500)]
    few, many = (result.workers[link.source]["sent_bytes"][link.target] for result in runs)
    assert (many - few) / 1000 == pytest.approx(size, rel=0.01)


def test_memory_counts_libraries_once_a_worker() -> None:
    graph = check(Train(rollouts=4))
    memory = {
        "actors[]": MemoryProfile(shared=100 << 20, each=10 << 20),
        "learner": MemoryProfile(shared=80 << 20, each=5 << 20),
    }
    profile = made_up(graph, COSTS, memory=memory)
    alone = predicted(plan(graph, TWO, 1, profile=profile))
    assert alone.resident_bytes == (2 + 100 + 4 * 10 + 5) << 20  # in the caller's process
    five = predicted(plan(graph, Machine.made_up(5), 5, profile=profile))
    assert sorted(worker.resident_bytes >> 20 for worker in five.workers) == [86, 111, 111, 111, 111]


def test_the_bottleneck_is_what_a_tick_goes_to() -> None:
    graph = check(Lagging(rollouts=4))
    made = plan(graph, Machine.made_up(4), 4, profile=made_up(graph, COSTS))
    shares = {share.name: share.share for share in predicted(made).bottleneck}
    assert shares == pytest.approx({"learner.learn": 0.6, "actors[].collect": 0.4}, rel=0.02)
    assert "a tick goes to learner.learn 60 %, actors[].collect 40 %; most of it on worker" in str(made)


def test_without_costs_nothing_is_predicted() -> None:
    made = plan(Train(), TWO)
    assert made.prediction is None
    assert str(made).endswith("predicted: unknown; rlreactor plan --profile measures what it takes to predict")


def test_with_a_profile_the_fastest_number_of_workers_is_chosen() -> None:
    busy = EngineCosts(passing=0, waiting=0, notice=1, message=1, spinning=1, sleeping=1, shared=1)
    graph = check(Lagging(rollouts=4))
    tiny = plan(graph, Machine.made_up(4), profile=made_up(graph, {}, engine=busy))
    assert len(tiny.workers) == 1
    assert [note for note in tiny.notes if note.startswith("1 worker: 4 would take")]
    large = plan(graph, Machine.made_up(4), profile=made_up(graph, {"actors[].collect": 100.0}, engine=busy))
    assert len(large.workers) == 4


def test_a_number_that_is_asked_for_is_obeyed_and_its_price_told() -> None:
    busy = EngineCosts(passing=0, waiting=0, notice=1, message=1, spinning=1, sleeping=1, shared=1)
    graph = check(Lagging(rollouts=4))
    tiny = made_up(graph, {}, engine=busy)
    many, one = plan(graph, Machine.made_up(4), 3, profile=tiny), plan(graph, Machine.made_up(4), 1, profile=tiny)
    assert (len(many.workers), len(one.workers)) == (3, 1)
    (note,) = [note for note in many.notes if "as asked" in note]
    times = predicted(one).ticks_per_second / predicted(many).ticks_per_second
    assert note == f"3 workers, as asked: a tick is predicted to take {times:.2f} times as long as with 1"
    large = made_up(graph, {"actors[].collect": 100.0}, engine=busy)
    for notes in (one.notes, plan(graph, Machine.made_up(4), 4, profile=large).notes, plan(graph, TWO, 4).notes):
        assert not [note for note in notes if "as asked" in note]


def test_a_profile_serves_larger_banks() -> None:
    known = made_up(check(Lagging(rollouts=2)), COSTS)
    made = plan(Lagging(rollouts=64), Machine.made_up(16), profile=known)
    assert predicted(made).ticks_per_second == pytest.approx(1 / (4 * 2 + 3), rel=0.02)


def test_what_was_not_measured_is_named() -> None:
    known = made_up(check(Train()), COSTS)
    with pytest.raises(PlanError) as error:
        plan(Lagging(), TWO, profile=known)
    assert str(error.value).startswith("the profile of made up has no reaction 'evaluator.evaluate'; ")
    assert str(error.value).endswith("; measure again with --profile")


def test_a_plan_with_its_profile_survives_yaml() -> None:
    graph = check(Lagging())
    made = plan(graph, TWO, profile=made_up(graph, COSTS))
    assert Plan.from_yaml(made.to_yaml()) == made


@pytest.mark.parametrize(
    ("topology", "tags"),
    [
        (Chain(), [["source.send", "stage[0].pass_on", "stage[1].pass_on", "stage[2].pass_on"]]),
        (Rally(), [["table.serve"], ["wall.pass_on"], ["table.hit"], ["wall.pass_on"]]),
    ],
)
def test_the_schedule_is_what_the_program_does(topology: Chain | Rally, tags: list[list[str]]) -> None:
    graph = check(topology)
    firings = schedule(graph, made_up(graph, {}))
    found: list[list[str]] = [[] for _ in range(firings[-1].tag_number + 1)]
    for firing in firings:
        found[firing.tag_number].append(graph.reactions[firing.rank].path)
    assert found[: len(tags)] == tags


def test_a_port_that_is_set_at_every_third_run_is_set_at_the_third() -> None:
    graph = check(Pairs(count=1))
    profile = made_up(graph, {})
    source = profile.reactions["source.send"].model_copy(update={"sets": {"source.out": 1 / 3}})
    rarely = profile.model_copy(update={"reactions": {**profile.reactions, "source.send": source}})
    runs = [f.tag_number for f in schedule(graph, rarely) if graph.reactions[f.rank].path == "pairs[0].policy.pass_on"]
    assert runs[:4] == [2, 5, 8, 11]


def test_what_only_an_action_drives_runs_as_it_was_measured() -> None:
    graph = check(SelfDriven(step=3))
    profile = made_up(graph, {}).model_copy(update={"actions": {"ticker.again": ScheduleProfile(rate=1, delay=3)}})
    times = [f.tag.time for f in schedule(graph, profile) if graph.reactions[f.rank].path == "ticker.tick"]
    assert times[:4] == [0, 3, 6, 9]


def test_the_same_every_time() -> None:
    graph = check(Lagging(rollouts=5, ahead=1))
    profile = made_up(graph, COSTS, engine=FREE)
    assert len({plan(graph, Machine.made_up(3), profile=profile).to_yaml() for _ in range(3)}) == 1


def test_stages_get_workers_of_their_own_where_that_pays() -> None:
    graph = check(Pipe())
    heavy = plan(graph, TWO, profile=made_up(graph, {"stage[].pass_on": 1.0}))
    assert len(heavy.workers) == 2
    assert 1 / predicted(heavy).ticks_per_second == pytest.approx(2.0, rel=0.05)
