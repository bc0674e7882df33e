"""PPO by rlreactor's on-policy topology; `python -m bench.contestants.rlreactor_ppo --help`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from typing import Any

from bench.program import LAUNCHED
from rlreactor import run
from rlreactor.algos.policy_spec import PolicySpec
from rlreactor.algos.ppo_config import PPOConfig
from rlreactor.algos.ppo_defaults import ppo_defaults
from rlreactor.reactors.environment_spec import EnvironmentSpec, describe
from rlreactor.runtime.metrics import Metric
from rlreactor.topologies.on_policy import OnPolicy


class Watch:
    """Sees metrics as they arrive and remembers when updates were made."""

    def __init__(self, says: bool) -> None:
        self._says = says
        self.first = self.last = 0.0
        self.updates = 0

    def __call__(self, metric: Metric) -> None:
        if metric.path != "learner":
            return
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.updates += 1
        if self._says:
            print(json.dumps({"env_steps": metric.values["env_steps"]}), flush=True)


def topology(options: argparse.Namespace) -> OnPolicy:
    """The environment's own hyper-parameters, or with --plain those that every opponent has by default."""
    defaults = ppo_defaults(options.like or options.env)
    config = PPOConfig() if options.plain else defaults.config
    config = PPOConfig.model_validate({**config.model_dump(), **options.config})
    environment = EnvironmentSpec(id=options.env)
    policy = PolicySpec(
        **dict(describe(environment)),
        network=defaults.network,
        hidden=config.hidden,
        activation=config.activation,
        normalise_observations=config.normalise_observations,
        precision=config.precision,
    )
    envs_per_rollout = options.envs_per_rollout or defaults.environments_per_rollout
    rows = defaults.rollouts * envs_per_rollout * config.horizon
    return OnPolicy(
        environment=environment,
        policy=policy,
        config=config,
        rollouts=defaults.rollouts,
        envs_per_rollout=envs_per_rollout,
        updates=max(1, (options.steps or defaults.steps) // rows),
        policy_lag=options.lag,
        eval_episodes=options.eval_episodes,
        threads=options.threads,
    )


def report(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and say what came out."""
    started = int(os.environ.get(LAUNCHED, time.monotonic_ns())) * 1e-9
    training = topology(options)
    watch = Watch(options.say)
    result = run(training, workers=options.workers, timeout=training.ticks, seed=options.seed, observe=watch)
    ended = time.monotonic()
    learner = result.state("learner")
    judges = [result.state(f"judges[{index}]")["returns"] for index in range(training.evaluators)]
    returns = [value for judge in judges for value in judge]
    steps = learner["env_steps"]
    return {
        "env_steps": steps,
        "seconds_to_first_update": watch.first - started,
        "steady_steps_per_second": _rate(steps * (watch.updates - 1) / watch.updates, watch.last - watch.first),
        "whole_steps_per_second": _rate(steps, ended - started),
        "mean_return": statistics.fmean(learner["recent_returns"]) if learner["recent_returns"] else None,
        "eval_return": statistics.fmean(returns) if returns else None,
        "eval_episodes": len(returns),
        "weights_sha256": hashlib.sha256(learner["weights"].tobytes()).hexdigest(),
        "fingerprint": result.fingerprint,
        "workers": len(result.plan.workers),
        "seconds_waited": [worker["seconds_waited"] for worker in result.workers],
        "torch_loaded": "torch" in sys.modules,
    }


def _rate(steps: float, seconds: float) -> float:
    return steps / seconds if seconds > 0 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("--like", help="another environment, whose defaults are taken")
    parser.add_argument("--steps", type=int, help="environment steps at most; the environment's default otherwise")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lag", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of the learner")
    parser.add_argument("--config", type=json.loads, default={}, help="hyper-parameters to change, as JSON")
    parser.add_argument("--envs-per-rollout", type=int)
    parser.add_argument("--eval-episodes", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="the hyper-parameters of the paper instead of tuned ones")
    parser.add_argument("--say", action="store_true", help="print a line after every update")
    print(json.dumps(report(parser.parse_args())), flush=True)


if __name__ == "__main__":
    main()
