"""Every experiment of `rlreactor bench`, in order: the one place where a new one is entered.

A script takes its options from here, measures through `bench.measure.interleave`, so that Ctrl-C keeps what was
finished, and ends with `bench.report.Report(NAME, ...).finish()`; what goes into its `against` is compared in the table
and on the page.
"""

from __future__ import annotations

from bench.experiment import Experiment

__all__ = ["EXPERIMENTS", "FULL_SECONDS", "QUICK_SECONDS", "TOPICS"]

QUICK_SECONDS, FULL_SECONDS = 600, 7200
"""What all experiments together may take on two cores, with and without --quick."""

TOPICS = {
    "B1": "broadcast and gather over the number of actors",
    "B2": "broadcast and gather over the size of the object",
    "B3": "Gym environments in lock-step",
    "B4": "Atari in lock-step",
    "B5": "synchronous parallel Q-learning",
    "B6": "multi-agent inference",
    "B7": "messages",
    "B8": "vector environments",
    "B10": "environment rings",
    "B11": "weight staleness",
    "B12": "PPO from end to end",
    "B13": "training to a score",
    "B15": "scaling",
    "B16": "start-up and footprint",
    "time": "where our own time goes",
}

# fmt: off
EXPERIMENTS = (
    Experiment("broadcast", ("B1",), "10 MiB to 2-16 clients and back, against Ray in three forms",
               "--rounds 5 --clients 4 --times 10", 42, "--rounds 5 --clients 2 4 8 16", 400),
    Experiment("object_size", ("B2",), "1 KB to 100 MB to clients and back, against Ray in three forms",
               "--rounds 5 --clients 4 --largest 1000 --times 100", 45, "--rounds 5", 455),
    Experiment("lock_step", ("B3", "B4"), "16 environments with a barrier every step, against vector environments",
               "--rounds 5 --part 0.15 --compared --env CartPole-v1 ALE/Pong-v5", 50, "--rounds 3", 180),
    Experiment("ray_lock_step", ("B3", "B4"), "15 environments with a barrier every step, against Ray in three forms",
               "--rounds 5 --part 0.15 --environments 8 --env CartPole --steps 700", 55, "--rounds 2", 900),
    Experiment("q_learning", ("B5",), "synchronous parallel Q-learning on Blackjack, against Ray",
               "--rounds 5 --minibatch 500 --learning-rounds 15", 34, "--rounds 5 --learning-rounds 100", 400),
    Experiment("multi_agent", ("B6",), "simple_spread with a network for every agent, against Ray and one process",
               "--rounds 5 --agents 4 --steps 2000 --worlds simple_spread", 33, "--rounds 3 --steps 5000", 400),
    Experiment("round_trip", ("B7",), "16 bytes there and back, against Ray and the bare means",
               "--rounds 5 --trips 3000", 37, "--rounds 5", 200),
    Experiment("large_messages", ("B7",), "messages of 1 KB to 100 MB, against memcpy",
               "--rounds 5 --messages 100 --bytes 1000 1000000 10000000", 9, "--rounds 5", 150),
    Experiment("carriers", ("B7",), "shared memory, Unix sockets and TCP",
               "--rounds 3 --trips 1000 --messages 20", 9, "--rounds 5", 100),
    Experiment("secure_edge", ("B7",), "1 MB over TCP with and without keys, against pyzmq alone",
               "--rounds 3 --messages 100", 8, "--rounds 5", 45),
    Experiment("tag", ("B7",), "one tag in one process, against xronos",
               "--rounds 9 --tags 100000", 9, "--rounds 5", 60),
    Experiment("sparse", ("B7",), "a million tags with a message now and then, against none",
               "--rounds 5 --tags 50000 --every 5000", 7, "--rounds 5", 50),
    Experiment("pacing", ("B7",), "lateness of a 1 kHz timer and of physical actions",
               "--rounds 1 --seconds 1 --events 200", 5, "--rounds 3", 70),
    Experiment("hosted", ("B8",), "EnvPool and ale_py in steppers, against the same library alone",
               "--rounds 5 --part 0.3 --env ALE/Pong-v5", 29, "--rounds 5", 200),
    Experiment("fragments", ("B8",), "128 steps with batched inference, against the same loop written by hand",
               "--rounds 5 --part 0.15 --fragments 10", 9, "--rounds 5", 60),
    Experiment("rings", ("B10",), "groups of environments that take turns, against the limit of the machine",
               "--rounds 7 --part 0.2 --compared --env CartPole-v1", 10, "--rounds 5", 200),
    Experiment("ring_curve", ("B10",), "rings of 1 to 16 groups, against the prediction",
               "--rounds 1 --ticks 16", 17, "--rounds 5", 200),
    Experiment("staleness", ("B11",), "10 MB of weights with a declared lag, against Ray actors",
               "--rounds 5 --pushes 100 --lags 0 1", 14, "--rounds 5", 90),
    Experiment("ppo_speed", ("B12",), "PPO on CartPole and Pong, against SB3, CleanRL's manner, Sample Factory, RLlib",
               "--rounds 1 --env CartPole-v1 --steps 8192 --only 'SB3 DummyVecEnv' --only RLlib", 36,
               "--rounds 3", 1000),
    Experiment("ppo_cartpole_speed", ("B12",), "PPO on CartPole with one core, two and lag, against SB3",
               "--rounds 1 --steps 4096 --torch-threads 1", 16, "--rounds 5", 250),
    Experiment("by_hand", ("B12",), "the same PPO on Ray actors and on reactors: lines of code and speed",
               "--rounds 3 --updates 4", 37, "--rounds 3", 80),
    Experiment("pong", ("B12",), "PPO on Pong: whether memory stays where it is",
               "--steps 3072", 13, "--steps 30720", 100),
    Experiment("scores", ("B13",), "what PPO reaches in known environments, over seeds",
               "--quick --env CartPole-v1", 6, "", 400),
    Experiment("scaling", ("B15",), "more workers are never slower",
               "--rounds 5 --part 0.1 --loads lock-step", 14, "--rounds 3", 250),
    Experiment("predictions", ("B15",), "what the planner predicts, beside what is measured",
               "--rounds 1 --seconds 0.5 --loads lock-step", 11, "--rounds 3", 180),
    Experiment("placement", ("B15",), "the same weights on any number of workers, with random sleeps",
               "--times 1 --steps 2048", 10, "--times 2 --steps 20480", 120),
    Experiment("startup", ("B16",), "seconds from the command to the first update, against SB3",
               "--rounds 1", 16, "--rounds 5", 100),
    Experiment("import_time", ("B16",), "importing rlreactor",
               "--rounds 3", 3, "--rounds 20", 40),
    Experiment("memory_slope", ("B16",), "resident memory over ten million messages",
               "--messages 500000", 9, "", 200),
    Experiment("where_time_goes", ("time",), "reactions of each kind, the engine and waiting, in other experiments",
               "--rounds 1 --part 0.05 --loads CartPole-v1 '10 agents, simple_spread' '16 bytes' 'PPO CartPole-v1'", 7,
               "--rounds 2", 150),
)
# fmt: on
