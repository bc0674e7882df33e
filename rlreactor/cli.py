"""The command line.

This is the one file of the engine that may know reactors, topologies and algorithms; it loads them late. What the
commands do stands in `rlreactor/commands`, which knows nothing of reinforcement learning and gets from here what it
needs: a topology to train, a policy to play.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from rlreactor.algos.policy_spec import PolicySpec
    from rlreactor.algos.ppo_config import PPOConfig
    from rlreactor.commands.evaluation import Player
    from rlreactor.commands.output import Output
    from rlreactor.commands.train_options import TrainOptions
    from rlreactor.commands.training import Training
    from rlreactor.observe.checkpoint import Checkpoint
    from rlreactor.reactor import Reactor
    from rlreactor.reactors.environment_spec import EnvironmentDescription, EnvironmentSpec
    from rlreactor.topologies.on_policy import OnPolicy

__all__ = ["main"]

Words = Sequence[str]
Work = Callable[[Words, "Output"], Mapping[str, Any]]


def main(words: Words | None = None) -> int:
    """Run `rlreactor` with these words, the program's own when not given; returns the exit status."""
    given = sys.argv[1:] if words is None else words
    if not given or given[0] in ("-h", "--help"):
        print(_usage())
        return 0 if given else 2
    if given[0] == "--version":
        print(_version())
        return 0
    from rlreactor.commands.failure import Termination
    from rlreactor.commands.output import Output

    Termination.on_signal()
    output = Output(as_json="--json" in given)
    return output.conclude(lambda: _choose(_COMMANDS, "rlreactor", given[0]).work(given[1:], output))


class _Command(NamedTuple):
    """A command: one line of help, and what it does."""

    summary: str
    work: Work


class _Algorithm(NamedTuple):
    """An algorithm: one line of help, what trains with it, and what makes the same training of a topology."""

    summary: str
    work: Work
    again: Callable[[Reactor], Training]


C = TypeVar("C")


def _choose(commands: Mapping[str, C], program: str, name: str) -> C:
    from rlreactor.commands.failure import UsageError
    from rlreactor.errors import did_you_mean

    if name not in commands:
        raise UsageError(f"{program} has no {name!r}; {did_you_mean(name, commands)}; see {program} --help")
    return commands[name]


def _version() -> str:
    from rlreactor import __version__
    from rlreactor.compiled import engine

    return f"rlreactor {__version__}, its engine {engine()}"


def _usage() -> str:
    return "\n".join(["usage: rlreactor COMMAND [OPTIONS]", "", *_listed(_COMMANDS), "", _MORE])


def _listed(commands: Mapping[str, _Command] | Mapping[str, _Algorithm]) -> list[str]:
    return [f"  {name:8}{command.summary}" for name, command in commands.items()]


_MORE = """rlreactor COMMAND --help explains the options; every command takes --json.
rlreactor --version tells also whether the engine is compiled.
MODULE:CLASS is package.module:Class or path/to/file.py:Class; --set NAME=VALUE gives parameters."""


def _train(words: Words, output: Output) -> Mapping[str, Any]:
    if not words or words[0] in ("-h", "--help"):
        usage = ["usage: rlreactor train ALGORITHM [OPTIONS]", "", *_listed(_ALGORITHMS)]
        output.say("\n".join([*usage, "", "rlreactor train ALGORITHM --help explains the options."]))
        raise SystemExit(0 if words else 2)
    return _choose(_ALGORITHMS, "rlreactor train", words[0]).work(words[1:], output)


