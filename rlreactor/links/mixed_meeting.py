"""What is laid out before the workers of a host are forked, where they talk over sockets: the listening ends, and the
memory of this host.

On several hosts each lays out its own part. Then they tell each other, through whoever started them, where they listen
and the public keys of their workers (`endpoints`, `publics`, `meet`). A secret key never leaves the host that made it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rlreactor.links.distant_board import DistantBoard
from rlreactor.links.exchange import Land, longest_frame
from rlreactor.links.host_memory import HostMemory, SlotPlan
from rlreactor.links.keys import Certificate, new_certificate
from rlreactor.links.mixed_carrier import MixedCarrier, distant_ports
from rlreactor.links.socket_folder import SocketFolder
from rlreactor.links.socket_links import SocketLinks
from rlreactor.links.sockets import Listener, Peer, SocketKind, listen_ipc, listen_tcp

__all__ = ["Link", "MixedMeeting", "Site"]

Link = tuple[int, int]


class Site(NamedTuple):
    """One host's part of a run on several.

    Attributes:
        here: the workers of this host.
        address: where it listens for those of others.
        ports: first and last port that may be used; None: any that is free.
        run: a number that no other run has.
        epoch: grows with every restart of the run.
        names: of all workers, for errors.
    """

    here: frozenset[int]
    address: str
    ports: tuple[int, int] | None
    run: int
    epoch: int
    names: Sequence[str]


class MixedMeeting:
    """Implements `Meeting` for the workers of one host.

    Args:
        workers: how many there are on all hosts.
        rings: by link (from, to), bytes of messages that may wait at its reader.
        slot_plans: the ports whose values lie in slots; their `distant` readers are those reached over sockets.
        sockets: the links that go over sockets, each with its kind. A link and its reverse are of one kind.
        audience: per worker, those that read something from it.
        site: this host's part of a run on several; None: there is no other.

    Attributes:
        windows: by link that goes over sockets, bytes of messages that may be under way and unread.

    Raises LinkError when memory, a folder or a port cannot be had.
    """

    def __init__(
        self,
        workers: int,
        rings: Mapping[Link, int],
        slot_plans: tuple[SlotPlan, ...],
        sockets: Mapping[Link, SocketKind],
        audience: Sequence[Collection[int]],
        site: Site | None = None,
    ) -> None:
        self._audience = audience
        self._site = site
        self._here = frozenset(range(workers)) if site is None else site.here
        near = {link: size for link, size in rings.items() if link not in sockets and self._here.issuperset(link)}
        self._memory = HostMemory(workers, near, slot_plans, DistantBoard.row_length(workers), self._here)
        self._mapping = self._memory.map()
        self._workers = workers
        self.windows = {link: rings[link] for link in sockets}
        self._longest = {link: self._longest_frame(*link) for link in sockets}
        self._run = int.from_bytes(os.urandom(8), "little") if site is None else site.run
        self._folder: SocketFolder | None = None
        self._listeners: dict[Link, Listener] = {}
        try:
            for link, kind in sockets.items():
                if link[1] in self._here:
                    self._listeners[link] = self._listen(link, kind)
        except BaseException:
            self.remove()
            raise

        self._peers = {me: [w for w in range(workers) if (me, w) in sockets] for me in self._here}
        self._certificates = {} if site is None else {worker: new_certificate() for worker in sorted(self._here)}
        self.endpoints = {link: listener.endpoint for link, listener in self._listeners.items()}
        self.publics = {worker: own.public for worker, own in self._certificates.items()}
        self._known: dict[int, Peer] = {}

    def meet(self, endpoints: Mapping[Link, str], publics: Mapping[int, bytes]) -> None:
        """Where all hosts listen, and the public keys of their workers. Before any worker is forked."""
        assert self._site is not None
        self.endpoints |= endpoints
        self._known = {
            worker: Peer(self._site.names[worker], public)
            for worker, public in publics.items()
            if worker not in self._here
        }

    def _longest_frame(self, source: int, target: int) -> int:
        ports = distant_ports(self._memory.slot_plans, source, target)
        row = DistantBoard.row_length(self._workers) + 8 * len(distant_ports(self._memory.slot_plans, target, source))
        return longest_frame(self.windows[source, target], (plan.spec.nbytes for plan in ports), row)

    def _listen(self, link: Link, kind: SocketKind) -> Listener:
        if self._site is not None and link[0] not in self._here:
            return listen_tcp(self._site.address, self._site.ports, with_keys=True)
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
        peers, own = self._peers[me], self._own(me)

        def connect(board: DistantBoard, land: Land) -> SocketLinks:
            return SocketLinks(
                me, board, peers, listeners=self._listeners, endpoints=self.endpoints, longest=self._longest,
                windows=self.windows, run=self._run, epoch=0 if self._site is None else self._site.epoch,
                land=land, connected=self._connected, own=own, known=self._known,
            )  # fmt: skip

        return MixedCarrier(self._memory, me, peers, self._audience[me], connect)

    def _own(self, me: int) -> Certificate | None:
        """The keys of `me`; in this process, those of its neighbours are forgotten."""
        own = self._certificates.get(me)
        self._certificates.clear()
        return own

    def _connected(self, listener: Listener) -> None:
        if listener.file and self._folder is not None:
            self._folder.forget(listener.file)

    def watch(self) -> DistantBoard:
        """The board, to look at: of other hosts nothing is known in this process."""
        rows = self._memory.rows(self._mapping)
        return DistantBoard(self._workers, None, rows=rows, near=sorted(self._here))

    def rows(self) -> dict[int, bytes]:
        """What the workers of this host say of themselves, those that have said anything."""
        rows = self._memory.rows(self._mapping)
        return {worker: rows.read(worker)[1] for worker in sorted(self._here) if rows.version(worker)}

    def close(self) -> None:
        """Give back what this process holds; a worker keeps its own."""
        for listener in self._listeners.values():
            os.close(listener.fd)
        self._listeners = {}
        self._certificates = {}
        self._memory.close()

    def remove(self) -> None:
        """After the run: nothing is left."""
        self.close()
        if self._folder is not None:
            self._folder.close()
