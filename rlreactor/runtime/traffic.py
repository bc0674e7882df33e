"""What a worker really sent over its links."""

from __future__ import annotations

from collections import Counter

from rlreactor.runtime.neighbourhood import Neighbourhood
from rlreactor.scheduler.binding import Binding

__all__ = ["sent_bytes"]


def sent_bytes(links: Neighbourhood, binding: Binding) -> dict[int, int]:
    """Worker → bytes that went there: what passed the ring or the socket, and values that were read in slots."""
    sent = Counter({worker: writer.written for worker, writer in links.outbox.writers.items()})
    for path, storage in links.slots.items():
        for worker in binding.outlets[path].remote:
            sent[worker] += storage.taken * binding.graph.ports[path].spec.nbytes
    return {worker: count for worker, count in sent.items() if count}
