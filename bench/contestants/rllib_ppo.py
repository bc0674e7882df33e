"""PPO by RLlib's new API stack, with environment runners for both cores and a local learner; in bench/.venv-ray."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from bench.contestants.ppo_task import TASKS, Watch, main

_RUNNERS = 2


def make_pong(_config: Any) -> Any:
    """Pong as RLlib's tuned examples wrap it, in the size that all others have."""
    gymnasium: Any = importlib.import_module("gymnasium")
    wrappers: Any = importlib.import_module("ray.rllib.env.wrappers.atari_wrappers")
    gymnasium.register_envs(importlib.import_module("ale_py"))
    emulator = gymnasium.make("ALE/Pong-v5", frameskip=1, repeat_action_probability=0.0)
    return wrappers.wrap_atari_for_new_api_stack(emulator, dim=84, framestack=4)


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and say what came out."""
    watch, task = Watch(), TASKS[options.env]
    ray: Any = importlib.import_module("ray")
    ppo: Any = importlib.import_module("ray.rllib.algorithms.ppo")
    models: Any = importlib.import_module("ray.rllib.core.rl_module.default_model_config")
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(options.threads)  # of the learner, which is in this process; Ray gives a runner one
    ray.init(num_cpus=_RUNNERS + 1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    name = options.env
    if not task.hidden:
        importlib.import_module("ray.tune.registry").register_env("pong", make_pong)
        name = "pong"
    model = (
        models.DefaultModelConfig(fcnet_hiddens=list(task.hidden), fcnet_activation="tanh", vf_share_layers=False)
        if task.hidden
        else models.DefaultModelConfig(
            conv_filters=[[32, 8, 4], [64, 4, 2], [64, 3, 1]], conv_activation="relu", head_fcnet_hiddens=[512],
            head_fcnet_activation="relu", vf_share_layers=True,
        )
    )  # fmt: skip
    config = (
        ppo.PPOConfig()
        .environment(name)
        .env_runners(
            num_env_runners=_RUNNERS, num_envs_per_env_runner=task.environments // _RUNNERS,
            rollout_fragment_length=task.horizon,
        )
        .learners(num_learners=0)
        .training(
            train_batch_size_per_learner=task.batch, minibatch_size=task.minibatch, num_epochs=task.epochs,
            lr=task.learning_rate, gamma=0.99, lambda_=0.95, clip_param=task.clip, vf_clip_param=float("inf"),
            vf_loss_coeff=0.5, entropy_coeff=task.entropy, use_kl_loss=False, grad_clip=0.5,
        )
        .rl_module(model_config=model)
        .debugging(seed=options.seed, log_level="ERROR")
    )  # fmt: skip
    algorithm = config.build_algo()
    steps, mean_return = 0, None
    while steps < options.steps // task.batch * task.batch:
        runners = algorithm.train()["env_runners"]
        steps = int(runners["num_env_steps_sampled_lifetime"])
        mean_return = runners.get("episode_return_mean", mean_return)
        watch.update(steps)
    algorithm.stop()
    ray.shutdown()
    return watch.figures(None if mean_return is None else float(mean_return))


if __name__ == "__main__":
    main(train)
