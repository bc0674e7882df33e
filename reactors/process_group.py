"""Process groups: the workers that a bank of learners lives on, joined by torch.distributed (gloo, or NCCL on GPUs).

Only all-gather is used: it moves bits and adds nothing, so its outcome is the same however it is done. With a learner
on each of N workers, each receives 4 (N - 1) bytes for every weight and step. A ring of all-reduce would have it
receive 8 (N - 1) / N, but adds up in an order that depends on the number of processes and on the algorithm that the
library chooses for the size.

What goes over the network is neither encrypted nor authenticated. It stays on the loopback unless a network is named.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rlreactor.algos.sharing import Part
from rlreactor.errors import RunError
from rlreactor.reactors.invitation import Door, Invitation, interface_in

if TYPE_CHECKING:
    import torch
    from torch._C._distributed_c10d import Store

__all__ = ["Bounds", "BrokenOff", "ProcessGroup"]

_LAST_WORDS_S = 2.0  # after an exchange came to nothing: for the others to say that they are still there


class BrokenOff(Exception):
    """An exchange came to nothing because another process has left it; that one knows why."""


class Bounds(NamedTuple):
    """Where a group may speak, with what, and how long it waits."""

    network: str
    device: str
    timeout_s: float


class ProcessGroup:
    """This worker's part in the group.

    Args:
        invitation: of the bank's first learner.
        door: where that one listens, on its worker.
        own: indices of the learners on this worker.
        learners: how many there are.
        name: of the learner with an index.
        bounds: where, with what, and for how long.

    Raises RunError when the others do not come, naming them.
    """

    def __init__(
        self,
        invitation: Invitation,
        door: Door | None,
        own: Sequence[int],
        learners: int,
        name: Callable[[int], str],
        bounds: Bounds,
    ) -> None:
        import torch
        import torch.distributed

        self._torch, self._distributed = torch, torch.distributed
        self._own = list(own)
        self._name = name
        self._bounds = bounds
        self._invitation = invitation
        self._device = torch.device(bounds.device)
        self._gathered: dict[tuple[Any, ...], torch.Tensor] = {}
        if torch.distributed.is_initialized():
            raise RunError(
                f"{self._names(own)}: this process already belongs to a group of torch.distributed, and one process "
                "can be in one; place learners of different banks on different workers"
            )
        self._store = self._open_store(door)
        self._members = self._meet(learners)
        self._join()

    # Coming together

    def _open_store(self, door: Door | None) -> Store:
        """What everybody writes into and reads from; it is kept by the worker of the first learner."""
        from torch._C._distributed_c10d import PrefixStore, TCPStore  # torch.distributed has them without typing

        address, port = self._invitation.address, self._invitation.port
        fd = None if door is None else door.detach()
        try:
            store = TCPStore(
                address, port, is_master=door is not None, master_listen_fd=fd, wait_for_workers=False,
                timeout=self._timeout,
            )  # fmt: skip
        except RuntimeError as error:
            raise RunError(
                f"{self._names(self._own)}: {self._name(0)} cannot be reached at {address}:{port}: {_line(error)}; "
                "see that no firewall stands in between, or name another network (learner_network)"
            ) from None
        return PrefixStore(self._invitation.bank, store)

    def _meet(self, learners: int) -> list[list[int]]:
        """The indices of the learners on each worker; workers come in the order of their first learners."""
        end = time.monotonic() + self._bounds.timeout_s
        for index in self._own:
            self._store.set(f"worker of {index}", str(self._own[0]))
        keys = [f"worker of {index}" for index in range(learners)]
        missing = self._missing(keys, end - time.monotonic())
        if missing:
            raise RunError(
                f"{self._names(self._own)} waited {self._bounds.timeout_s:g} s for {self._names(missing)} at "
                f"{self._invitation.address}:{self._invitation.port} in vain; see what became of the worker, or raise "
                "exchange_timeout"
            )
        members: dict[int, list[int]] = {}
        for index, key in enumerate(keys):
            members.setdefault(int(self._store.get(key)), []).append(index)
        return [members[first] for first in sorted(members)]

    def _join(self) -> None:
        interface = interface_in(self._bounds.network).name
        # Both libraries look here for the interface to listen on; without it they take the host name's.
        os.environ.update(GLOO_SOCKET_IFNAME=interface, NCCL_SOCKET_IFNAME=f"={interface}")
        os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")  # a timeout raises here instead of ending the process
        # With a device NCCL connects at once, and refuses two workers on one GPU here and not in the first exchange.
        cuda = self._device.type == "cuda"
        backend = "nccl" if cuda else "gloo"
        try:
            self._distributed.init_process_group(
                backend, store=self._store, rank=self._members.index(self._own), world_size=len(self._members),
                timeout=self._timeout, device_id=self._torch.device("cuda", self._device.index or 0) if cuda else None,
            )  # fmt: skip
        except (RuntimeError, ValueError) as error:  # the latter from a build of torch that knows no GPUs
            raise RunError(f"{self._names(self._own)}: {backend} cannot join the workers: {_line(error)}") from None

    @property
    def _timeout(self) -> timedelta:
        return timedelta(seconds=self._bounds.timeout_s)

    def _missing(self, keys: Sequence[str], patience_s: float) -> list[int]:
        """Positions of the keys that nobody has set, after waiting for all of them."""
        try:
            self._store.wait(list(keys), timedelta(seconds=max(0.001, patience_s)))
        except RuntimeError:
            return [position for position, key in enumerate(keys) if not self._store.check([key])]
        return []

    # Exchanging

    def gather(self, own: Sequence[Part]) -> list[Part]:
        """What all learners have, in order of their indices; valid until the next call with parts of this shape.

        Args:
            own: the parts of the learners on this worker, in order of their indices.

        Raises BrokenOff when another process has left, and RunError when it does not come in time, naming it.
        """
        mine = self._padded([self._torch.as_tensor(part, device=self._device) for part in own])
        begun = time.monotonic()
        gathered = self._room(mine)
        try:
            self._distributed.all_gather(list(gathered), mine)
        except RuntimeError as error:
            self._explain(_line(error), time.monotonic() - begun)
        parts = [row for rows, members in zip(gathered, self._members, strict=True) for row in rows[: len(members)]]
        order = [index for members in self._members for index in members]
        back = [part for _, part in sorted(zip(order, parts, strict=True), key=lambda pair: pair[0])]
        return [part.cpu().numpy() for part in back] if isinstance(own[0], np.ndarray) else back

    def _padded(self, parts: list[torch.Tensor]) -> torch.Tensor:
        """[most, ...]: all workers send as many rows as the one with most learners."""
        most = max(map(len, self._members))
        if most == 1:
            return parts[0][None]
        return self._torch.stack([*parts, *[self._torch.zeros_like(parts[0])] * (most - len(parts))])

    def _room(self, mine: torch.Tensor) -> torch.Tensor:
        """[workers, most, ...], kept: fresh memory costs a page fault every 4 KiB."""
        key = (mine.dtype, *mine.shape)
        if key not in self._gathered:
            self._gathered[key] = mine.new_empty((len(self._members), *mine.shape))
        return self._gathered[key]

    def _explain(self, text: str, waited_s: float) -> None:
        """Raises what an exchange that came to nothing means."""
        if waited_s < 0.9 * self._bounds.timeout_s:
            raise BrokenOff(text) from None
        absent = self._absent()
        raise RunError(
            f"{self._names(self._own)} waited {self._bounds.timeout_s:g} s for {self._names(absent)} in an exchange of "
            "gradients in vain; see what the worker does, or raise exchange_timeout"
        ) from None

    def _absent(self) -> list[int]:
        """The learners whose workers say nothing. Who keeps the store cannot be asked without it."""
        first = [members[0] for members in self._members]
        try:
            self._store.set(f"waited {self._own[0]}", "")
            silent = self._missing([f"waited {index}" for index in first], _LAST_WORDS_S)
        except RuntimeError:
            silent = [0]
        others = [rank for rank, members in enumerate(self._members) if members != self._own]
        return [index for rank in silent or others for index in self._members[rank]]

    def _names(self, indices: Sequence[int]) -> str:
        return ", ".join(map(self._name, indices))

    def close(self) -> None:
        """Leave the group; whoever waits for this worker learns of it at once."""
        if self._distributed.is_initialized():
            self._distributed.destroy_process_group()


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
