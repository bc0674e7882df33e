"""One step of each of several environments, in the shortest way: what a step of a few microseconds can spare.

`stepping.c` is the same in C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlreactor.reactors.environments_protocol import ending

__all__ = ["Stepping"]

_NEVER = 2**63 - 1


class Stepping:
    """The `step` of B single environments, each of which begins its next episode in the step that ends the last.

    Args:
        steps: of each, as Gymnasium has them.
        resets: of each.
        limit: steps after which an episode is cut; None: environments see to that themselves.
        as_numbers: whether actions that stand in a vector are handed on as numbers of Python's.
    """

    def __init__(
        self,
        steps: Sequence[Callable[[Any], Any]],
        resets: Sequence[Callable[..., Any]],
        limit: int | None,
        as_numbers: bool,
        /,
    ) -> None:
        if len(steps) != len(resets):
            raise ValueError("expected as many resets as steps")
        self._steps = steps
        self._resets = resets
        self._limit_of_each = limit
        self._as_numbers = as_numbers
        self._now = 0  # steps made
        self._cuts = [_NEVER] * len(steps)  # the step at which each episode is cut
        self._tells_resets = False  # whether `_before_reset` wants to know

    def step_rows(
        self,
        actions: Any,
        first: int,
        observations: NDArray[Any],
        rewards: NDArray[np.float32],
        ended: NDArray[np.uint8],
        /,
    ) -> dict[int, NDArray[Any]]:
        """Give each environment its action, in turn, and write what came of it.

        Args:
            actions: environment i gets the one at `first` + i.
            first: see `actions`.
            observations: [B, ...]; receives the next ones, first ones where an episode ended.
            rewards: float32 [B].
            ended: uint8 [B], receives bits of TERMINATED and TRUNCATED.

        Returns:
            The last observation of every episode that ended, by environment.
        """
        if first < 0:
            raise ValueError(f"expected the first row of actions, received {first}")
        self._now += 1
        given = actions[first : first + len(self._steps)]
        if self._as_numbers and getattr(actions, "ndim", 0) == 1:
            given = given.tolist()
        final: dict[int, NDArray[Any]] = {}
        for i, step in enumerate(self._steps):
            shown, rewards[i], terminated, truncated, _ = step(given[i])
            observation = self._checked(shown, "step")
            ended[i] = ending(terminated, truncated or self._cuts[i] == self._now)
            if ended[i]:
                final[i] = observation.copy()  # the environment may use its memory again
            else:
                observations[i] = observation
        for i in final:
            if self._tells_resets:
                self._before_reset(i)
            observations[i] = self._checked(self._resets[i](seed=None)[0], "reset")
            self._cut(i, self._limit_of_each)
        return final

    def _cut(self, i: int, left: int | None, /) -> None:
        """The episode of environment i has so many steps left; None: it is not cut."""
        if not 0 <= i < len(self._steps):
            raise IndexError(f"_cut() takes one of {len(self._steps)} environments and the steps left")
        self._cuts[i] = _NEVER if left is None else self._now + left

    def _checked(self, observation: Any, method: str, /) -> NDArray[Any]:
        """What `method` returned, as an array of a row's shape, or an error that says what to do."""
        raise NotImplementedError("a Stepping needs _checked and _before_reset")

    def _before_reset(self, i: int, /) -> None:
        """The next episode of environment i is about to begin."""
        raise NotImplementedError("a Stepping needs _checked and _before_reset")
