"""Gymnasium vector environments, ale_py's Atari among them: they step themselves, in threads of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlreactor.reactors.environment_spec import EnvironmentProblem, EnvironmentSpec
from rlreactor.reactors.environments_protocol import TERMINATED, TRUNCATED, Ended, Environments, Final, Rewards
from rlreactor.reactors.gymnasium_environments import described

__all__ = ["VectorEnvironments"]


class VectorEnvironments(Environments):
    """A vector environment that resets in the step that ends an episode.

    One copy cannot be avoided: these libraries return observations in memory of their own, in ale_py's case in
    buffers that its threads have filled.
    """

    def __init__(self, environment: EnvironmentSpec, count: int, threads: int) -> None:
        self.spec = environment
        self.count = count
        self._atari = environment.id.startswith("ALE/")
        options: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, **environment.options}
        if self._atari:
            options.setdefault("num_threads", threads)
        make = cast("Any", gymnasium.make_vec)
        try:
            made = make(environment.id, count, vectorization_mode="vector_entry_point", **options)
        except TypeError as error:
            raise EnvironmentProblem(
                f"vector environment {environment.id!r} refuses its options {options}: {error}; it must be able to "
                "reset in the step that ends an episode (autoreset_mode=SAME_STEP)"
            ) from None
        self._vector: Any = made  # its declared types do not admit a list of seeds
        mode = self._vector.metadata.get("autoreset_mode")
        if mode not in (AutoresetMode.SAME_STEP, AutoresetMode.SAME_STEP.value):
            raise EnvironmentProblem(
                f"vector environment {environment.id!r} resets in mode {mode}; expected SAME_STEP: every other mode "
                "puts steps into a batch that never happened"
            )
        self.description = described(
            environment, self._vector.single_observation_space, self._vector.single_action_space
        )

    def reset(self, seeds: Sequence[int], observations: NDArray[Any]) -> None:
        given = [int(seed) % 2**31 for seed in seeds]
        # ale_py takes an array where Gymnasium takes a list.
        observations[...] = self._vector.reset(seed=np.array(given) if self._atari else given)[0]

    def send(self, actions: NDArray[Any]) -> None:
        self._sent = actions
        if self._atari:
            self._vector.send(actions)

    def receive(self, observations: NDArray[Any], rewards: Rewards, ended: Ended) -> Final:
        answer = self._vector.recv() if self._atari else self._vector.step(self._sent)
        observations[...], rewards[...], terminated, truncated, info = answer
        ended[...] = TERMINATED * terminated + TRUNCATED * truncated
        return {int(i): np.array(info["final_obs"][i]) for i in np.flatnonzero(ended)}

    def close(self) -> None:
        self._vector.close()
