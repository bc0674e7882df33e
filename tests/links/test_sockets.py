"""Sockets and their files: who may come, how much may come, and that nothing stays."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import zmq

from rlreactor.errors import LinkError
from rlreactor.links.socket_folder import SocketFolder, sweep
from rlreactor.links.sockets import Listener, SocketContext, listen_ipc, listen_tcp

LONGEST = 1000


@pytest.fixture(params=["ipc", "tcp"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Listener:
    if request.param == "tcp":
        return listen_tcp()
    return listen_ipc(SocketFolder(tmp_path), "0-1")


def test_frames_go_both_ways(listener: Listener) -> None:
    context = SocketContext()
    reader, writer = context.bind(listener, LONGEST), context.connect(listener.endpoint, LONGEST)
    assert writer.poll(5000, zmq.POLLOUT)
    writer.send(b"there")
    assert reader.recv() == b"there"
    reader.send(b"back")
    assert writer.recv() == b"back"
    context.close(give_up=False)


def test_a_frame_that_is_too_long_is_not_taken(listener: Listener) -> None:
    context = SocketContext()
    reader, writer = context.bind(listener, LONGEST), context.connect(listener.endpoint, LONGEST)
    assert writer.poll(5000, zmq.POLLOUT)
    writer.send(bytes(LONGEST + 1))
    assert not reader.poll(300)
    context.close(give_up=True)


def test_without_a_connection_nothing_is_taken_for_sent() -> None:
    listener = listen_tcp()
    context = SocketContext()
    writer = context.connect(listener.endpoint, LONGEST)
    with pytest.raises(zmq.Again):
        writer.send(b"nobody there", zmq.NOBLOCK)
    context.close(give_up=True)
    os.close(listener.fd)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "8.8.8.8"])
def test_tcp_without_keys_is_for_this_host_alone(address: str) -> None:
    with pytest.raises(LinkError, match=rf"cannot bind tcp://{address} without keys: expected a loopback address"):
        listen_tcp(address)


def test_nobody_else_may_enter_the_folder(tmp_path: Path) -> None:
    folder = SocketFolder(tmp_path)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    folder = SocketFolder(deep)
    with pytest.raises(LinkError, match=r"has \d+ bytes and 107 are possible: .*; set XDG_RUNTIME_DIR to a folder"):
        folder.file("0-1")
    folder.close()


def test_the_folder_goes_with_the_last_file(tmp_path: Path) -> None:
    folder = SocketFolder(tmp_path)
    listeners = [listen_ipc(folder, name) for name in ("0-1", "1-0")]
    folder.forget("0-1")
    assert [path.name for path in folder.path.iterdir()] == ["1-0"]
    folder.forget("1-0")
    assert list(tmp_path.iterdir()) == []
    folder.forget("1-0")  # again: it does not matter
    folder.close()
    for listener in listeners:
        os.close(listener.fd)


def test_what_a_killed_run_leaves_the_next_one_removes(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from rlreactor.links.socket_folder import SocketFolder;"
        "from rlreactor.links.sockets import listen_ipc;"
        "listen_ipc(SocketFolder(Path(sys.argv[1])), '0-1'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    assert [path.name for path in left.iterdir()] == ["0-1"]
    living = SocketFolder(tmp_path)
    assert list(tmp_path.iterdir()) == [living.path]
    sweep(tmp_path)
    assert living.path.exists()
    living.close()


def test_a_folder_with_anything_else_in_it_stays(tmp_path: Path) -> None:
    folder = tmp_path / "rlreactor-sockets-mine"
    folder.mkdir()
    (folder / "results").write_text("weeks of work")
    sweep(tmp_path)
    assert (folder / "results").exists()
