"""`rlreactor check`, `plan`, `graph` and `run`."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from rlreactor import Plan, Tag
from rlreactor.commands.failure import UsageError
from rlreactor.commands.graph import GraphOptions, graph_command
from rlreactor.commands.output import Output
from rlreactor.commands.run import duration

from .conftest import HERE, CommandLine

PROGRAM = HERE / "pair.py"


def test_check(rlreactor: CommandLine) -> None:
    text = rlreactor("check", f"{PROGRAM}:Pair").out
    assert text.startswith("pair:Pair: 3 reactors, 2 reactions, 1 edges, 2 levels\n")
    assert rlreactor("check", "pair:Pair", "--json").result == {
        "topology": "pair:Pair", "reactors": 3, "reactions": ["source.count_on", "sink.note"], "edges": 1, "levels": 2,
    }  # fmt: skip


def test_check_reports_violations(rlreactor: CommandLine) -> None:
    ended = rlreactor("check", "pair:Unfed", "--json", status=1)
    (violation,) = ended.result["violations"]
    assert "sink.seen already receives from source.out" in violation
    assert ended.error == f"rlreactor: {violation}\n"


def test_run_with_the_plan_that_was_written(rlreactor: CommandLine) -> None:
    plan = rlreactor("plan", "pair:Pair", "--workers", "2", "--output", "plan.yaml", "--json").result
    assert Plan.from_yaml((rlreactor.folder / "plan.yaml").read_text()) == Plan.model_validate(plan)
    words = ("run", "pair:Pair", "--set", "step=3", "--timeout", "4ms", "--json")
    apart = rlreactor(*words, "--plan", "plan.yaml").result
    together = rlreactor(*words, "--workers", "1").result
    assert apart["tag"] == [4_000_000, 0]
    assert apart["metrics"] == {"sink.total": 15}
    assert (apart["workers"], together["workers"]) == (2, 1)
    assert apart["fingerprint"] == together["fingerprint"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_run_goes_on_from_the_newest_snapshot(rlreactor: CommandLine, workers: str) -> None:
    words = ("run", "pair:Pair", "--json")
    process = rlreactor.start(*words, "--workers", workers, "--snapshot", "kept", "--snapshot-every", "10ms")
    rlreactor.wait_for_snapshot("kept")
    process.send_signal(signal.SIGINT)
    ended = rlreactor.end(process)
    stop, _ = ended.result["tag"]
    cut = rlreactor.wait_for_snapshot("kept")
    assert ended.error == (
        f"rlreactor: interrupted at {Tag(*ended.result['tag'])}; the same command with --resume kept goes on from "
        f"{cut} ns\n"
    )
    until = ("--timeout", f"{stop}ns")
    resumed = rlreactor(*words, *until, "--workers", "2", "--resume", "kept", "--snapshot", "kept").result
    expected = rlreactor(*words, *until, "--workers", "1").result
    assert resumed["fingerprint"] == expected["fingerprint"]
    assert resumed["tag"] == expected["tag"]


def test_run_cannot_go_on_from_nothing(rlreactor: CommandLine) -> None:
    ended = rlreactor("run", "pair:Pair", "--timeout", "1ms", "--resume", "kept", status=1)
    assert ended.error.startswith("rlreactor: kept has no whole snapshot to resume from; found: no such folder")


def test_graph(rlreactor: CommandLine) -> None:
    assert rlreactor("graph", "pair:Pair", "--output", "pair.svg", "--workers", "2").out == "wrote pair.svg\n"
    assert (rlreactor.folder / "pair.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(("file", "begins"), [("p.html", "<!doctype html>"), ("p.mmd", "flowchart")])
def test_kinds_of_pictures(tmp_path: Path, file: str, begins: str) -> None:
    options = GraphOptions(topology=f"{PROGRAM}:Pair", output=tmp_path / file)
    assert graph_command(options, Output(as_json=False))["output"] == str(tmp_path / file)
    assert (tmp_path / file).read_text().startswith(begins)


def test_mermaid_without_a_file() -> None:
    found = graph_command(GraphOptions(topology=f"{PROGRAM}:Pair"), Output(as_json=False))
    assert found["mermaid"].startswith("flowchart")


def test_unknown_kind_of_picture() -> None:
    with pytest.raises(UsageError, match=r"--output: expected a file name that ends in \.svg, \.html, \.mmd"):
        graph_command(GraphOptions(topology=f"{PROGRAM}:Pair", output=Path("p.png")), Output(as_json=False))


def test_unknown_command(rlreactor: CommandLine) -> None:
    error = rlreactor("chek", status=2).error
    assert error == "rlreactor: rlreactor has no 'chek'; did you mean 'check'?; see rlreactor --help\n"


def test_help_lists_what_there_is_and_loads_little(rlreactor: CommandLine) -> None:
    heavy = "{'torch', 'gymnasium', 'matplotlib', 'tensorboardX', 'tyro', 'rich'}"
    program = f"import sys, rlreactor.cli as c; c.main(['--help']); print(sorted({heavy} & set(sys.modules)))"
    lines = rlreactor.end(rlreactor.start_python("-c", program)).out.splitlines()
    assert lines[-1] == "[]"
    named = [line.split()[0] for line in lines if line.startswith("  ")]
    expected = "train resume eval run check plan graph deploy status logs stop schema keys worker bench"
    assert named == expected.split()


@pytest.mark.parametrize(("text", "ns"), [("100ms", 10**8), ("1.5 s", 15 * 10**8), ("7ns", 7), ("2us", 2000)])
def test_duration(text: str, ns: int) -> None:
    assert duration("--timeout", text) == ns


def test_duration_needs_a_unit() -> None:
    with pytest.raises(UsageError, match=r"--timeout: expected a number with a unit .* received '100'"):
        duration("--timeout", "100")
