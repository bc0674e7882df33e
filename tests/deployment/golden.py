"""What every engine would be given for the spec of `specs.py`, kept in golden/.

`python -m tests.deployment.golden` writes the files anew; read the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from rlreactor.deployment.compile import compile_deployment, job_of
from rlreactor.deployment.engines.dry_run import dry_run
from rlreactor.deployment.engines.sections import EngineName

from .specs import deployment

__all__ = ["ENGINES", "GOLDEN", "now"]

GOLDEN = Path(__file__).parent / "golden"
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


def now(engine: EngineName) -> str:
    """The text, without the plan's hash, which changes with every part of the plan."""
    compiled = compile_deployment(deployment())
    job = job_of(compiled, engine)
    return dry_run(engine, compiled.deployment, job, "train.yaml").replace(job.plan_hash, "HASH")


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in ENGINES:
        (GOLDEN / f"{name}.txt").write_text(now(name))