def _resume(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.options import parse
    from rlreactor.commands.resume import ResumeOptions, resume_command

    def training_of(algorithm: str, topology: Reactor) -> Training:
        return _choose(_ALGORITHMS, "rlreactor train", algorithm).again(topology)

    return resume_command(parse(ResumeOptions, words, "rlreactor resume"), output, training_of)


def _check(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.check import CheckOptions, check_command
    from rlreactor.commands.options import parse

    return check_command(parse(CheckOptions, words, "rlreactor check"), output)


def _plan(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.options import parse
    from rlreactor.commands.plan import PlanOptions, plan_command

    return plan_command(parse(PlanOptions, words, "rlreactor plan"), output)


def _graph(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.graph import GraphOptions, graph_command
    from rlreactor.commands.options import parse

    return graph_command(parse(GraphOptions, words, "rlreactor graph"), output)


def _schema(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.options import parse
    from rlreactor.commands.schema import SchemaOptions, schema_command

    return schema_command(parse(SchemaOptions, words, "rlreactor schema"), output)


def _keys(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.keys import KeysOptions, keys_command
    from rlreactor.commands.options import parse

    return keys_command(parse(KeysOptions, words, "rlreactor keys"), output)


def _deploy(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.deploy import DeployOptions, deploy_command
    from rlreactor.commands.options import parse

    return deploy_command(parse(DeployOptions, words, "rlreactor deploy"), output)


def _status(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.jobs import JobOptions, status_command
    from rlreactor.commands.options import parse

    return status_command(parse(JobOptions, words, "rlreactor status"), output)


def _logs(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.jobs import JobOptions, logs_command
    from rlreactor.commands.options import parse

    return logs_command(parse(JobOptions, words, "rlreactor logs"), output)


def _stop(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.jobs import JobOptions, stop_command
    from rlreactor.commands.options import parse

    return stop_command(parse(JobOptions, words, "rlreactor stop"), output)


def _run(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.options import parse
    from rlreactor.commands.run import RunOptions, run_command

    return run_command(parse(RunOptions, words, "rlreactor run"), output)


def _worker(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.options import parse
    from rlreactor.commands.worker import WorkerOptions, worker_command

    return worker_command(parse(WorkerOptions, words, "rlreactor worker"), output)


def _bench(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.bench import BenchOptions, bench_command
    from rlreactor.commands.options import parse

    return bench_command(parse(BenchOptions, words, "rlreactor bench"), output)


def _eval(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.commands.evaluation import EvalOptions, evaluate
    from rlreactor.commands.failure import UsageError, user_code
    from rlreactor.commands.options import parse
    from rlreactor.reactors.environment_spec import EnvironmentProblem

    options = parse(EvalOptions, words, "rlreactor eval")
    with user_code("the environment of the checkpoint failed"):
        try:
            return evaluate(options, output, _player)
        except EnvironmentProblem as problem:
            raise UsageError(str(problem)) from None


def _ppo(words: Words, output: Output) -> Mapping[str, Any]:
    from rlreactor.algos import ppo_config
    from rlreactor.algos.ppo_defaults import ppo_defaults
    from rlreactor.commands.options import chosen, parse
    from rlreactor.commands.train import train
    from rlreactor.commands.train_options import TrainOptions

    class PPOOptions(TrainOptions):
        """Train a policy with Proximal Policy Optimisation (Schulman et al. 2017).

        Defaults are those of the environment: `--env ID --help` shows them.
        """

        config: ppo_config.PPOConfig

    defaults = ppo_defaults(chosen("env", words))
    options = parse(PPOOptions, words, "rlreactor train ppo", defaults={
        "rollouts": defaults.rollouts,
        "envs_per_rollout": defaults.environments_per_rollout,
        "steps": defaults.steps,
        "config": defaults.config,
    })  # fmt: skip
    return train(_ppo_training(_ppo_topology(options, options.config)), options, output)


def _ppo_again(topology: Reactor) -> Training:
    """What a run goes on with. Raises ReactorError where its environment cannot be made here."""
    from rlreactor.topologies.on_policy import OnPolicy

    assert isinstance(topology, OnPolicy)
    _described(topology.environment, "the environment of this run")
    return _ppo_training(topology)


_COMMANDS = {
    "train": _Command("train a policy: rlreactor train ppo --env CartPole-v1", _train),
    "resume": _Command("go on with training that was interrupted: rlreactor resume FOLDER", _resume),
    "eval": _Command("let the policy of a checkpoint play: rlreactor eval CHECKPOINT", _eval),
    "run": _Command("run a topology: rlreactor run MODULE:CLASS", _run),
    "check": _Command("check a topology: rlreactor check MODULE:CLASS", _check),
    "plan": _Command("place a topology on this machine: rlreactor plan MODULE:CLASS", _plan),
    "graph": _Command("draw a topology: rlreactor graph MODULE:CLASS --output picture.svg", _graph),
    "deploy": _Command("run a topology on several hosts: rlreactor deploy SPEC --engine ssh", _deploy),
    "status": _Command("how a deployment is that Slurm runs: rlreactor status SPEC", _status),
    "logs": _Command("what it says, as it comes: rlreactor logs SPEC", _logs),
    "stop": _Command("end it: rlreactor stop SPEC", _stop),
    "schema": _Command("print the JSON schema of a deployment's file", _schema),
    "keys": _Command("make keys for a deployment: rlreactor keys FOLDER --slots 3", _keys),
    "worker": _Command("run one slot of a deployment, as engines do: rlreactor worker --slot 0 …", _worker),
    "bench": _Command("measure it beside others, from a clone: rlreactor bench --quick", _bench),
}
_ALGORITHMS = {"ppo": _Algorithm("Proximal Policy Optimisation", _ppo, _ppo_again)}


def _ppo_topology(options: TrainOptions, config: PPOConfig) -> OnPolicy:
    """The on-policy topology with PPO in it."""
    from rlreactor.topologies.on_policy import OnPolicy

    environment, description = _environment(options)
    policy = _policy(description, config)
    batch = options.rollouts * options.envs_per_rollout * config.horizon
    return OnPolicy(
        environment=environment, policy=policy, config=config, rollouts=options.rollouts,
        envs_per_rollout=options.envs_per_rollout, updates=max(1, options.steps // batch), policy_lag=options.lag,
        eval_episodes=options.eval_episodes, device=_device(options.device, policy), threads=options.threads,
        groups=_groups(options), environment_threads=options.env_threads, learners=options.learners,
        learner_network=options.learner_network, exchange_timeout=options.exchange_timeout,
    )  # fmt: skip


def _ppo_training(topology: OnPolicy) -> Training:
    from rlreactor.commands.training import Training

    batch = topology.rollouts * topology.envs_per_rollout * topology.config.horizon
    parts = {"policy": topology.policy, "environment": topology.environment, "config": topology.config}
    return Training(
        algorithm="ppo", environment=topology.environment.id, topology=topology, ticks=topology.ticks,
        steps=topology.updates * batch, learner=topology.publisher.path,
        evaluators=tuple(judge.path for judge in topology.judges),
        about={name: part.model_dump(mode="json") for name, part in parts.items()},
        packages=("numpy", "torch", "gymnasium", "ale-py", "Box2D", "mujoco", "envpool"),
    )  # fmt: skip


def _groups(options: TrainOptions) -> int:
    from rlreactor.commands.failure import UsageError

    if options.envs_per_rollout % options.groups:
        raise UsageError(
            f"--groups: expected a number that divides the {options.envs_per_rollout} environments of a rollout "
            f"(--envs-per-rollout), received {options.groups}"
        )
    return options.groups


def _environment(options: TrainOptions) -> tuple[EnvironmentSpec, EnvironmentDescription]:
    from rlreactor.commands.reference import assignments
    from rlreactor.reactors.environment_spec import EnvironmentSpec

    environment = EnvironmentSpec(id=options.env, options=assignments("--env-option", options.env_option))
    return environment, _described(environment, "--env")


def _described(environment: EnvironmentSpec, what: str) -> EnvironmentDescription:
    from rlreactor.commands.failure import UsageError, user_code
    from rlreactor.reactors.environment_spec import EnvironmentProblem, describe

    _find_own_modules(environment)
    with user_code(f"{what} {environment.id} cannot be made"):
        try:
            return describe(environment)
        except EnvironmentProblem as problem:
            raise UsageError(f"{what}: {problem}") from None


def _policy(description: EnvironmentDescription, config: PPOConfig) -> PolicySpec:
    from pydantic import ValidationError

    from rlreactor.algos.policy_spec import PolicySpec
    from rlreactor.commands.failure import UsageError

    image = len(description.observation_shape) == 3 and description.observation_dtype == "uint8"
    try:
        return PolicySpec(
            **dict(description), network="nature_cnn" if image else "mlp", hidden=config.hidden,
            activation=config.activation, normalise_observations=config.normalise_observations,
            precision=config.precision,
        )  # fmt: skip
    except ValidationError as error:
        raise UsageError("; ".join(detail["msg"] for detail in error.errors())) from None


def _device(wanted: str, policy: PolicySpec) -> str:
    from rlreactor.commands.failure import UsageError
    from rlreactor.planner.gpus import find_gpus

    if wanted == "cpu" or (wanted == "auto" and policy.network != "nature_cnn"):
        return "cpu"
    found = bool(find_gpus())
    if wanted == "cuda" and not found:
        raise UsageError("--device: cuda needs a GPU, and none is visible here; leave it at auto, or say cpu")
    return "cuda" if found else "cpu"


def _player(checkpoint: Checkpoint) -> Player:
    from rlreactor.algos.policy import Policy
    from rlreactor.algos.policy_spec import PolicySpec
    from rlreactor.reactors.environment_spec import EnvironmentSpec
    from rlreactor.reactors.player import Player

    policy = Policy(PolicySpec.model_validate(checkpoint.about["policy"]), checkpoint.weights)
    environment = EnvironmentSpec.model_validate(checkpoint.about["environment"])
    _find_own_modules(environment)
    return Player(environment, policy)


def _find_own_modules(environment: EnvironmentSpec) -> None:
    """`module:Id-v0` may lie in the working directory, which a console script does not search."""
    from pathlib import Path

    from rlreactor.reference import prefer

    if ":" in environment.id and not environment.id.startswith("envpool:"):
        prefer(Path.cwd())


if __name__ == "__main__":
    sys.exit(main())
