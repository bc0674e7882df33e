"""From a deployment to its graph, plan and job."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlreactor import PlanError, ReactorError, TopologyError
from rlreactor.deployment.agent import HostOfSlot
from rlreactor.deployment.compile import Compiled, compile_deployment, job_of
from rlreactor.planner.fit import check_fit

from .specs import FULL, deployment

TRAIN = "topology: {class: 'tests.planner.topologies:Train', parameters: {rollouts: 6}}\n"
TWO = "hosts: [{name: a, cores: 4}, {name: b, cores: 4}]\n"


def compiled(text: str) -> Compiled:
    found = compile_deployment(deployment(text))
    check_fit(found.plan, found.graph)
    return found


def host_of(found: Compiled, path: str) -> str | None:
    return found.plan.workers[found.plan.worker_of(path)].host


def test_constraints_are_obeyed() -> None:
    found = compiled(FULL)
    learner = found.plan.workers[found.plan.worker_of("learner")]
    assert (learner.host, learner.gpus) == ("learner", (0,))
    assert {found.plan.workers[found.plan.worker_of(f"actors[{i}]")].threads for i in range(6)} == {2}


@pytest.mark.parametrize("pattern", ["actors", "actors[*]", "**", "actors[1]", "act*"])
def test_paths_may_have_stars(pattern: str) -> None:
    found = compiled(f"{TRAIN}{TWO}constraints: [{{reactors: '{pattern}', host: b}}]\n")
    assert host_of(found, "actors[1]") == "b"


def test_brackets_are_no_pattern() -> None:
    found = compiled(
        f"{TRAIN}{TWO}constraints: [{{reactors: 'actors[0]', host: b}}, {{reactors: 'learner', host: a}}]\n"
    )
    assert {host_of(found, f"actors[{i}]") for i in range(6)} == {"a", "b"}


def test_the_later_constraint_goes_before_the_earlier() -> None:
    both = "constraints: [{reactors: '**', host: a}, {reactors: learner, host: b}]\n"
    found = compiled(f"{TRAIN}{TWO}{both}")
    assert host_of(found, "learner") == "b"
    assert {host_of(found, f"actors[{i}]") for i in range(6)} == {"a"}


def test_together() -> None:
    found = compiled(f"{TRAIN}{TWO}constraints: [{{reactors: 'actors[*]', together: true}}]\n")
    assert len({found.plan.worker_of(f"actors[{i}]") for i in range(6)}) == 1


def test_the_job_says_where_slots_listen() -> None:
    found = compiled(FULL)
    slots = {slot.host: (slot.address, slot.ports) for slot in job_of(found).slots}
    assert slots == {
        "learner": ("10.0.0.1", (5000, 5099)),
        "left": ("10.0.1.2", (47600, 48623)),
        "right": ("right.example", (47600, 48623)),
    }
    assert {slot.address for slot in job_of(found, "local").slots} == {"127.0.0.1"}
    assert {slot.address for slot in job_of(found, "slurm").slots} == {None}


def test_hosts_that_are_this_machine_take_no_cores_from_each_other() -> None:
    found = compiled(f"{TRAIN}hosts: [{{name: a, cores: 2, gpus: 1}}, {{name: b, cores: 2, gpus: 1}}]\n"
                     "constraints: [{reactors: 'actors[0]', host: b, gpu: 1}]\n")  # fmt: skip
    elsewhere, here = job_of(found, "ssh").plan.workers, job_of(found, "local").plan.workers
    assert [worker.cores for worker in elsewhere] == [(0,), (1,), (0,), (1,)]
    assert [worker.cores for worker in here] == [(0,), (1,), (2,), (3,)]
    assert {gpu for worker in elsewhere for gpu in worker.gpus} == {0}
    assert {gpu for worker in here for gpu in worker.gpus} == {1}


def test_cores_of_a_worker_are_what_was_asked_for() -> None:
    """Threads belong to the results, cores do not."""
    asked = "constraints: [{reactors: learner, host: a, cores: 3}, {reactors: 'actors[*]', host: b}]\n"
    found = compiled(f"{TRAIN}{TWO}{asked}")
    learner = found.plan.workers[found.plan.worker_of("learner")]
    assert (learner.host, len(learner.cores), learner.threads) == ("a", 3, 1)
    assert {len(worker.cores) for worker in found.plan.workers if worker.host == "b"} == {1}
    assert set(job_of(found).threads.values()) == {1}
    fewer = compiled(f"{TRAIN}{TWO}constraints: [{{reactors: learner, host: a, threads: 3, cores: 2}}]\n")
    learner = fewer.plan.workers[fewer.plan.worker_of("learner")]
    assert (len(learner.cores), learner.threads) == (2, 3)


def test_the_window_of_the_spec_is_that_of_every_link_at_both_ends() -> None:
    found = compiled(f"{TRAIN}{TWO}links: {{window: 1 MiB}}\n")
    assert {link.window for link in found.plan.links} == {1 << 20}
    job = job_of(found, "local")
    hosts = [HostOfSlot(job, slot, "tcp://127.0.0.1:9") for slot in range(2)]
    try:
        first, second = (host.meeting.windows for host in hosts)
    finally:
        for host in hosts:
            host.meeting.remove()
    edges = {(edge.worker, reader) for edge in found.plan.edges for reader in edge.readers}
    assert first == second
    assert {link: size for link, size in first.items() if link in edges} == {
        link: 1 << 20 for link in edges if found.plan.workers[link[0]].host != found.plan.workers[link[1]].host
    }


def test_memory_follows_from_windows() -> None:
    def memory(window: str) -> int:
        return compiled(f"{TRAIN}{TWO}links: {{window: {window}}}\n").plan.memory_bytes

    workers = compiled(TRAIN + TWO).plan.hosts
    links = 2 * len(workers["a"]) * len(workers["b"])  # each is kept at both ends
    assert memory("2 MiB") - memory("1 MiB") == 2 * links << 20
    with pytest.raises(PlanError, match=r"host 'a' has .* GiB\) to give. .* links to other hosts: .* links.window, or"):
        memory("1 GiB")


def test_the_job_says_how_to_run() -> None:
    options = job_of(compiled(FULL)).options
    assert (options.seed, options.timeout, options.unreachable_limit, options.record) == (7, 20_000_000, 30.0, False)


def test_the_same_spec_gives_the_same_hash() -> None:
    assert job_of(compiled(FULL)).plan_hash == job_of(compiled(FULL)).plan_hash
    assert job_of(compiled(FULL)).plan_hash != job_of(compiled(FULL.replace("seed: 7", "seed: 8"))).plan_hash


def test_without_hosts_it_is_this_machine() -> None:
    found = compiled(TRAIN)
    (slot,) = job_of(found).slots
    assert (slot.host, slot.address, len(slot.workers)) == ("localhost", "127.0.0.1", len(found.plan.workers))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (f"{TRAIN}constraints: [{{reactors: lerner}}]\n", PlanError,
         r"constraints\[0\].reactors: 'lerner' matches no reactor; did you mean 'learner'\?"),
        ("topology: {class: 'nowhere:Train'}\n", ReactorError, "module 'nowhere' cannot be imported"),
        ("topology: {class: 'tests.planner.topologies:Trian'}\n", ReactorError, "did you mean 'Train'"),
        (TRAIN.replace("rollouts", "rolouts"), TopologyError, "Train has no parameter 'rolouts'; did you mean"),
        (f"{TRAIN}hosts: [{{name: a, cores: 4, ports: 5000-5001}}, {{name: b, cores: 4}}]\n", PlanError,
         "host 'a': its 3 workers listen for 3 workers of other hosts on 9 ports, but its range 5000-5001 has 2; make"),
        (f"{TRAIN}{TWO}constraints: [{{reactors: learner, cores: 5}}]\n", PlanError,
         "learner: cores=5, but of the hosts it may be on none has more than the 4 cores of 'a'; ask for fewer cores"),
        (f"{TRAIN}{TWO}constraints: [{{reactors: learner, cores: 9}}]\n", PlanError,
         "learner: cores=9, but the 2 hosts together have 8 usable cores; ask for 8 or fewer"),
        (f"{TRAIN}hosts: [{{name: a, cores: 9999999999}}]\n", PlanError,
         "the hosts together have 9,999,999,999 cores; expected at most 1,000,000"),
    ],
)  # fmt: skip
def test_what_cannot_be(text: str, error: type[ReactorError], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    with pytest.raises(error, match=message):
        compiled(text)
