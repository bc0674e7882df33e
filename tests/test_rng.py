"""Random numbers: a function of the run's seed and the reactor's path, of nothing else."""

from __future__ import annotations

import pytest

from rlreactor import Output, Reactor, Result, RunError, Timer, ms, reaction, run

from .placements import run_everywhere


class Dice(Reactor):
    sides: int = 1000
    tick = Timer(0, ms(1))
    out = Output(int)

    @reaction(tick, effects=[out])
    def throw(self) -> None:
        self.out.set(int(self.rng.integers(self.sides)))


class Bank(Reactor):
    size: int = 3

    def compose(self) -> None:
        self.dice = [Dice() for _ in range(self.size)]


class Other(Reactor):
    """The same reactor under another name, among others."""

    def compose(self) -> None:
        self.first = Dice()
        self.dice = [Dice()]


def throws(result: Result, path: str) -> list[int]:
    return [event.value for event in result.trace if event.path == f"{path}.out"]


def test_placement_does_not_matter() -> None:
    run_everywhere(Bank(), timeout=ms(20), seed=7)


def test_reactors_draw_different_numbers() -> None:
    result = run(Bank(), workers=1, timeout=ms(20), trace=True)
    sequences = [throws(result, f"dice[{i}]") for i in range(3)]
    assert len({tuple(sequence) for sequence in sequences}) == 3
    assert all(len(set(sequence)) > 10 for sequence in sequences)


def test_the_seed_matters_and_nothing_else() -> None:
    one, same, other = (run(Bank(), workers=1, timeout=ms(20), trace=True, seed=seed) for seed in (1, 1, 2))
    assert one.trace == same.trace
    assert throws(one, "dice[0]") != throws(other, "dice[0]")


def test_what_else_there_is_does_not_matter() -> None:
    among_three = run(Bank(), workers=1, timeout=ms(20), trace=True)
    among_two = run(Other(), workers=1, timeout=ms(20), trace=True)
    assert throws(among_three, "dice[0]") == throws(among_two, "dice[0]")
    assert throws(among_two, "first") != throws(among_two, "dice[0]")


@pytest.mark.parametrize("seed", [-1, 1.5, True, None])
def test_the_seed_is_checked(seed: object) -> None:
    with pytest.raises(RunError, match="seed: expected an int of 0 or more, received"):
        run(Bank(), workers=1, seed=seed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
