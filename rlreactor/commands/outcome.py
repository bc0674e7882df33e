"""What a training run left, finished or not."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rlreactor.commands.recorder import Recorder
from rlreactor.errors import RunError
from rlreactor.runtime.result import Result
from rlreactor.tag import Tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Outcome"]


class Outcome:
    """The figures of a run. `signal_number` is None unless a signal ended it."""

    def __init__(
        self, learner: str, evaluators: Sequence[str], result: Result, recorder: Recorder, signal_number: int | None
    ) -> None:
        self._learner = learner
        self._evaluators = evaluators
        self._result = result
        self.recorder = recorder
        self.signal_number = signal_number

    def _state(self, path: str) -> dict[str, Any]:
        """Empty where the run ended before the reactor had one."""
        try:
            return self._result.state(path)
        except RunError:
            return {}

    @property
    def status(self) -> str:
        """For the manifest."""
        return "finished" if self.signal_number is None else "interrupted"

    @cached_property
    def update(self) -> int:
        """Updates that were made."""
        return int(self._state(self._learner).get("update", 0))

    @cached_property
    def env_steps(self) -> int:
        """Environment steps that were learnt from."""
        return int(self._state(self._learner).get("env_steps", 0))

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """The policy, float32 [size]; there is one after the first update."""
        weights: NDArray[np.float32] = self._state(self._learner)["weights"]
        return weights

    @cached_property
    def evaluation(self) -> list[float]:
        """Return of every episode of the final evaluation."""
        return [float(r) for path in self._evaluators for r in self._state(path).get("returns", ())]

    def learning_curve(self) -> tuple[list[float], list[float]]:
        """Environment steps, and the mean return of the episodes that had ended last."""
        steps = dict(self._series("env_steps"))
        points = [(steps[tag], value) for tag, value in self._series("mean_return") if tag in steps]
        return [point[0] for point in points], [point[1] for point in points]

    def _series(self, name: str) -> list[tuple[Tag, float]]:
        """A metric of the learner over the whole run, also what was logged before it went on."""
        earlier = self.recorder.history.series(self._learner, name)
        return [
            *((tag, _number(value)) for tag, value in earlier),
            *self._result.metrics.get(f"{self._learner}.{name}", ()),
        ]

    def figures(self) -> dict[str, Any]:
        """What `--json` prints and the manifest keeps."""
        returns = self.learning_curve()[1]
        return {
            "env_steps": self.env_steps,
            "updates": self.update,
            "mean_return": returns[-1] if returns and math.isfinite(returns[-1]) else None,
            "eval_return": fmean(self.evaluation) if self.evaluation else None,
            "eval_episodes": len(self.evaluation),
            "steps_per_second": round(self.recorder.throughput.steps_per_second, 1),
            "seconds_to_first_update": self.recorder.seconds_to_first_update,
            "weights_sha256": hashlib.sha256(self.weights.tobytes()).hexdigest() if self.update else None,
            "fingerprint": self._result.fingerprint,
            "workers": len(self._result.plan.workers),
        }


def _number(value: float | None) -> float:
    """In a file NaN is null."""
    return math.nan if value is None else value
