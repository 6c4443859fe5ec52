"""How well a memory finds what it should: questions of which it is known where their answers are."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as checked_dataclass

from poly_engine.types import Hit

__all__ = ["Case", "Evaluation"]


@checked_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Case:
    """A question, and what a chunk that answers it is like: of a document whose source matches `source` (* stands for
    any characters), with the text `contains` (white space aside), on `page`; each only if it is given.
    """

    question: str
    source: str | None = None
    contains: str | None = None
    page: int | None = None

    def is_answered_by(self, hit: Hit) -> bool:
        """Whether a hit is what was wanted."""
        if self.source is not None and not (hit.source == self.source or fnmatchcase(hit.source, self.source)):
            return False
        if self.contains is not None and _plain(self.contains) not in _plain(hit.text):
            return False
        first, last = hit.first_page, hit.last_page
        return self.page is None or (first is not None and last is not None and first <= self.page <= last)

    def rank(self, hits: Sequence[Hit]) -> int | None:
        """The place of the first hit that answers it, from 1; None if there is none."""
        return next((rank for rank, hit in enumerate(hits, 1) if self.is_answered_by(hit)), None)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The ranks at which the answers of some cases were found, from 1; None where they were not."""

    ranks: tuple[int | None, ...]

    def recall_at(self, n: int) -> float:
        """The share of the cases that are answered among the first `n` hits."""
        return statistics.fmean(rank is not None and rank <= n for rank in self.ranks)

    @property
    def mrr(self) -> float:
        """The mean reciprocal rank: 1 if each first hit is an answer, 0 if no hit is."""
        return statistics.fmean(0.0 if rank is None else 1 / rank for rank in self.ranks)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
