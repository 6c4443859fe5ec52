"""How fast an answer came, from its beginning to its end, in slices of time."""

import time
from collections.abc import Callable
from itertools import pairwise

__all__ = ["MOST_SLICES", "Pulse"]

MOST_SLICES = 32
"""If there are more, two become one: the whole answer is shown, however long it takes."""

SLICE_S = 0.5


class Pulse:
    """Keeps tokens per second of each slice. It is told every now and then how many tokens there are, not of each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slice_s = SLICE_S
        self._speeds: list[float] = []
        self._peak: float | None = None
        self._since: float | None = None
        self._n_before = 0

    @property
    def speeds(self) -> tuple[float, ...]:
        """Tokens per second, the oldest slice first."""
        return tuple(self._speeds)

    @property
    def peak(self) -> float | None:
        """The highest speed of a slice, None before there is one."""
        return self._peak

    def beat(self, n_tokens: int) -> None:
        """There are `n_tokens` by now. The time of the first ones is that of reading the prompt, so it begins there."""
        if self._since is None:
            if n_tokens:
                self._since, self._n_before = self._clock(), n_tokens
            return
        now = self._clock()
        elapsed_s = now - self._since
        if elapsed_s < self._slice_s:
            return
        speed = (n_tokens - self._n_before) / elapsed_s
        self._speeds.append(speed)
        self._peak = max(speed, self._peak or 0.0)
        self._since, self._n_before = now, n_tokens
        if len(self._speeds) > MOST_SLICES:
            self._slice_s *= 2
            self._speeds = [(first + second) / 2 for first, second in list(pairwise(self._speeds))[::2]]
