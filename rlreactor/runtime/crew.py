"""The worker processes of one host, from outside: fork them, hear what they say, stop them, and leave none."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
from collections.abc import Callable
from typing import Any

from rlreactor.runtime.channel import Channel, Closed
from rlreactor.runtime.process import fork, stop_blocked, tell
from rlreactor.runtime.share import Share
from rlreactor.runtime.working import work

__all__ = ["Crew", "Member"]


class Member:
    """A worker process."""

    def __init__(self, share: Share, pid: int, channel: Channel) -> None:
        self.share = share
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.channel = channel
        self.report: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None
        self.status: int | None = None
        self.told = False  # for whoever passes the outcome on

    @property
    def name(self) -> str:
        reactors = [path or "the topology itself" for path in self.share.plan.workers[self.share.worker].reactors]
        shown = ", ".join(reactors[:4]) + (f" and {len(reactors) - 4} more" if len(reactors) > 4 else "")
        return f"worker {self.share.worker} (pid {self.pid}; {shown})"


class Crew:
    """All workers of a run that are on this host.

    Args:
        hear: takes what they say besides how they end: the member, the kind and the fields of the message.
        changed: called after a member has reported, failed or ended.
    """

    def __init__(
        self,
        hear: Callable[[Member, str, dict[str, Any]], None],
        changed: Callable[[Member], None] = lambda _: None,
    ) -> None:
        self._hear_of = hear
        self._changed = changed
        self.members: list[Member] = []
        self._selector = selectors.DefaultSelector()
        self._others: list[Channel] = []
        self.asked_to_stop = False

    def listen(self, channel: Channel) -> None:
        """Let `attend` return when something comes there too; workers do not keep it."""
        self._others.append(channel)
        self._selector.register(channel, selectors.EVENT_READ)

    def hire(self, share: Share) -> None:
        """Fork one more worker."""
        ours, theirs = Channel.pair()

        def child() -> int:
            for channel in (*self._others, *(member.channel for member in self.members)):
                channel.close()
            ours.close()
            return work(share, theirs)

        with stop_blocked():
            pid = fork(child)
        theirs.close()
        with contextlib.suppress(OSError):  # the child does the same; whoever is first
            os.setpgid(pid, pid)
        member = Member(share, pid, ours)
        self.members.append(member)
        self._selector.register(ours, selectors.EVENT_READ, member)
        self._selector.register(member.pidfd, selectors.EVENT_READ, member)
        if self.asked_to_stop:
            tell(pid)

    def ask_to_stop(self) -> None:
        """Tell all workers to stop at their next tag boundary."""
        self.asked_to_stop = True
        for member in self.members:
            if member.status is None:
                tell(member.pid)

    def ask_for_snapshot(self, cut: int) -> None:
        """Tell all workers of a cut."""
        for member in self.members:
            if member.status is None:
                with contextlib.suppress(Closed):
                    member.channel.send("cut", at=cut)

    def attend(self, timeout_s: float) -> None:
        """Wait until something is said, for that long at most, and take it in."""
        for key, _ in self._selector.select(timeout_s):
            if key.data is not None:
                self._attend(key.data, key.fileobj)

    def _attend(self, member: Member, source: object) -> None:
        if source is member.channel:
            self._hear(member)
            return
        while self._hear(member):
            pass
        self._selector.unregister(member.pidfd)
        member.status = os.waitstatus_to_exitcode(os.waitpid(member.pid, 0)[1])
        if member.report is None and member.failure is None:
            member.failure = {"failure": "RunError", "text": f"{member.name} {_manner(member.status)}"}
        self._changed(member)

    def _hear(self, member: Member) -> bool:
        """Take one load of messages; False at the end."""
        try:
            messages = member.channel.receive()
        except (Closed, OSError):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(member.channel)
            return False
        for message in messages:
            kind = message.pop("kind")
            if kind not in ("done", "failed"):
                self._hear_of(member, kind, message)
                continue
            if kind == "done":
                member.report = message
            else:
                member.failure = message
            self._changed(member)
        return bool(messages)

    def dismiss(self) -> None:
        """Make sure that no process of the run is left, with whatever the reactors themselves started."""
        for member in self.members:
            for kill in (os.kill, os.killpg):
                if member.status is None or kill is os.killpg:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        kill(member.pid, signal.SIGKILL)
        for member in self.members:
            if member.status is None:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(member.pid, 0)
            os.close(member.pidfd)
            member.channel.close()
        self.members.clear()
        self._selector.close()


def _manner(status: int) -> str:
    if status < 0:
        name = signal.Signals(-status).name
        hint = "; the kernel does this when memory runs out (see dmesg)" if name == "SIGKILL" else ""
        return f"was killed by {name}{hint}"
    return f"ended with status {status} without a word; something in a reactor called exit"
