"""PPO by stable-baselines3, as its documentation recommends; runs in bench/.venv-sb3.

Networks (64-64 tanh, actor and critic apart, or the Nature CNN) and optimiser are its defaults.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from bench.contestants.ppo_task import TASKS, Task, Watch, main


def environments_of(name: str, vec_env: str, task: Task, seed: int) -> Any:
    """A vector environment; Atari games with its own wrappers, which follow the usual preprocessing."""
    util: Any = importlib.import_module("stable_baselines3.common.env_util")
    kinds: Any = importlib.import_module("stable_baselines3.common.vec_env")
    # Forked, which is safe before torch has computed anything: by default every process would import torch anew.
    options: dict[str, Any] = {
        "n_envs": task.environments, "seed": seed,
        "vec_env_cls": kinds.SubprocVecEnv if vec_env == "subproc" else kinds.DummyVecEnv,
        "vec_env_kwargs": {"start_method": "fork"} if vec_env == "subproc" else None,
    }  # fmt: skip
    if not name.startswith("ALE/"):
        return util.make_vec_env(name, **options)
    gymnasium: Any = importlib.import_module("gymnasium")
    gymnasium.register_envs(importlib.import_module("ale_py"))
    game = name.removeprefix("ALE/").partition("-")[0]
    return kinds.VecFrameStack(util.make_atari_env(f"{game}NoFrameskip-v4", **options), n_stack=4)


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and say what came out."""
    watch, task = Watch(), TASKS[options.env]
    # By name: this is checked where stable-baselines3 is not installed.
    torch: Any = importlib.import_module("torch")
    sb3: Any = importlib.import_module("stable_baselines3")
    callbacks: Any = importlib.import_module("stable_baselines3.common.callbacks")
    torch.set_num_threads(options.threads)
    environments = environments_of(options.env, options.vec_env, task, options.seed)
    model = sb3.PPO(
        "MlpPolicy" if task.hidden else "CnnPolicy", environments, seed=options.seed, device="cpu",
        n_steps=task.horizon, batch_size=task.minibatch, n_epochs=task.epochs, learning_rate=task.learning_rate,
        gamma=0.99, gae_lambda=0.95, clip_range=task.clip, ent_coef=task.entropy, vf_coef=0.5, max_grad_norm=0.5,
        normalize_advantage=True,
    )  # fmt: skip

    def collecting(_: object) -> None:  # from the second time on, an update has just ended
        if model.num_timesteps:
            watch.update(model.num_timesteps)

    def stepped(_: object) -> bool:
        return True

    methods = {"_on_step": stepped, "_on_rollout_start": collecting}
    callback: Any = type("Begun", (callbacks.BaseCallback,), methods)()
    model.learn(task.batch * max(1, options.steps // task.batch), callback=callback)
    watch.update(model.num_timesteps)
    returns = [episode["r"] for episode in model.ep_info_buffer]
    environments.close()
    return watch.figures(sum(returns) / len(returns) if returns else None)


if __name__ == "__main__":
    main(train, vec_env=("dummy", "subproc"))
