"""What tests let `rlreactor bench` run in place of the real experiments."""

from __future__ import annotations

from bench.experiment import Experiment

TOPICS = {"B1": "small", "B2": "broken", "B3": "endless", "B4": "not there"}
EXPERIMENTS = (
    Experiment("fine", ("B1",), "two contestants and two missing ones", "--rounds 1", 60, "--rounds 2", 60),
    Experiment("leaving", ("B1",), "leaves a process behind", "", 60, "", 60),
    Experiment("failing", ("B2",), "ends with a reason", "", 60, "", 60),
    Experiment("endless", ("B3",), "hangs in its second round", "", 3, "", 60),
    Experiment("after", ("B3",), "comes after the endless one", "", 60, "", 60),
)
