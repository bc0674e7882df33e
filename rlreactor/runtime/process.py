"""Processes: fork, die with the parent, pin, limit threads."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = [
    "die_with_parent",
    "fork",
    "give_freed_memory_back",
    "keep_freed_memory",
    "limit_threads",
    "on_stop",
    "pin",
    "sleeps_of",
    "stop_blocked",
    "tell",
    "threads_restored",
]

STOP = signal.SIGUSR1  # the supervisor's one order: stop at the next tag boundary
_PR_SET_PDEATHSIG = 1
_TGKILL = {"x86_64": 234, "aarch64": 131}  # the system call's number
_libc = ctypes.CDLL(None, use_errno=True)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def fork(child: Callable[[], int]) -> int:
    """Run `child` in a new process, which ends with its return value; returns the process id here."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = _fork_uncollected()
    if pid:
        return pid
    status = 70
    try:
        os.setpgid(0, 0)  # Ctrl-C reaches the supervisor alone, and the worker's own children can be ended with it
        die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        status = child()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _fork_uncollected() -> int:
    """`os.fork`; what is garbage now, sockets for instance, is not the child's to end, neither now nor later."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            # Python ≥ 3.12 warns of threads in the parent; here they are those of numeric libraries: they handle forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            gc.freeze()
    finally:
        if collecting:
            gc.enable()
    return pid


def die_with_parent(parent: int) -> None:
    """Be killed when the process that forked this one dies, however it dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call
        os._exit(70)


def tell(pid: int) -> None:
    """Send `STOP` to the main thread of a process.

    A signal to the whole process may be taken by a thread of a numeric library; Python then notes it, but may not make
    the busy main thread look.
    """
    _libc.syscall(_TGKILL[platform.machine()], pid, pid, STOP)


def sleeps_of(pid: int) -> int:
    """How often the main thread of a process has gone to sleep of its own accord; 0 if it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/task/{pid}/status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                return int(line.split()[1])
    return 0


@contextlib.contextmanager
def stop_blocked() -> Generator[None]:
    """Meanwhile `STOP` waits: a process forked here is not killed by it before it can handle it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {STOP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def on_stop(handler: Callable[[], None]) -> None:
    """Call `handler` whenever somebody tells this process to stop."""

    def handle(number: int, frame: FrameType | None) -> None:
        handler()

    signal.signal(STOP, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {STOP})


def pin(cores: Iterable[int]) -> tuple[int, ...]:
    """Run on these cores only, as far as they are allowed; returns the cores the kernel really gave."""
    allowed = os.sched_getaffinity(0)
    wanted = set(cores) & allowed
    if wanted:
        os.sched_setaffinity(0, wanted)
    return tuple(sorted(os.sched_getaffinity(0)))


def give_freed_memory_back() -> None:
    """Let the kernel have what this process has freed, or the one it was forked from.

    What is used again would not be seen as taken. Without glibc it has no effect.
    """
    malloc_trim = getattr(_libc, "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def keep_freed_memory() -> None:
    """Let this process use again what it frees, up to 1 GiB, instead of giving it back to the kernel.

    Reactions make arrays of the same sizes at every tag. As glibc is set by default, those of some MiB come from the
    kernel each time, page by page, which can take longer than filling them. Without glibc it has no effect.
    """
    mallopt = getattr(_libc, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
        mallopt(_M_TRIM_THRESHOLD, 1 << 30)


def limit_threads(threads: int) -> None:
    """Let numeric libraries use that many threads: BLAS, OpenMP, and torch where it is loaded.

    Thread counts change results in the last bits, so they are set by the plan and never left to the machine.
    """
    import threadpoolctl

    os.environ.update(dict.fromkeys(_VARIABLES, str(threads)))  # for libraries that are loaded later
    controller: Any = threadpoolctl.ThreadpoolController()
    without = [found.dynlib for found in controller.lib_controllers if _has_lost_threads(found.dynlib)]
    controller.limit(limits=threads)
    if threads == 1:
        for library in without:
            library.blas_thread_shutdown_()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _has_lost_threads(library: ctypes.CDLL) -> bool:
    """Whether this is an OpenBLAS whose threads went with a fork.

    It starts them again when it is told how many to use, even one, and each then looks for work for 0.1 s before it
    sleeps: as much processor time as a short run takes.
    """
    if not (hasattr(library, "blas_server_avail") and hasattr(library, "blas_thread_shutdown_")):
        return False
    return not ctypes.c_int.in_dll(library, "blas_server_avail").value


@contextlib.contextmanager
def threads_restored() -> Generator[None]:
    """Afterwards numeric libraries use as many threads as before."""
    environment = dict(os.environ)  # threadpoolctl itself sets a variable when it is loaded
    import threadpoolctl

    torch = sys.modules.get("torch")
    torch_threads = None if torch is None else torch.get_num_threads()
    with threadpoolctl.threadpool_limits():
        yield
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    if torch is not None:
        torch.set_num_threads(torch_threads)
