"""Figures in few cells."""

__all__ = ["bytes_text", "count_text", "pace_text", "seconds_text", "span_text"]

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def count_text(n: int) -> str:
    """How many: 940, 1.2k, 88k, 1.3M."""
    for unit, size in (("M", 10**6), ("k", 10**3)):
        if n >= size:
            return f"{n / size:.1f}{unit}" if n < 10 * size else f"{n // size}{unit}"
    return str(n)


def pace_text(per_s: float) -> str:
    """How many a second: 46.1, 4210; a dash for none."""
    if per_s <= 0:
        return "-"
    return f"{per_s:.1f}" if per_s < 1000 else f"{per_s:.0f}"


def seconds_text(seconds: float) -> str:
    """A short time: 0.41s, 12.0s, 3m12s."""
    if seconds < 10:
        return f"{seconds:.2f}s"
    return f"{seconds:.1f}s" if seconds < _MINUTE_S else span_text(seconds)


def span_text(seconds: float) -> str:
    """A long time in two units: 42s, 3m12s, 3h12m, 4d3h."""
    whole = int(seconds)
    for (name, size), (below, step) in (
        (("d", _DAY_S), ("h", _HOUR_S)),
        (("h", _HOUR_S), ("m", _MINUTE_S)),
        (("m", _MINUTE_S), ("s", 1)),
    ):
        if whole >= size:
            return f"{whole // size}{name}{whole % size // step}{below}"
    return f"{whole}s"


def bytes_text(n_bytes: int) -> str:
    """An amount of memory: 90 MB, 3.4 GB."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
