"""What tasks have done since the server started, as the original counts it."""

import math
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from aiohttp import web

from poly_engine import Done
from poly_serve.metrics import Metrics
from poly_serve.routing import PRINCIPAL

__all__ = ["STATS", "Stats", "count_turn", "resident_bytes"]

_N_LATEST = 256
"""Turns of a task, of which the time to the first token is remembered."""


@dataclass(slots=True)
class TaskStats:
    """The sum over the turns of a task."""

    cycles: int = 0
    prompt_s: float = 0.0
    prompt_tokens: int = 0
    predict_s: float = 0.0
    predict_tokens: int = 0
    first_token_s: deque[float] = field(default_factory=lambda: deque(maxlen=_N_LATEST))


class Stats:
    """Counts turns by task, also for Prometheus."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._began = time.monotonic()
        self._tasks: defaultdict[str, TaskStats] = defaultdict(TaskStats)
        self._first_token_s: deque[float] = deque(maxlen=_N_LATEST)

    @property
    def uptime_s(self) -> float:
        """How long the server has been there."""
        return time.monotonic() - self._began

    def add(self, task: str, done: Done, subject: str) -> None:
        """Count a turn of a task, which a subject asked for."""
        self._metrics.add_turn(task, done, subject)
        stats = self._tasks[task]
        stats.cycles += 1
        stats.prompt_s += done.timings.prefill_s
        stats.prompt_tokens += done.usage.prompt_tokens - done.usage.cached_tokens
        stats.predict_s += done.timings.decode_s
        stats.predict_tokens += done.usage.completion_tokens
        stats.first_token_s.append(done.timings.first_token_s)
        self._first_token_s.append(done.timings.first_token_s)

    def report(self, n_threads: int = 1) -> dict[str, dict[str, object]]:
        """In the shape of the original. A task is in it after its first turn."""
        return {
            name: {
                "cycles": one.cycles,
                "prompt_duration": _duration(one.prompt_s),
                "prompt_duration_threads": _duration(one.prompt_s * n_threads),
                "prompt_tokens": one.prompt_tokens,
                "predict_duration": _duration(one.predict_s),
                "predict_duration_threads": _duration(one.predict_s * n_threads),
                "predict_tokens": one.predict_tokens,
            }
            for name, one in self._tasks.items()
        }

    def latencies(self) -> dict[str, dict[str, float]]:
        """The times to the first token in the latest turns of each task: half of them were shorter, and 95 of 100."""
        return {name: _latency(one.first_token_s) for name, one in self._tasks.items()}

    @property
    def latency(self) -> dict[str, float]:
        """As `latencies`, of all tasks together."""
        return _latency(self._first_token_s)


STATS = web.AppKey("stats", Stats)


def count_turn(request: web.Request, task: str, done: Done) -> None:
    """Count a turn of a task for whoever makes a request."""
    request.app[STATS].add(task, done, request[PRINCIPAL].subject)


def resident_bytes() -> int:
    """The memory of this process, and of those that it has started."""
    process = psutil.Process()
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):  # it may have ended meanwhile
            total += one.memory_info().rss
    return total


def _latency(first_token_s: Iterable[float]) -> dict[str, float]:
    ordered = sorted(first_token_s)
    return {"first_token_p50_s": _quantile(ordered, 0.5), "first_token_p95_s": _quantile(ordered, 0.95)}


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values that so many of them do not exceed; 0 if there are none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _duration(seconds: float) -> dict[str, int]:
    nanos = round(seconds * 1e9)
    return {"secs": nanos // 10**9, "nanos": nanos % 10**9}
