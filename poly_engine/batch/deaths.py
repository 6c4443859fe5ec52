"""How often the worker of a model died, and what that means for the next one: a pause, or that none is started."""

from collections import deque
from dataclasses import dataclass

__all__ = ["Deaths", "Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a worker may die.

    After the first death the next worker is started at once, after the second one `first_pause_s` later, and then after
    twice as long each time, up to `longest_pause_s`; one that lived for `good_life_s` makes a death the first again.
    After `n_most` deaths within `window_s` none is started for `refusal_s`; then it is tried once more.
    """

    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0
    good_life_s: float = 60.0
    n_most: int = 5
    window_s: float = 600.0
    refusal_s: float = 60.0


class Deaths:
    """The deaths of the workers of one model. It knows no clock: times are in seconds, from any fixed point."""

    def __init__(self, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._times: deque[float] = deque(maxlen=patience.n_most)
        self._n_in_a_row = 0
        self.last_cause = ""
        """What ended the last worker that died."""

    def add(self, now: float, lived_s: float, cause: str) -> None:
        """Note that a worker has died."""
        self._n_in_a_row = 1 if lived_s >= self._patience.good_life_s else self._n_in_a_row + 1
        self._times.append(now)
        self.last_cause = cause

    def pause_s(self, now: float) -> float:
        """How long to wait before the next worker is started."""
        if self._n_in_a_row < 2:
            return 0.0
        patience = self._patience
        pause_s = min(patience.first_pause_s * 2.0 ** (self._n_in_a_row - 2), patience.longest_pause_s)
        return max(self._times[-1] + pause_s - now, 0.0)

    def refusal_s(self, now: float) -> float:
        """For how long no worker is to be started at all; 0 if one may be."""
        patience = self._patience
        if len(self._times) < patience.n_most or self._times[-1] - self._times[0] > patience.window_s:
            return 0.0
        return max(self._times[-1] + patience.refusal_s - now, 0.0)

    def refusal(self, now: float) -> str:
        """Why no worker is started, as a sentence; "" if one may be."""
        seconds = self.refusal_s(now)
        if not seconds:
            return ""
        minutes = self._patience.window_s / 60
        often = f"it died {self._patience.n_most} times within {minutes:g} minutes"
        return f"{often}, and is tried again in {seconds:.0f} s; the last time {self.last_cause}"
