"""What is told of a store: how quick and how true it is, and what it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figures:
    """A row of the table; what was not measured is None."""

    stored_per_s: float | None = None
    search_ms: float | None = None
    """Half of the searches take less."""
    recall_ms: float | None = None
    """And half of the recalls, which fuse what was found."""
    slow_ms: float | None = None
    """And 95 of 100 of them."""
    share: float | None = None
    """Of the nearest ten, of 1."""
    memory_mb: float | None = None
    disk_mb: float | None = None

    def row(self, name: str) -> str:
        cells = [self._cell(field.name, form) for field, form in zip(fields(self), _FORMS, strict=True)]
        return f"{name:<24}" + "".join(cells)

    def _cell(self, name: str, form: str) -> str:
        value = getattr(self, name)
        return f"{'' if value is None else format(value, form):>9}"


_FORMS = (".0f", ".2f", ".2f", ".2f", ".3f", ".0f", ".0f")
_HEADINGS = ("stored/s", "search", "recall", "p95 ms", "of 10", "RAM MB", "disk MB")
HEADING = f"{'':<24}" + "".join(f"{heading:>9}" for heading in _HEADINGS)


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
