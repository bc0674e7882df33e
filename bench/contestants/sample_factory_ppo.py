"""PPO by Sample Factory, one worker process per core as its documentation recommends; in bench/.venv-sample-factory.

Atari environments are those of its own example.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import tempfile
from typing import Any

from bench.contestants.ppo_task import TASKS, Watch, main

_WORKERS = 2


def register(name: str) -> str:
    """Make the environment known to Sample Factory; returns the name it has there."""
    gymnasium: Any = importlib.import_module("gymnasium")
    register_env: Any = importlib.import_module("sample_factory.envs.env_utils").register_env
    if not name.startswith("ALE/"):
        register_env(name, _make_gymnasium)
        return name
    # This Gymnasium is older than what ale_py registers itself with.
    plain = {"game": "pong", "frameskip": 1, "repeat_action_probability": 0.0, "obs_type": "rgb"}
    gymnasium.register(id="PongNoFrameskip-v4", entry_point="ale_py.env:AtariEnv", kwargs=plain)
    register_env("atari_pong", _make_atari)
    return "atari_pong"


def _make_gymnasium(name: str, _cfg: Any, _config: Any, render_mode: str | None = None) -> Any:
    gymnasium: Any = importlib.import_module("gymnasium")
    return gymnasium.make(name, render_mode=render_mode)


def _make_atari(name: str, cfg: Any, config: Any, render_mode: str | None = None) -> Any:
    register("ALE/Pong-v5")
    make: Any = importlib.import_module("sf_examples.atari.atari_utils").make_atari_env
    return make(name, cfg, config, render_mode)


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and say what came out."""
    watch, task = Watch(), TASKS[options.env]
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    arguments: Any = importlib.import_module("sample_factory.cfg.arguments")
    runner_module: Any = importlib.import_module("sample_factory.algo.runners.runner")
    make_runner: Any = importlib.import_module("sample_factory.train").make_runner
    rollout = min(task.horizon, task.minibatch)  # it puts only whole rollouts into a minibatch
    settings = {
        "env": register(options.env), "seed": options.seed, "device": "cpu", "experiment": "bench",
        "num_workers": _WORKERS, "num_envs_per_worker": task.environments // _WORKERS, "worker_num_splits": 2,
        "async_rl": options.mode == "async", "rollout": rollout, "recurrence": 1, "batch_size": task.minibatch,
        "num_batches_per_epoch": task.batch // task.minibatch, "num_epochs": task.epochs, "use_rnn": False,
        "shuffle_minibatches": True, "gamma": 0.99, "gae_lambda": 0.95, "learning_rate": task.learning_rate,
        "ppo_clip_ratio": task.clip, "exploration_loss_coeff": task.entropy, "value_loss_coeff": 0.5,
        "max_grad_norm": 0.5, "adam_eps": 1e-5, "with_vtrace": False, "kl_loss_coeff": 0.0, "adaptive_stddev": False,
        "normalize_input": False, "normalize_returns": False, "summaries_use_frameskip": False,
        "save_every_sec": 10_000, "train_for_env_steps": options.steps, "decorrelate_experience_max_seconds": 0,
        "experiment_summaries_interval": 3, "stats_avg": 100,
        # It counts in steps of the optimiser, of which there are hundreds in one update here.
        "max_policy_lag": 1_000_000,
    }  # fmt: skip
    if task.hidden:
        settings |= {"nonlinearity": "tanh", "actor_critic_share_weights": False}
    else:
        settings |= {
            "nonlinearity": "relu", "encoder_conv_architecture": "convnet_atari", "obs_scale": 255.0,
            "env_frameskip": 4, "env_framestack": 4,
        }  # fmt: skip
    words = [f"--{name}={value}" for name, value in settings.items()]
    if task.hidden:
        words += ["--encoder_mlp_layers", *map(str, task.hidden)]

    class Updates(runner_module.AlgoObserver):  # type: ignore[misc]
        def on_training_step(self, runner: Any, _iterations: int) -> None:
            watch.update(sum(runner.env_steps.values()))

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        parser, _ = arguments.parse_sf_args([*words, f"--train_dir={folder}"])
        _, runner = make_runner(arguments.parse_full_cfg(parser, [*words, f"--train_dir={folder}"]))
        runner.register_observer(Updates())
        runner.init()
        runner.run()
        rewards = runner.policy_avg_stats.get("reward", [[]])[0]
    return watch.figures(float(sum(rewards) / len(rewards)) if len(rewards) else None)


if __name__ == "__main__":
    main(train, mode=("async", "sync"))
