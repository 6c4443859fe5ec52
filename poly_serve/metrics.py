"""What is measured while the server runs, for Prometheus."""

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from poly_engine import Done
from poly_engine.types import IngestJob

__all__ = ["METRICS", "Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TOKENS_PER_S = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Metrics:
    """Counters and histograms, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter("poly_requests", "Requests.", ("method", "route", "status"), registry=registry)
        self._took = Histogram("poly_request_seconds", "How long requests took.", ("route",), registry=registry)
        self._tokens = Counter("poly_tokens", "Tokens, by what became of them.", ("task", "kind"), registry=registry)
        self._first_token = Histogram(
            "poly_first_token_seconds", "Time to the first token.", ("task",), buckets=_SECONDS, registry=registry
        )
        self._pace = Histogram(
            "poly_tokens_per_second",
            "Tokens per second of an answer.",
            ("task",),
            buckets=_TOKENS_PER_S,
            registry=registry,
        )
        self._recall = Histogram(
            "poly_recall_seconds", "How long recalls took.", ("memory",), buckets=_SECONDS, registry=registry
        )
        self._waiting = Gauge("poly_waiting_requests", "Requests that wait to be answered.", registry=registry)
        self._backlog = Gauge("poly_ingest_backlog", "Documents in the queue.", ("memory", "state"), registry=registry)

    def add_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. `route` is the pattern of its path, so that there are few."""
        self._requests.labels(method, route, status).inc()
        self._took.labels(route).observe(seconds)

    def add_turn(self, task: str, done: Done) -> None:
        """Count an answer of a task."""
        usage, timings = done.usage, done.timings
        self._tokens.labels(task, "prompt").inc(usage.prompt_tokens - usage.cached_tokens)
        self._tokens.labels(task, "cached").inc(usage.cached_tokens)
        self._tokens.labels(task, "completion").inc(usage.completion_tokens)
        self._first_token.labels(task).observe(timings.first_token_s)
        if timings.decode_s > 0:
            self._pace.labels(task).observe(usage.completion_tokens / timings.decode_s)

    def add_recall(self, memory: str, seconds: float) -> None:
        """Count a recall."""
        self._recall.labels(memory).observe(seconds)

    def show_queue(self, n_waiting: int) -> None:
        """How many requests wait now."""
        self._waiting.set(n_waiting)

    def show_backlog(self, memory: str, jobs: Iterable[IngestJob]) -> None:
        """What is in the queue of a memory now."""
        states = [job.state for job in jobs]
        for state in ("pending", "working", "failed"):
            self._backlog.labels(memory, state).set(states.count(state))

    def text(self) -> bytes:
        """All of it, in the format that Prometheus reads."""
        return generate_latest(self.registry)


METRICS = web.AppKey("metrics", Metrics)
