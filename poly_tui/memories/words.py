"""Figures in words: counts, sizes, times and shares, as short as rows need them."""

from datetime import datetime

__all__ = ["age", "bar", "counted", "duration", "grouped", "score", "size"]

_UNITS = ("B", "kB", "MB", "GB", "TB")
_EIGHTHS = " ▏▎▍▌▋▊▉"


def grouped(n: int) -> str:
    """12 345 in groups of three, which do not break."""
    return f"{n:,}".replace(",", "\u00a0")


def counted(n: int, noun: str, plural: str = "") -> str:
    """1 chunk, 2 chunks."""
    return f"{grouped(n)} {noun if n == 1 else plural or noun + 's'}"


def size(n_bytes: int) -> str:
    """1.8 MB."""
    amount, unit = float(n_bytes), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 or amount >= 10 else f"{amount:.1f} {_UNITS[unit]}"


def age(then: float, now: float) -> str:
    """How long ago that was: now, 5m, 3h, 2d; or the day, if it is long ago."""
    passed = now - then
    if passed < 60:
        return "now"
    if passed < 3600:
        return f"{passed / 60:.0f}m"
    if passed < 86_400:
        return f"{passed / 3600:.0f}h"
    if passed < 30 * 86_400:
        return f"{passed / 86_400:.0f}d"
    return datetime.fromtimestamp(then).astimezone().strftime("%b %y")


def duration(seconds: float) -> str:
    """45 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def score(value: float | None) -> str:
    """A score of 0 to 1 in three characters: .81."""
    return "—" if value is None else f"{value:.2f}".replace("0.", ".", 1)


def bar(share: float, width: int) -> str:
    """A bar of so many cells, filled by a share."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(width)
