"""Deployments out of files: every mistake with its line, and nothing that a file can do harm with."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rlreactor import Deployment
from rlreactor.deployment.document import parse_toml, parse_yaml
from rlreactor.deployment.read import DeploymentError, parse_deployment, read_deployment, schema

from .hostile import BOMBS, documents, outcome
from .specs import FULL, FULL_TOML, deployment

MINIMAL = "topology:\n  class: train.py:Train\n"


def mistakes(text: str, name: str = "train.yaml") -> list[str]:
    with pytest.raises(DeploymentError) as refused:
        parse_deployment(text.encode(), name)
    return list(refused.value.mistakes)


def test_yaml_and_toml_say_the_same() -> None:
    assert deployment(FULL) == parse_deployment(FULL_TOML.encode(), "train.toml")


def test_json_is_read_too() -> None:
    text = json.dumps({"topology": {"class": "train.py:Train"}})
    assert parse_deployment(text.encode(), "train.json") == deployment(MINIMAL)


def test_what_is_not_said() -> None:
    found = deployment(MINIMAL)
    assert (found.hosts, found.engine, found.links.keys, found.run.seed) == ((), "local", "fresh", 0)
    assert (found.links.window, found.run.stop) == (128 << 10, None)
    assert deployment(MINIMAL + "run: {steps: 300}\n").run.stop == 300


def test_amounts() -> None:
    found = deployment(FULL)
    assert found.hosts[0].memory == 8 << 30
    assert found.hosts[0].ports == (5000, 5099)
    assert found.run.timeout == found.run.stop == 20_000_000
    assert found.links.window == 256 << 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.5 GiB", 3 << 29), ("512MB", 512_000_000), ("7 B", 7), ("0.1 GB", 100_000_000), ("4096", 4096)],
)
def test_sizes_are_exact(text: str, expected: int) -> None:
    found = deployment(f"{MINIMAL}hosts:\n- name: a\n  cores: 1\n  memory: '{text}'\n")
    assert found.hosts[0].memory == expected


def test_hosts_that_are_alike_have_names() -> None:
    found = deployment(f"{MINIMAL}hosts:\n- {{name: actors, count: 3, cores: 2}}\n- {{name: learner, cores: 1}}\n")
    assert [host.name for host in found.machines] == ["actors-0", "actors-1", "actors-2", "learner"]
    assert {host.count for host in found.machines} == {1}


def test_every_mistake_has_its_line_and_its_path() -> None:
    text = """\
# a comment
topology:
  class: train.py
hosts:
  - name: learner
    cores: 4
    memory: 64 GO
  - name: actors
    count: 2
    address: x
    cores: four
    ports: 5000-4000
    corse: 4
  - cores: 0
constraints:
  - reactors: learner
    host: larner
run:
  seed: -1
  timeout: 100 parsecs
  fast: no
  stall_seconds: 0
