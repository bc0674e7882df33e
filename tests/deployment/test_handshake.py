"""Who may take part in a run: every difference is named with both values, and whoever has no key is not heard."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rlreactor import Graph, LinkError, RunError
from rlreactor.deployment import agent
from rlreactor.deployment.caller import deploy
from rlreactor.deployment.job import Job
from rlreactor.deployment.messages import Join, Ready, from_caller, from_slot
from rlreactor.deployment.program import difference, versions
from rlreactor.links.keys import make_keys

from ..placements import placed
from ..runtime.topologies import Pair
from ..watchdog import watched
from .forked import Forked, forked_slots, job_for

TOPOLOGY = Pair(what="nothing")
PLAN = placed(TOPOLOGY, {"faulty": 1, "following": 1})
JOB = job_for(PLAN, [[0], [1]], timeout=10)


def refusal(make: Callable[[], Forked] = Forked) -> str:
    """Why the job cannot run."""
    with watched(60), forked_slots(TOPOLOGY, make) as engine, pytest.raises(LinkError) as caught:
        deploy(JOB, engine)
    return str(caught.value)


def only_in_slots(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    """Slots are forked from this process; what they look up in `agent` is theirs alone."""
    monkeypatch.setattr(agent, name, value)


def test_another_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    only_in_slots(monkeypatch, "PROTOCOL", 7)
    text = refusal()
    assert re.match(r"slot \d on h\d \(.*\) may not take part: protocol: expected 3, received 7; install the", text)


def test_other_versions_of_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = versions()
    only_in_slots(monkeypatch, "versions", lambda: {**mine, "numpy": "1.0", "gymnasium": "0.1"})
    expected = f"packages differ: numpy: expected {mine['numpy']}, received 1.0"
    assert expected in refusal()


def another_digest(graph: Graph) -> str:
    return "another"


def test_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    only_in_slots(monkeypatch, "program_digest", another_digest)
    assert re.search(r"its program is another one: expected [0-9a-f]{16}, received another; install the", refusal())


class Misled(Forked):
    """Starts the slots of another plan."""

    def start(self, job: Job, caller: str, keys: Path) -> Forked:
        return super().start(job.model_copy(update={"parameters": {"when": 3}}), caller, keys)


def test_a_slot_that_was_started_for_another_plan() -> None:
    text = refusal(Misled)
    assert re.search(rf"plan: expected {JOB.plan_hash}, received [0-9a-f]{{16}}; it was started for another", text)


class Robbed(Forked):
    """Its slots got other keys than the caller knows."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def start(self, job: Job, caller: str, keys: Path) -> Forked:
        (self._folder / "caller.pub").write_bytes((keys / "caller.pub").read_bytes())
        return super().start(job, caller, self._folder)


def test_a_slot_with_an_unknown_key_is_not_heard(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_keys(tmp_path, 2)
    (tmp_path / "caller.pub").unlink()
    started = time.monotonic()
    with (
        watched(60),
        forked_slots(TOPOLOGY, lambda: Robbed(tmp_path)) as engine,
        pytest.raises(RunError, match="ended with status 1"),
    ):
        deploy(JOB, engine)
    assert time.monotonic() - started < 10
    assert any("its key is not the one that is allowed there" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"kind": "greet"}, "slot 3 sent a message of kind 'greet'; expected one of join, ready"),
        ({"kind": "join", "slot": 0}, "that is none: plan: Field required"),
        ({"kind": "ended", "worker": 1, "status": 0, "more": 1}, "more: Extra inputs are not permitted"),
        ({}, "of kind None"),
    ],
)
def test_what_is_not_declared_is_refused(data: Mapping[str, Any], text: str) -> None:
    with pytest.raises(LinkError, match=re.escape(text)):
        from_slot(data, "slot 3")


def test_messages_are_of_their_declared_types() -> None:
    join: dict[str, Any] = {"kind": "join", "slot": 1, "plan": "x", "protocol": 2, "versions": {}, "machine": "m"}
    assert isinstance(from_slot(join, "slot 1"), Join)
    assert isinstance(from_slot({"kind": "ready", "program": "p", "endpoints": {}, "publics": {1: b"k"}}, ""), Ready)
    with pytest.raises(LinkError, match="the caller sent a message of kind 'join'"):
        from_caller(join)


def test_only_what_both_have_is_compared() -> None:
    assert difference({"a": "1", "b": "2"}, {"a": "1", "c": "3"}) == ""
    assert difference({"a": "1", "b": "2"}, {"a": "1", "b": "3"}) == "b: expected 2, received 3"
