"""A TCP connection that misbehaves when told: late, stuck, cut, reset. A process of its own.

    with TcpProxy(target="127.0.0.1:7000") as proxy:
        connect(proxy.address)
        proxy.delay(0.05)

Loss, on TCP, is nothing but bytes that come late: `stall`, then `heal`. A stalled proxy takes new connections without
a word, as a cut cable does not; for that there is `Network.cut`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["TcpProxy"]

_CHUNK = 1 << 18
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class TcpProxy:
    """Passes on whatever comes to `address` to `target`, both as "host:port".

    Args:
        listen: where it listens; on a free port by default.
        start: starts its process; a `Host.start` puts it on that host.
    """

    def __init__(
        self,
        target: str,
        *,
        listen: str = "127.0.0.1:0",
        start: Callable[..., subprocess.Popen[str]] | None = None,
    ) -> None:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = (start or _start)(sys.executable, str(Path(__file__)), listen, target, **pipes)
        self.address = self._answer()

    def delay(self, seconds: float) -> None:
        """Every byte comes that much later from now on."""
        self._tell(f"delay {seconds}")

    def stall(self) -> None:
        """Nothing passes until `heal`; nobody is told, and nothing is lost."""
        self._tell("stall")

    def heal(self) -> None:
        """What was held back passes."""
        self._tell("heal")

    def reset(self) -> int:
        """Break off all connections; bytes under way are lost. How many there were."""
        return int(self._tell("reset"))

    def reset_after(self, nbytes: int) -> None:
        """Break off all connections whenever that many bytes have passed since the last time; 0: no more."""
        self._tell(f"reset_after {nbytes}")

    @property
    def resets(self) -> int:
        """Connections that were broken off."""
        return int(self._tell("resets"))

    @property
    def passed(self) -> int:
        """Bytes that have passed, both ways."""
        return int(self._tell("passed"))

    def _tell(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        assert answer, "the proxy has ended"
        return answer

    def close(self) -> None:
        """End it, and with it all connections."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _start(*words: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(words, text=True, **options)


class _Relay:
    """The process's side."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._delay_s = 0.0
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._passed = self._resets = 0
        self._reset_after = self._since_reset = 0

    async def serve(self, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        server = await asyncio.start_server(self._accept, host, int(port))
        name = server.sockets[0].getsockname()
        print(f"{name[0]}:{name[1]}", flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(self._obey(*line.split()), flush=True)
        os._exit(0)

    def _obey(self, command: str, argument: str = "0") -> int:
        match command:
            case "delay":
                self._delay_s = float(argument)
            case "stall":
                self._open.clear()
            case "heal":
                self._open.set()
            case "reset":
                return self._reset()
            case "reset_after":
                self._reset_after = int(argument)
            case "resets":
                return self._resets
            case _:
                pass
        return self._passed

    def _reset(self) -> int:
        connections = len(self._writers) // 2
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
        self._writers.clear()
        self._resets += connections
        self._since_reset = 0
        return connections

    def _count(self, nbytes: int) -> None:
        self._passed += nbytes
        self._since_reset += nbytes
        if 0 < self._reset_after <= self._since_reset:
            self._reset()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as tasks:
                self._pass(tasks, reader, far_writer)
                self._pass(tasks, far_reader, writer)
        except* OSError:
            pass
        self._writers -= both
        for end in both:
            end.transport.abort()

    def _pass(self, tasks: asyncio.TaskGroup, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one end is closed; bytes wait for their time in a queue, so that a delay costs no throughput."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

        async def take() -> None:
            while data := await reader.read(_CHUNK):
                await queue.put((loop.time() + self._delay_s, data))
            raise ConnectionResetError

        async def give() -> None:
            while True:
                due, data = await queue.get()
                if (left := due - loop.time()) > 0:
                    await asyncio.sleep(left)
                await self._open.wait()
                writer.write(data)
                await writer.drain()
                self._count(len(data))

        tasks.create_task(take())
        tasks.create_task(give())


if __name__ == "__main__":
    asyncio.run(_Relay(sys.argv[2]).serve(sys.argv[1]))
