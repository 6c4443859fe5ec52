"""What is measured while the server runs, for Prometheus."""

from collections.abc import Collection, Iterable

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from poly_engine import Done
from poly_engine.types import IngestJob
from poly_serve.access import KEY_PREFIX

__all__ = ["METRICS", "Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TOKENS_PER_S = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_SUBJECTS = 100
_LONGEST_SUBJECT = 64
_OTHER = "other"
"""What there could be any number of is counted as."""


class Metrics:
    """Counters and histograms, in a registry of their own. The first `n_most_subjects` of tokens are counted by their
    names, and all keys.
    """

    def __init__(self, *, n_most_subjects: int = _MOST_SUBJECTS) -> None:
        self._n_most_subjects = n_most_subjects
        self._subjects: set[str] = set()
        self.registry = registry = CollectorRegistry()
        self._requests = Counter("poly_requests", "Requests.", ("method", "route", "status"), registry=registry)
        self._took = Histogram("poly_request_seconds", "How long requests took.", ("route",), registry=registry)
        self._tokens = Counter("poly_tokens", "Tokens, by what became of them.", ("task", "kind"), registry=registry)
        self._requests_of = Counter("poly_subject_requests", "Requests, by who asks.", ("subject",), registry=registry)
        self._tokens_of = Counter(
            "poly_subject_tokens",
            "Tokens, by who asks and what became of them.",
            ("subject", "kind"),
            registry=registry,
        )
        self._embedded = Counter("poly_embedded_tokens", "Tokens that were embedded.", ("model",), registry=registry)
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
        self._under_way = Gauge("poly_work_under_way", "Requests and turns of chats under way.", registry=registry)
        self._parked = Gauge("poly_parked_sessions", "Sessions whose chats lost the connection.", registry=registry)
        self._backlog = Gauge("poly_ingest_backlog", "Documents in the queue.", ("memory", "state"), registry=registry)

    def add_request(self, method: str, route: str, status: int, seconds: float, subject: str | None = None) -> None:
        """Count a request, also of a subject, if it is known. `route` is the pattern of its path, so that there are
        few.
        """
        self._requests.labels(method if method in hdrs.METH_ALL else _OTHER, route, status).inc()
        self._took.labels(route).observe(seconds)
        if subject is not None:
            self._requests_of.labels(self._label(subject)).inc()

    def add_turn(self, task: str, done: Done, subject: str) -> None:
        """Count an answer of a task to a subject."""
        usage, timings = done.usage, done.timings
        counts = {
            "prompt": usage.prompt_tokens - usage.cached_tokens,
            "cached": usage.cached_tokens,
            "completion": usage.completion_tokens,
        }
        for kind, n_tokens in counts.items():
            self._tokens.labels(task, kind).inc(n_tokens)
            self._tokens_of.labels(self._label(subject), kind).inc(n_tokens)
        self._first_token.labels(task).observe(timings.first_token_s)
        if timings.decode_s > 0:
            self._pace.labels(task).observe(usage.completion_tokens / timings.decode_s)

    def add_embedding(self, model: str, n_tokens: int, subject: str) -> None:
        """Count what was embedded for a subject."""
        self._embedded.labels(model).inc(n_tokens)
        self._tokens_of.labels(self._label(subject), "embedded").inc(n_tokens)

    def add_recall(self, memory: str, seconds: float) -> None:
        """Count a recall."""
        self._recall.labels(memory).observe(seconds)

    def show_work(self, *, n_waiting: int, n_under_way: int, n_parked: int) -> None:
        """How many requests wait now, how many are under way, and how many sessions are parked."""
        self._waiting.set(n_waiting)
        self._under_way.set(n_under_way)
        self._parked.set(n_parked)

    def show_backlog(self, memory: str, jobs: Iterable[IngestJob]) -> None:
        """What is in the queue of a memory now."""
        states = [job.state for job in jobs]
        for state in ("pending", "working", "failed"):
            self._backlog.labels(memory, state).set(states.count(state))

    def _label(self, subject: str) -> str:
        """What a subject is counted as. A token may hold any text, and there may be any number of tokens."""
        name = "".join(sign if sign.isprintable() else "?" for sign in subject[:_LONGEST_SUBJECT])
        if not name.startswith(KEY_PREFIX) and name not in self._subjects:
            if len(self._subjects) >= self._n_most_subjects:
                return _OTHER
            self._subjects.add(name)
        return name

    def n_requests(self, but: Collection[str] = ()) -> tuple[int, int]:
        """How many requests came to their end, and how many of them failed for a reason that is the server's. Those to
        some routes are left out.
        """
        samples = [one for metric in self._requests.collect() for one in metric.samples if one.name.endswith("_total")]
        samples = [one for one in samples if one.labels["route"] not in but]
        failed = [one for one in samples if one.labels["status"].startswith("5")]
        return int(sum(one.value for one in samples)), int(sum(one.value for one in failed))

    def text(self) -> bytes:
        """All of it, in the format that Prometheus reads."""
        return generate_latest(self.registry)


METRICS = web.AppKey("metrics", Metrics)
