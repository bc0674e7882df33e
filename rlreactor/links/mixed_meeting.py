"""What the supervisor lays out where workers talk over sockets: the listening ends, and the memory of this host."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.exchange import Land, longest_frame
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.links.mixed_carrier import MixedCarrier, distant_ports
from rlreactor.links.socket_folder import SocketFolder
from rlreactor.links.socket_links import SocketLinks
from rlreactor.links.sockets import Listener, SocketKind, listen_ipc, listen_tcp

__all__ = ["MixedMeeting"]

Link = tuple[int, int]


class MixedMeeting:
    """Implements `Meeting` for workers of one host.

    Args:
        workers: how many.
        rings: by link (from, to), bytes of messages that may wait at its reader.
        slot_plans: the ports whose values lie in slots; their `distant` readers are those reached over sockets.
        sockets: the links that go over sockets, each with its kind. A link and its reverse are of one kind.
        audience: per worker, those that read something from it.

    Raises LinkError when memory, a folder or a port cannot be had.
    """

    def __init__(
        self,
        workers: int,
        rings: Mapping[Link, int],
        slot_plans: tuple[SlotPlan, ...],
        sockets: Mapping[Link, SocketKind],
        audience: Sequence[Collection[int]],
    ) -> None:
        self._audience = audience
        near = {link: size for link, size in rings.items() if link not in sockets}
        self._memory = HostMemory(workers, near, slot_plans, DistantBoard.row_length(workers))
        self._workers = workers
        self._windows = {link: rings[link] for link in sockets}
        self._longest = {link: self._longest_frame(*link) for link in sockets}
        self._run = int.from_bytes(os.urandom(8), "little")
        self._folder: SocketFolder | None = None
        self._listeners: dict[Link, Listener] = {}
        try:
            for link, kind in sockets.items():
                self._listeners[link] = self._listen(link, kind)
        except BaseException:
            self.remove()
            raise

    def _longest_frame(self, source: int, target: int) -> int:
        ports = distant_ports(self._memory.slot_plans, source, target)
        row = DistantBoard.row_length(self._workers) + 8 * len(distant_ports(self._memory.slot_plans, target, source))
        return longest_frame(self._windows[source, target], (plan.spec.nbytes for plan in ports), row)

    def _listen(self, link: Link, kind: SocketKind) -> Listener:
        if kind == "tcp":
            return listen_tcp()
        self._folder = self._folder or SocketFolder()
        return listen_ipc(self._folder, f"{link[0]}-{link[1]}")

    @property
    def nbytes(self) -> int:
        """Bytes of shared memory that are reserved."""
        return self._memory.nbytes

    def open(self, me: int) -> MixedCarrier:
        """Everything that worker `me` needs of it, in its own process. Raises LinkError."""
        for link in [link for link in self._listeners if link[1] != me]:
            os.close(self._listeners[link].fd)
        peers = [w for w in range(self._workers) if (me, w) in self._listeners]

        def connect(board: DistantBoard, land: Land) -> SocketLinks:
            return SocketLinks(
                me, board, peers, listeners=self._listeners, longest=self._longest, windows=self._windows,
                run=self._run, land=land, connected=self._connected,
            )  # fmt: skip

        return MixedCarrier(self._memory, me, peers, self._audience[me], connect)

    def _connected(self, listener: Listener) -> None:
        if listener.file and self._folder is not None:
            self._folder.forget(listener.file)

    def watch(self) -> DistantBoard:
        """The board, to look at."""
        rows = self._memory.rows(self._memory.map())
        return DistantBoard(self._workers, None, rows=rows, near=range(self._workers))

    def close(self) -> None:
        """Give back what this process holds; a worker keeps its own."""
        for listener in self._listeners.values():
            os.close(listener.fd)
        self._listeners = {}
        self._memory.close()

    def remove(self) -> None:
        """After the run: nothing is left."""
        self.close()
        if self._folder is not None:
            self._folder.close()
