"""EnvPool's environments (Weng et al. 2022, "EnvPool: A Highly Parallel Reinforcement Learning Environment Execution
Engine"), `envpool:Pong-v5`."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Generator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rlreactor.errors import did_you_mean
from rlreactor.reactors.environment_spec import EnvironmentProblem, EnvironmentSpec
from rlreactor.reactors.environments_protocol import TERMINATED, TRUNCATED, Ended, Environments, Final, Rewards
from rlreactor.reactors.gymnasium_environments import described, missing

__all__ = ["PREFIX", "EnvPoolEnvironments"]

PREFIX = "envpool:"
_OURS = ("num_envs", "batch_size", "num_threads", "seed", "env_seed", "env_type", "thread_affinity_offset")


class EnvPoolEnvironments(Environments):
    """Environments that EnvPool steps in `threads` threads, always all of them together.

    Left alone, EnvPool spends the step after the last one of an episode on starting the next, with an action that
    counts for nothing. Here an episode that ended is started anew at once, by a reset of just those environments, so
    that such steps never happen. Where an episode is over in both ways, EnvPool reports only the truncation.

    One copy cannot be avoided: EnvPool's threads fill buffers of their own.
    """

    def __init__(self, environment: EnvironmentSpec, count: int, threads: int) -> None:
        self.spec = environment
        self.count = count
        self._threads = threads
        self._task = environment.id.removeprefix(PREFIX)
        self._library = _library(environment.id)
        self._check_names()
        spec = self._made_spec()
        with _quietly():
            observations, actions = spec.gymnasium_observation_space, spec.gymnasium_action_space
        self.description = described(environment, observations, actions)
        self._action_dtype = np.dtype(actions.dtype)

    def _check_names(self) -> None:
        known = self._library.list_all_envs()
        if self._task not in known:
            raise EnvironmentProblem(
                f"no environment {self.spec.id!r}: EnvPool has no {self._task!r}; {did_you_mean(self._task, known)}"
            )
        taken = [name for name in _OURS if name in self.spec.options]
        if taken:
            raise EnvironmentProblem(
                f"environment {self.spec.id!r}: option {taken[0]!r} is not yours to give: seeds come from the run, "
                "the number of environments and threads from the reactor"
            )

    def _made_spec(self) -> Any:
        try:
            return self._library.make_spec(self._task, **self.spec.options)
        except (TypeError, ValueError, RuntimeError, AssertionError) as error:
            raise EnvironmentProblem(
                f"environment {self.spec.id!r} refuses its options {self.spec.options}: {error}"
            ) from None

    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        # A pool has its seeds from the beginning, so this is where it begins.
        with _quietly():
            self._pool: Any = self._library.make(
                self._task, env_type="gymnasium", num_envs=self.count, num_threads=self._threads,
                seed=[int(seed) % 2**31 for seed in seeds], **self.spec.options,
            )  # fmt: skip
            observations[...] = self._pool.reset()[0]
        self._wires = _Wires.of(self._pool)

    def send(self, actions: NDArray[Any]) -> None:
        if self._wires is None:
            self._pool.send(np.asarray(actions, self._action_dtype))
        else:
            self._wires.send(actions)

    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        if self._wires is None:
            observations[...], rewards[...], terminated, truncated, _ = self._pool.recv()
        else:
            observations[...], rewards[...], terminated, truncated = self._wires.receive()
        ended[...] = TERMINATED * terminated + TRUNCATED * truncated
        over = np.flatnonzero(ended)
        return self._start_again(over, observations) if len(over) else {}

    def _start_again(self, over: NDArray[np.int64], observations: NDArray[Any]) -> Final:
        final = {int(i): observations[i].copy() for i in over}
        observations[over] = self._pool.reset(over.astype(np.int32))[0]
        return final

    def close(self) -> None:
        if hasattr(self, "_pool"):
            self._pool.close()


class _Wires:
    """A pool's arrays as they go in and come out.

    Its `send` and `recv` make dictionaries of the same arrays around them, at every step, which takes longer than a few
    environments do.
    """

    _IN = ("env_id", "players.env_id", "action")
    _OUT = ("obs", "reward", "done", "trunc")

    def __init__(self, pool: Any) -> None:
        self._send, self._recv = pool._send, pool._recv
        self._identities = pool.all_env_ids
        self._action_dtype = pool._spec._action_spec[-1][0]
        names = list(pool._state_keys)
        self._obs, self._reward, self._done, self._truncated = [names.index(name) for name in self._OUT]

    @classmethod
    def of(cls, pool: Any) -> Self | None:
        """Those of a pool; None where this EnvPool or its environment has others."""
        try:
            one_player = pool.config.get("max_num_players", 1) == 1
            known = tuple(pool._spec._action_keys) == cls._IN and len(pool._spec._action_spec) == len(cls._IN)
            return cls(pool) if one_player and known else None
        except (AttributeError, ValueError):
            return None

    def send(self, actions: NDArray[Any]) -> None:
        """Begin a step."""
        self._send([self._identities, self._identities, actions.astype(self._action_dtype, "C")])

    def receive(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
        """What came of it: observations, rewards, who is over by itself, who was cut."""
        state = self._recv()
        truncated = state[self._truncated]
        return state[self._obs], state[self._reward], state[self._done] & ~truncated, truncated


@contextlib.contextmanager
def _quietly() -> Generator[None]:
    """Without Gymnasium's warnings of the bounds that EnvPool gives as float64."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _library(identifier: str) -> Any:
    try:
        return importlib.import_module("envpool")  # by name: type checkers need not have it
    except ImportError:
        raise EnvironmentProblem(missing(identifier, "envpool", "envpool")) from None
