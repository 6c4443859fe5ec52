"""What tasks have done since the server started, as the original counts it."""

from collections import defaultdict
from dataclasses import dataclass

from aiohttp import web

from poly_engine import Done
from poly_serve.metrics import Metrics
from poly_serve.routing import PRINCIPAL

__all__ = ["STATS", "Stats", "count_turn"]


@dataclass(slots=True)
class TaskStats:
    """The sum over the turns of a task."""

    cycles: int = 0
    prompt_s: float = 0.0
    prompt_tokens: int = 0
    predict_s: float = 0.0
    predict_tokens: int = 0


class Stats:
    """Counts turns by task, also for Prometheus."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._tasks: defaultdict[str, TaskStats] = defaultdict(TaskStats)

    def add(self, task: str, done: Done, subject: str) -> None:
        """Count a turn of a task, which a subject asked for."""
        self._metrics.add_turn(task, done, subject)
        stats = self._tasks[task]
        stats.cycles += 1
        stats.prompt_s += done.timings.prefill_s
        stats.prompt_tokens += done.usage.prompt_tokens - done.usage.cached_tokens
        stats.predict_s += done.timings.decode_s
        stats.predict_tokens += done.usage.completion_tokens

    def report(self, n_threads: int = 1) -> dict[str, object]:
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


STATS = web.AppKey("stats", Stats)


def count_turn(request: web.Request, task: str, done: Done) -> None:
    """Count a turn of a task for whoever makes a request."""
    request.app[STATS].add(task, done, request[PRINCIPAL].subject)


def _duration(seconds: float) -> dict[str, int]:
    nanos = round(seconds * 1e9)
    return {"secs": nanos // 10**9, "nanos": nanos % 10**9}
