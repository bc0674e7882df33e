"""Machines in words: "100 hosts x 64 cores, 25 Gbit/s", for plans that are played against what is not there."""

from __future__ import annotations

import re

from rlreactor.errors import PlanError
from rlreactor.planner.machine import Machine, Network

__all__ = ["ASSUMED", "machine_of"]

ASSUMED = Network(bandwidth=10e9 / 8, latency=50e-6)
"""What joins hosts where nothing is said: 10 Gbit/s and 50 µs."""

_HOSTS = re.compile(r"(?:(\d+)\s*hosts?\s*[x×*]\s*)?(\d+)\s*cores?", re.IGNORECASE)
_GPUS = re.compile(r"(\d+)\s*gpus?", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµ]+(?:/s)?)", re.IGNORECASE)
_MEMORY = {"mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SPEED = {"mbit/s": 1e6 / 8, "gbit/s": 1e9 / 8, "tbit/s": 1e12 / 8, "mb/s": 1e6, "gb/s": 1e9}
_TIME = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3}
_DEFAULT_MEMORY = 4 << 30  # bytes per core, where nothing is said


def machine_of(text: str) -> Machine:
    """The machine that is described, first by its cores, then by what of this matters, separated by commas.

    `8 cores`, or `4 hosts x 8 cores`; `2 GPUs` and `64 GiB` of every host; `25 Gbit/s` and `20 us` between hosts.
    Without them a core has 4 GiB, and hosts are joined by `ASSUMED`. Raises PlanError for anything else.
    """
    first, *more = (part.strip() for part in text.split(","))
    found = _HOSTS.fullmatch(first)
    if found is None or int(found[2]) < 1 or found[1] == "0":
        raise _misunderstood(first, text)
    hosts, cores = int(found[1] or 1), int(found[2])
    memory, gpus, network = cores * _DEFAULT_MEMORY, 0, ASSUMED
    for part in more:
        if (count := _GPUS.fullmatch(part)) is not None:
            gpus = int(count[1])
            continue
        amount, unit = _amount(part, text)
        if unit in _MEMORY:
            memory = round(amount * _MEMORY[unit])
        elif unit in _SPEED:
            network = network.model_copy(update={"bandwidth": amount * _SPEED[unit]})
        else:
            network = network.model_copy(update={"latency": amount * _TIME[unit]})
    return Machine.made_up(cores, memory=memory, gpus=gpus, hosts=hosts, network=network if hosts > 1 else None)


def _amount(part: str, text: str) -> tuple[float, str]:
    found = _AMOUNT.fullmatch(part)
    unit = "" if found is None else found[2].lower()
    if found is None or unit not in {**_MEMORY, **_SPEED, **_TIME} or not float(found[1]):
        raise _misunderstood(part, text)
    return float(found[1]), unit


def _misunderstood(part: str, text: str) -> PlanError:
    return PlanError(
        f"a machine cannot be made of {part!r} in {text!r}; expected cores first, '64 cores' or "
        "'100 hosts x 64 cores', and then, of every host, '2 GPUs', '256 GiB', and of the network '25 Gbit/s', '20 us'"
    )
