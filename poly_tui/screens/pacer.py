"""Bundles what comes in faster than it is worth painting."""

import time
from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

__all__ = ["Pacer"]

MIN_INTERVAL_S = 1 / 30
COST_FACTOR = 3


class Pacer:
    """Calls `paint` soon after `want`, but never more often than 30 times a second, and rarer where painting is slow.

    It takes at most a third of the time of a core: the next paint waits three times as long as the last one took.
    """

    def __init__(self, widget: Widget, paint: Callable[[], None]) -> None:
        self._widget = widget
        self._paint = paint
        self._timer: Timer | None = None
        self._painted_at = 0.0
        self._cost_s = 0.0

    @property
    def interval_s(self) -> float:
        """The time between two paints."""
        return max(MIN_INTERVAL_S, COST_FACTOR * self._cost_s)

    def want(self) -> None:
        """Have `paint` called when it is time."""
        if self._timer is None:
            delay_s = self._painted_at + self.interval_s - time.monotonic()
            self._timer = self._widget.set_timer(max(0.001, delay_s), self.flush)

    def flush(self) -> None:
        """Call `paint` now."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._painted_at = time.monotonic()
        # The clock of the thread: waiting for the next frame, or for a busy core, is no cost of ours
        began = time.thread_time()
        self._paint()
        self._widget.call_after_refresh(self._measure, began)

    def _measure(self, began: float) -> None:
        self._cost_s = time.thread_time() - began
