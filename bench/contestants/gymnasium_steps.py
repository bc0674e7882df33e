"""Lock-step by Gymnasium's vector environments."""

from __future__ import annotations

from typing import Any

import gymnasium

from bench.contestants.bare_steps import make
from bench.contestants.vector_steps import options, report


def vector(kind: str, name: str, count: int) -> Any:
    """A process an environment with observations in shared memory, or all in this process, without a copy out."""
    makers = [lambda: make(name)] * count
    if kind == "async":
        return gymnasium.vector.AsyncVectorEnv(makers, shared_memory=True, copy=False)
    return gymnasium.vector.SyncVectorEnv(makers, copy=False)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--kind", choices=("async", "sync"), required=True)
    chosen = parser.parse_args()
    environments = vector(chosen.kind, chosen.env, chosen.environments)
    environments.reset(seed=0)
    report(environments, int(environments.single_action_space.n), chosen.rounds)


if __name__ == "__main__":
    main()
