"""Fetching a model: from the Hugging Face hub, into the cache that other tools share, or from any URL."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from poly_engine.errors import PullFailed
from poly_engine.models.references import parse_reference

__all__ = ["Phase", "PullProgress", "Pulled", "pull"]

Phase: TypeAlias = Literal["resolving", "downloading", "checking", "done"]


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a model has come: `n_done` of `n_total` bytes, if it is known how many there are. `source` is the model as
    it may be shown: a URL less its secrets. Of the rate, None says that it is not known (yet).
    """

    source: str
    n_done: int
    n_total: int | None
    bytes_per_s: float | None
    phase: Phase


@dataclass(frozen=True, slots=True)
class Pulled:
    """The file of a model that is there now, the first one if it comes in several; `size_bytes` is that of all.

    `sha256` was checked, and is None where nobody tells it. `was_there` says that nothing had to be fetched.
    """

    path: Path
    size_bytes: int
    sha256: str | None
    was_there: bool


async def pull(
    reference: str,
    folder: Path | None = None,
    *,
    on_progress: Callable[[PullProgress], None] | None = None,
) -> Pulled:
    """Fetch the model that `reference` names (see `poly_engine.models.references`), unless it is there.

    `folder` is where models are kept; by default, those of the hub are kept in its cache, which other tools share. A file
    has its name only once all of it is there and was checked. Who is cancelled stops at once; what had come is kept, and
    the next one goes on with it. Raises PullFailed, or InvalidRequest for a reference that means nothing.
    """
    parsed = parse_reference(reference)
    raise PullFailed(f"{parsed} cannot be fetched yet")
