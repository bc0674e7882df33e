"""The process of one worker, from inside: what it does between its fork and its end."""

from __future__ import annotations

import contextlib
import select
import threading
import traceback
from functools import partial
from typing import Any

from rlreactor.errors import LinkError, ReactorError, RunError
from rlreactor.runtime.channel import Channel, Closed
from rlreactor.runtime.gpus import show_gpus
from rlreactor.runtime.process import on_stop, pin
from rlreactor.runtime.share import Share
from rlreactor.runtime.snapshotter import Snapshotter
from rlreactor.runtime.warnings_over import warn_over
from rlreactor.runtime.worker import Worker
from rlreactor.scheduler.failure import ReactionFailure

__all__ = ["work"]


def work(share: Share, channel: Channel) -> int:
    """What a forked worker does from beginning to end; returns its exit status."""
    worker: Worker | None = None
    told_to_stop = False

    def stop() -> None:
        nonlocal told_to_stop
        told_to_stop = True
        if worker is not None:
            worker.interrupt()

    warn_over(channel)
    on_stop(stop)
    pin(share.plan.workers[share.worker].cores)
    show_gpus(share.plan.workers[share.worker])
    try:
        worker = Worker(
            share, lambda metrics: channel.send("metrics", metrics=metrics), partial(_say_of_snapshots, channel)
        )
        if worker.snapshotter is not None:
            _listen(channel, worker.snapshotter)
        if worker.links is not None:
            worker.links.waiting.on_stall = lambda lines: channel.send("stalled", lines=lines)
        if told_to_stop:
            worker.interrupt()
        channel.send("done", **worker.run())
        return 0
    except Closed:
        return 70
    except ReactorError as error:
        return _report_failure(channel, error, worker)
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        return _report_failure(channel, RunError(f"worker {share.worker} failed outside of any reaction:\n{text}"))
    finally:
        if worker is not None and worker.links is not None:
            worker.links.close()


def _say_of_snapshots(channel: Channel, **fields: Any) -> None:
    with contextlib.suppress(Closed):  # said from a thread; the worker itself will find out
        channel.send("snapshot", **fields)


def _listen(channel: Channel, snapshotter: Snapshotter) -> None:
    """Let a thread hear of cuts, for as long as the process lives."""

    def hear() -> None:
        poller = select.poll()
        poller.register(channel, select.POLLIN)
        with contextlib.suppress(Closed, OSError):
            while True:
                poller.poll()
                for message in channel.receive():
                    snapshotter.ask(message["at"])

    threading.Thread(target=hear, name="rlreactor-cuts", daemon=True).start()


def _report_failure(channel: Channel, error: ReactorError, worker: Worker | None = None) -> int:
    kind = LinkError if isinstance(error, LinkError) else type(error)
    fields: dict[str, Any] = {"failure": kind.__name__, "text": str(error)}
    if isinstance(error, ReactionFailure):
        fields |= {
            "failure": error.kind, "text": error.text, "path": error.path, "tag": error.tag,
            "rank": error.rank, "user_traceback": error.user_traceback,
        }  # fmt: skip
    if worker is not None:
        fields |= worker.tape.happened()
    with contextlib.suppress(Closed):
        channel.send("failed", **fields)
    return 1
