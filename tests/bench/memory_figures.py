"""What is told of a store: how quick and how true it is, and what it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Figures:
    """A row of the table; what was not measured is None."""

    stored_per_s: float | None = None
    recall_ms: float | None = None
    slow_ms: float | None = None
    """What 95 of 100 recalls do not take."""
    share: float | None = None
    """Of the nearest ten, of 1."""
    memory_mb: float | None = None
    disk_mb: float | None = None

    def row(self, name: str) -> str:
        values = [getattr(self, field.name) for field in fields(self)]
        forms = ("9.0f", "9.2f", "9.2f", "9.3f", "9.0f", "9.0f")
        return f"{name:<24}" + "".join(" " * 9 if v is None else f"{v:{f}}" for v, f in zip(values, forms, strict=True))


HEADING = f"{'':<24}" + "".join(f"{name:>9}" for name in ("stored/s", "p50 ms", "p95 ms", "of 10", "RAM MB", "disk MB"))


def timed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[float, T]:
    """The milliseconds that some work took, and what came of it."""
    begin = time.perf_counter()
    result = work(*args, **kwargs)
    return 1e3 * (time.perf_counter() - begin), result


def percentile_95(times: Sequence[float]) -> float:
    return sorted(times)[int(0.95 * len(times))]


def megabytes(path: Path) -> float:
    """The size of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6