engine: slrum
slurm: {time: soon, options: [-x]}
kubernetes: 4
host: []
"""
    assert mistakes(text) == [
        'train.yaml:3: topology.class: expected package.module:Class or path/to/file.py:Class, received "train.py"',
        'train.yaml:7: hosts[0].memory: expected a size such as "64 GiB" or "512 MB", or bytes as an int of 1 or more, '
        'received "64 GO"',
        "train.yaml:10: hosts[1].address: one address for 2 hosts; list them one by one",
        'train.yaml:11: hosts[1].cores: expected an int of 1 or more, received "four"',
        'train.yaml:12: hosts[1].ports: expected a range of TCP ports such as "47600-48623", its first not above its '
        'last, all in 1-65535, received "5000-4000"',
        "train.yaml:13: hosts[1].corse: unknown field; did you mean 'cores'?",
        "train.yaml:14: hosts[2].cores: expected an int of 1 or more, received 0",
        "train.yaml:14: hosts[2].name: expected a name of at most 63 lower-case letters, digits and dashes, and "
        "nothing is given",
        "train.yaml:17: constraints[0].host: there is no host 'larner'; did you mean 'learner'?",
        "train.yaml:19: run.seed: expected an int of 0 or more, received -1",
        'train.yaml:20: run.timeout: expected a time such as "100 ms" or "2 s", or nanoseconds as an int of 0 or more, '
        'received "100 parsecs"',
        'train.yaml:21: run.fast: expected true or false, received "no"',
        "train.yaml:22: run.stall_seconds: expected a number above 0, received 0",
        'train.yaml:23: engine: expected one of local, ssh, slurm, ray, kubernetes, received "slrum"',
        'train.yaml:24: slurm.options[0]: expected an option that begins with --, received "-x"',
        'train.yaml:24: slurm.time: expected a time as Slurm writes it, such as "30" or "1-12:00:00", received "soon"',
        "train.yaml:25: kubernetes: expected a mapping, received 4",
        "train.yaml:26: host: unknown field; did you mean 'hosts'?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("links:\n  window: 4095\n",
         'links.window: expected a size from "4 KiB" to "1 GiB", such as "128 KiB", received 4095'),
        ("links:\n  window: 2 GiB\n",
         'links.window: expected a size from "4 KiB" to "1 GiB", such as "128 KiB", received "2 GiB"'),
        ("constraints:\n- {reactors: a, cores: 0}\n",
         "constraints[0].cores: expected an int of 1 or more, received 0"),
        ("run:\n  snapshots: 3\n", "run.snapshots: expected one line of text, received 3"),
        ("run:\n  snapshot_every: 1 ms\n",
         "run.snapshot_every: says how often, but not where to; set run.snapshots to a folder too"),
        ("run:\n  snapshots: kept\n  recording: r\n",
         "run.snapshots: given beside recording, which is of whole runs; expected one of the two"),
        ("run:\n  steps: 0\n", "run.steps: expected an int of 1 or more, received 0"),
        ("run:\n  steps: 5\n  timeout: 5 ms\n", "run.steps: given beside timeout: '5 ms'; expected one of the two"),
    ],
)  # fmt: skip
def test_what_links_constraints_and_runs_may_say(text: str, expected: str) -> None:
    (mistake,) = mistakes(MINIMAL + text)
    assert mistake == f"train.yaml:4: {expected}"


def test_lines_of_toml() -> None:
    text = '''\
engine = "slurmy"
[topology]
class = "train.py"
parameters = {a = 1, b = [1,
 2]}
[[hosts]]
name = "a"
cores = "four"

[[hosts]]
name = "b" # twice = 2
cores = 0
[run]
seed = 1.5
x = """
[[
"""
[links]
unreachable_seconds = -1
'''
    assert [mistake.partition(": expected")[0] for mistake in mistakes(text, "train.toml")] == [
        "train.toml:1: engine",
        "train.toml:3: topology.class",
        "train.toml:8: hosts[0].cores",
        "train.toml:12: hosts[1].cores",
        "train.toml:14: run.seed",
        "train.toml:15: run.x: unknown field; known: fast, fingerprint, metrics, recording, seed, "
        "snapshot_every, snapshots, stall_seconds, state, steps, timeout",
        "train.toml:19: links.unreachable_seconds",
    ]


def test_arrays_of_tables_within_others() -> None:
    lines = parse_toml('[[a]]\n[[a.b]]\nx = 1\n[[a]]\n[[a.b]]\n[[a.b]]\ny."z w" = 2\n').lines
    assert lines["a", 0, "b", 0, "x"] == 3
    assert lines["a", 1, "b", 1, "y", "z w"] == 7


def test_names_of_hosts_are_their_own() -> None:
    text = f"{MINIMAL}hosts:\n- {{name: a, cores: 1, count: 2}}\n- {{name: a-1, cores: 1}}\n"
    (first, second) = mistakes(text)
    assert first == "train.yaml:4: hosts[0].name: expected a name of its own, received 'a-1', which others have too"
    assert second.startswith("train.yaml:5: hosts[1].name: ")


def test_the_same_in_python() -> None:
    with pytest.raises(ValueError, match=r"constraints\[0\]\.host: there is no host 'b'; did you mean"):
        Deployment.model_validate(
            {
                "topology": {"class": "a:B"},
                "hosts": [{"name": "bb", "cores": 1}],
                "constraints": [{"reactors": "x", "host": "b"}],
            }
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\n", "train.yaml:1: anchors (&) and aliases (*) are not taken; write the part out, or quote it"),
        ("a: 1\nb: *x\n", "train.yaml:2: anchors (&) and aliases (*) are not taken; write the part out, or quote it"),
        ("a: !!python/name:os.system x\n", "train.yaml:1: tags (!) are not taken; write the value alone, or quote it"),
        ("a: 1\na: 2\n", "train.yaml:2: 'a' is given twice"),
        ("a: 1\n---\nb: 2\n", "train.yaml:2: expected one document, received a second one"),
        ("? [a]\n: 1\n", "train.yaml:1: expected a name as text before the colon"),
        ("[" * 50, "train.yaml:1: expected at most 32 levels, one within the other"),
        ("a: [\n", "train.yaml:2: not YAML: did not find expected node content"),
        ("#" * 300_000, "train.yaml: expected at most 262,144 bytes, received 300,000"),
        ('a: "\\ud800"\n', "train.yaml:1: not YAML: found invalid Unicode character escape code"),
    ],
)
def test_documents_that_are_refused_as_a_whole(text: str, message: str) -> None:
    assert mistakes(text) == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\na = 2\n", "train.toml:2: not TOML: Cannot overwrite a value"),
        ("x = 1\na = 2001-01-01\n", "train.toml:2: dates and times are not taken; write it as text, in quotes"),
        ("a = nan\n", "train.toml:1: expected a number, received nan"),
        ("x = 1\n" + "a" + ".a" * 40 + " = 1\n", "train.toml:2: expected at most 32 levels, one within the other"),
        ("a = " + "[" * 40 + "]" * 40, "train.toml:1: expected at most 32 levels, one within the other"),
    ],
)
def test_toml_that_is_refused_as_a_whole(text: str, message: str) -> None:
    assert mistakes(text, "train.toml") == [message]


def test_words_that_old_yaml_takes_for_something_else() -> None:
    data: Any = parse_yaml(
        "[no, on, 12:30, 0x1F, 0o7, 1_000, 2001-01-01, .inf, 1e400, <<, '3', 3, 1e3, -2.5, ~, true]"
    ).data
    assert data[:11] == ["no", "on", "12:30", "0x1F", "0o7", "1_000", "2001-01-01", ".inf", "1e400", "<<", "3"]
    assert data[11:] == [3, 1000.0, -2.5, None, True]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"cannot be read: Is a directory"):
        read_deployment(tmp_path)
    with pytest.raises(DeploymentError, match=r"x.txt: expected a file name that ends in .yaml, .yml, .json, .toml"):
        parse_deployment(b"", "x.txt")
    assert mistakes("") == ["train.yaml:1: the whole file: expected a mapping, received null"]
    with pytest.raises(DeploymentError, match=r"x.toml: expected UTF-8"):
        parse_deployment(b"\xff", "x.toml")


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def refusal(path: str) -> str:
        with pytest.raises(DeploymentError) as refused:
            read_deployment(Path(path))
        return str(refused.value)

    missing = f"trian.yaml: there is no file {tmp_path}/trian.yaml; "
    for no_spec in ("pyproject.toml", ".pre-commit-config.yaml"):
        (tmp_path / no_spec).touch()
    assert refusal("trian.yaml") == missing + "no file beside it ends in .yaml, .yml, .json, .toml"
    for name in ("train.yaml", "train.py", "other.toml"):
        (tmp_path / name).touch()
    assert refusal("trian.yaml") == missing + "did you mean 'train.yaml'?"
    assert refusal("quite-different.json").endswith("/quite-different.json; known: other.toml, train.yaml")
    assert (
        refusal("a/b.yaml")
        == f"a/b.yaml: there is no file {tmp_path}/a/b.yaml; there is no directory {tmp_path}/a either"
    )


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name: str) -> None:
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert outcome(name, BOMBS[name].encode()) == "refused"
    assert time.process_time() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB


def test_hostile_documents() -> None:
    """The whole of it: `python -m tests.deployment.hostile 100000`."""
    outcomes = {outcome(name, content) for name, content in documents(seed=1, count=1500)}
    assert outcomes == {"refused", "valid"}


def test_reading_imports_nothing_and_executes_nothing(tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('the module was imported')\n")
    spec = tmp_path / "train.yaml"
    spec.write_text("topology: {class: trap:Train}\n")
    heavy = "{'torch', 'gymnasium', 'zmq', 'trap', 'numpy.linalg', 'rlreactor.planner', 'rlreactor.runtime'}"
    program = (
        f"import sys; from pathlib import Path; from rlreactor.deployment.read import read_deployment\n"
        f"read_deployment(Path({str(spec)!r})); print(sorted(({heavy} - {{'numpy.linalg'}}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_schema_describes_every_field() -> None:
    found = schema()
    parts = [found, *found["$defs"].values()]
    fields = {name: field for part in parts for name, field in part.get("properties", {}).items()}
    assert {"class", "parameters", "cores", "ports", "timeout", "partition", "image"} <= fields.keys()
    assert all(part["additionalProperties"] is False for part in parts if part.get("type") == "object")
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("good", "bad"),
    [("cores: 2", "cores: two"), ("memory: 8 GiB", "memory: 8 GO"), ("timeout: 20 ms", "timeout: soon"),
     ("engine: ssh", "engine: shh"), ("ports: 5000-5099", "ports: x"), ("seed: 7", "sead: 7"),
     ("window: 256 KiB", "window: 256"), ("window: 256 KiB", "window: 256 TiB"), ("seed: 7", "snapshots: 7")],
)  # fmt: skip
def test_editors_find_by_the_schema_what_we_find(good: str, bad: str) -> None:
    editor = jsonschema.Draft202012Validator(schema())
    assert list(editor.iter_errors(parse_yaml(FULL).data)) == []
    wrong = FULL.replace(good, bad)
    assert len(list(editor.iter_errors(parse_yaml(wrong).data))) == len(mistakes(wrong)) == 1
