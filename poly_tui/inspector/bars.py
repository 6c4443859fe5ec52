"""Bars, gauges and sparklines of a few characters."""

from collections.abc import Sequence

__all__ = ["bar", "gauge", "level", "sparkline"]

_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def level(share: float) -> str:
    """A column as high as `share`, 0 to 1; never nothing."""
    return _LEVELS[max(0, min(7, int(share * 8)))]


def sparkline(values: Sequence[float], width: int) -> str:
    """One column for each of the last `width` values, the highest of them full."""
    shown = values[-width:] if width > 0 else ()
    highest = max(shown, default=0.0)
    return "".join(level(value / highest if highest > 0 else 0.0) for value in shown)


def bar(share: float, width: int) -> str:
    """A bar `width` cells long where `share` is 1, in steps of an eighth of a cell, without what is empty."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def gauge(share: float, width: int) -> tuple[str, str]:
    """The full and the empty part of a gauge."""
    n_full = round(max(0.0, min(1.0, share)) * width)
    return "█" * n_full, "░" * (width - n_full)
