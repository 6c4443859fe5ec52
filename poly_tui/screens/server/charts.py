"""How a server was in the last minutes, as lines of little bars."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from poly_serve.reports import ServerReport

__all__ = ["Charts", "Figure", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_SPAN_S = 300.0
_LEAST_S_PER_BAR = 1.0


class Figure(Enum):
    """What is drawn."""

    PACE = "tok/s"
    QUEUE = "queue"
    P50 = "ttft p50"
    P95 = "ttft p95"


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    values: dict[Figure, float]


class Charts:
    """Remembers reports for `span_s`, each at the time that `clock` tells when it is added."""

    def __init__(self, clock: Callable[[], float], span_s: float = _SPAN_S) -> None:
        self._clock = clock
        self._span_s = span_s
        self._samples: deque[_Sample] = deque()
        self._last: tuple[float, ServerReport] | None = None

    def add(self, report: ServerReport) -> None:
        """Take in how the server is now."""
        now = self._clock()
        values = {
            Figure.QUEUE: float(report.n_waiting),
            Figure.P50: report.first_token_p50_s,
            Figure.P95: report.first_token_p95_s,
        }
        if (pace := self._pace(now, report)) is not None:
            values[Figure.PACE] = pace
        self._last = now, report
        self._samples.append(_Sample(now, values))
        while self._samples[0].at < now - self._span_s:
            self._samples.popleft()

    def forget(self) -> None:
        """Begin anew, with another server."""
        self._samples.clear()
        self._last = None

    def latest(self, figure: Figure) -> float:
        """The last value; 0 before there is one."""
        return next((one.values[figure] for one in reversed(self._samples) if figure in one.values), 0.0)

    def bars(self, figure: Figure, n: int) -> Sequence[float | None]:
        """The means in `n` equal parts of the time that is remembered, the latest last; None before anything is known.

        A part is a second at least, so that the first minutes do not stand still.
        """
        if not self._samples or n < 1:
            return [None] * n
        end = self._samples[-1].at
        s_per_bar = max(_LEAST_S_PER_BAR, (end - self._samples[0].at) / n)
        found: list[list[float]] = [[] for _ in range(n)]
        for sample in self._samples:
            place = n - 1 - int((end - sample.at) / s_per_bar)
            if figure in sample.values and place >= 0:
                found[place].append(sample.values[figure])
        means = [sum(values) / len(values) if values else None for values in found]
        for place in range(1, n):  # a report that came late leaves no gap
            means[place] = means[place - 1] if means[place] is None else means[place]
        return means

    def _pace(self, now: float, report: ServerReport) -> float | None:
        """Tokens a second since the last report; None without one, or if the server was begun anew."""
        if self._last is None:
            return None
        then, before = self._last
        if now <= then or report.n_tokens < before.n_tokens or report.uptime_s < before.uptime_s:
            return None
        return (report.n_tokens - before.n_tokens) / (now - then)


def sparkline(values: Sequence[float | None]) -> str:
    """Bars from nothing to the largest of the values; a space where nothing is known."""
    most = max((value for value in values if value is not None), default=0.0)
    return "".join(" " if value is None else _BARS[_height(value, most)] for value in values)


def _height(value: float, most: float) -> int:
    return 0 if most <= 0 else min(len(_BARS) - 1, round(value / most * (len(_BARS) - 1)))
