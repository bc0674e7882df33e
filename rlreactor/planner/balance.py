"""Groups onto workers: banks evenly in contiguous blocks, then whatever lowers traffic and costs no time.

A greedy start and moves of single groups. An exact solver would need seconds for what this finds in milliseconds, and
would not be better on what people build: banks around a few hubs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rlreactor.planner.board import Board, Load
from rlreactor.planner.traffic import Traffic

__all__ = ["balance"]

_LARGE = 2_000_000  # groups times workers; beyond it only dealing out is quick enough
_ROUNDS = 8  # of improvement; what people build settles in two or three


def balance(
    worker_count: int,
    loads: Sequence[Load],
    banks: Iterable[Sequence[int]],
    traffic: Traffic,
    homes: Sequence[Sequence[int]] | None = None,
) -> dict[int, int]:
    """Group → worker. No worker stays empty that something may move to; there must be a group for every worker.

    Args:
        loads: of every group.
        banks: groups of the same kind, by index, that may be on the same workers; together they are all groups.
        homes: workers that each group may be on; all when not given.
    """
    board = Board(worker_count, loads, traffic, homes)
    if worker_count * len(loads) > _LARGE:
        return _dealt(board, banks)
    for bank in sorted(banks, key=lambda bank: (-max(sum(loads[g].values()) for g in bank), bank[0])):
        _place_bank(board, bank)
    _fill_empty(board)
    for _ in range(_ROUNDS):
        if not _improve(board):
            break
    return board.place


def _dealt(board: Board, banks: Iterable[Sequence[int]]) -> dict[int, int]:
    """Every bank in even blocks over its workers, the next one from where the last ended; nobody stays empty."""
    place: dict[int, int] = {}
    first = 0
    for bank in sorted(banks, key=lambda bank: (-len(bank), bank[0])):
        homes = board.homes[bank[0]]
        wide = min(len(homes), len(bank))
        for index, group in enumerate(bank):
            place[group] = homes[(first + index * wide // len(bank)) % len(homes)]
        first += wide
    return place


def _place_bank(board: Board, bank: Sequence[int]) -> None:
    if len(bank) == 1:
        board.put(bank[0], _best_single(board, bank[0]))
        return
    shares = _shares(board, bank)
    for group in bank:
        open_workers = [worker for worker in board.workers if shares[worker]]
        worker = min(open_workers, key=lambda w: (board.traffic.added(group, w), w))
        shares[worker] -= 1
        board.put(group, worker)


def _best_single(board: Board, group: int) -> int:
    return min(
        board.homes[group],
        key=lambda w: (board.tick_with(group, w), board.traffic.added(group, w), board.totals[w], w),
    )


def _shares(board: Board, bank: Sequence[int]) -> Counter[int]:
    """How many members each worker gets, found by dealing them out one by one."""
    tick, take_turns = board.tick, _take_turns(board, bank)
    for group in bank:
        board.put(group, min(board.homes[group], key=lambda w: _pressure(board, group, w, take_turns)))
    shares = Counter(board.take(group) for group in bank)
    board.tick = tick
    return shares


def _take_turns(board: Board, bank: Sequence[int]) -> bool:
    """Whether no two members work at the same time, like the stages of a chain."""
    phases = [phase for group in bank for phase in board.loads[group]]
    return len(set(phases)) == len(phases)


def _pressure(board: Board, group: int, worker: int, take_turns: bool) -> tuple[int, ...]:
    """What speaks against a worker. Traffic would draw everything that takes turns to one worker."""
    tick, competing = board.tick_with(group, worker), board.competing(group, worker)
    added = 0 if take_turns else board.traffic.added(group, worker)
    return tick, competing, added, board.totals[worker], worker


def _fill_empty(board: Board) -> None:
    """Who asks for a worker gets it: the group leaves that is missed least, of equals the last."""
    for empty in (worker for worker in board.workers if not board.members[worker]):
        crowded = (group for group, worker in board.place.items() if board.members[worker] > 1)
        movable = [group for group in crowded if empty in board.homes[group]]
        if not movable:
            continue
        leaver = min(movable, key=lambda group: (_regret(board, group, empty), -group))
        board.take(leaver)
        board.put(leaver, empty)


def _regret(board: Board, group: int, goal: int) -> tuple[int, int]:
    worker = board.take(group)
    cost = board.traffic.added(group, goal) - board.traffic.added(group, worker)
    board.put(group, worker)
    return cost, -board.totals[worker]


def _improve(board: Board) -> bool:
    """One round of moves that lower traffic, or even out totals, and make no train or tick longer."""
    moved = [group for group in sorted(board.place) if _move(board, group)]
    return bool(moved)


def _move(board: Board, group: int) -> bool:
    old = board.place[group]
    if board.members[old] == 1:
        return False
    limits = board.spans_now(group)
    board.take(group)
    emptiest = min(board.homes[group], key=lambda w: (board.totals[w], w))
    allowed = (w for w in {emptiest, *board.traffic.partners(group)} if _allowed(board, group, w, limits))
    new = min(allowed, key=lambda w: (*_merit(board, group, w), w), default=old)
    better = _merit(board, group, new) < _merit(board, group, old)
    board.put(group, new if better else old)
    return better


def _merit(board: Board, group: int, worker: int) -> tuple[int, int]:
    return board.traffic.added(group, worker), board.totals[worker]


def _allowed(board: Board, group: int, worker: int, limits: dict[str, int]) -> bool:
    if worker not in board.homes[group]:
        return False
    spans = board.spans_with(group, worker)
    fits = all(spans[train] <= limit for train, limit in limits.items())
    return fits and board.total_with(group, worker) <= board.tick
