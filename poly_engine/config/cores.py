"""How much of this machine we may use: cores, and memory."""

import os
from math import ceil, inf
from pathlib import Path

__all__ = ["MAX_THREADS", "usable_cores", "usable_memory_bytes"]

MAX_THREADS = 512  # GGML_MAX_N_THREADS

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def usable_cores() -> int:
    """The number of physical cores that the system lets this process use, at least 1.

    A second thread on a core only takes turns with the first, and threads beyond the quota of a container stop all
    of them in the middle of a step.
    """
    # 10 ms, which a configuration that says how many threads it wants need not pay
    import psutil

    physical = psutil.cpu_count(logical=False) or inf
    return max(1, ceil(min(physical, _scheduled(), _quota())))


def _scheduled() -> int:
    if hasattr(os, "sched_getaffinity"):  # macOS has none
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> float:
    """Cores' worth of time that the Linux control group grants."""
    try:
        quota, period = _QUOTA.read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # no such file; or "max", which is no number
        return inf


def usable_memory_bytes() -> int:
    """The memory of the machine, or what the Linux control group grants of it."""
    import psutil  # as above

    return int(min(psutil.virtual_memory().total, _memory_limit()))


def _memory_limit() -> float:
    try:
        return int(_MEMORY_LIMIT.read_text())
    except (OSError, ValueError):  # as above
        return inf
