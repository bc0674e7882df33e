"""PPO by stable-baselines3, as its documentation recommends; runs in bench/.venv-sb3 and imports nothing from here.

Network (64-64 tanh, actor and critic apart) and optimiser are its defaults; the other hyper-parameters are spelt out.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from typing import Any


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and say what came out."""
    started = int(os.environ.get("BENCH_LAUNCHED_NS", time.monotonic_ns())) * 1e-9
    # By name: this is checked where stable-baselines3 is not installed.
    torch: Any = importlib.import_module("torch")
    sb3: Any = importlib.import_module("stable_baselines3")
    callbacks: Any = importlib.import_module("stable_baselines3.common.callbacks")
    make_vec_env: Any = importlib.import_module("stable_baselines3.common.env_util").make_vec_env
    vec_env: Any = importlib.import_module("stable_baselines3.common.vec_env")

    torch.set_num_threads(options.threads)
    kind = {"dummy": vec_env.DummyVecEnv, "subproc": vec_env.SubprocVecEnv}[options.vec_env]
    # Forked, which is safe before torch has computed anything: by default every process would import torch anew.
    forked = {"start_method": "fork"} if options.vec_env == "subproc" else None
    environments = make_vec_env(
        options.env, n_envs=options.environments, seed=options.seed, vec_env_cls=kind, vec_env_kwargs=forked
    )
    model = sb3.PPO(
        "MlpPolicy", environments, seed=options.seed, device="cpu",
        n_steps=128, batch_size=64, n_epochs=10, learning_rate=3e-4, gamma=0.99, gae_lambda=0.95, clip_range=0.2,
        ent_coef=0.0, vf_coef=0.5, max_grad_norm=0.5, normalize_advantage=True,
    )  # fmt: skip
    begun: list[float] = []  # when collecting began: from the second time on, when an update had ended

    def collecting(_: object) -> None:
        begun.append(time.monotonic())

    def stepped(_: object) -> bool:
        return True

    methods = {"_on_step": stepped, "_on_rollout_start": collecting}
    callback: Any = type("Begun", (callbacks.BaseCallback,), methods)()
    batch = 128 * options.environments
    model.learn(batch * max(1, options.steps // batch), callback=callback)
    ended = time.monotonic()
    returns = [episode["r"] for episode in model.ep_info_buffer]
    environments.close()
    first = begun[1] if len(begun) > 1 else ended
    return {
        "env_steps": model.num_timesteps,
        "seconds_to_first_update": first - started,
        "steady_steps_per_second": (model.num_timesteps - batch) / (ended - first) if ended > first else 0.0,
        "whole_steps_per_second": model.num_timesteps / (time.monotonic() - started),
        "mean_return": sum(returns) / len(returns) if returns else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--vec-env", choices=("dummy", "subproc"), required=True)
    parser.add_argument("--threads", type=int, default=1)
    print(json.dumps(report(parser.parse_args())), flush=True)


if __name__ == "__main__":
    main()
