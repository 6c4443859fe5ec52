"""Text as the full-text index wants it: words for most scripts, pairs of characters for those without spaces."""

import re
import sqlite3
from collections.abc import Sequence

__all__ = ["TermCounts", "any_of", "searchable", "terms"]

# Han, kana and Hangul: the index would take a whole run of them for one word
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_WORD = re.compile(r"\w+")
_MOST_TERMS = 64
_COMMON, _FEW, _RAREST = 0.2, 1000, 3
_MOST_COUNTS = 50_000


def searchable(text: str) -> str:
    """`text` with every run of Chinese, Japanese or Korean characters as pairs of neighbours."""
    return _UNSPACED.sub(lambda run: " " + " ".join(_pairs(run[0])) + " ", text)


def terms(text: str) -> list[str]:
    """The words of `text` that are looked for, each once."""
    return list(dict.fromkeys(word.lower() for word in _WORD.findall(searchable(text))))[:_MOST_TERMS]


def any_of(words: Sequence[str]) -> str:
    """An FTS5 query for any of some words; "" for none.

    Each is quoted, since it could be an operator; and they are joined by OR, since a question holds words that no
    answer does: with FTS5's own AND almost nothing was found.
    """
    return " OR ".join(f'"{word}"' for word in words)


class TermCounts:
    """In how many chunks terms occur, counted once each: what is in every fifth chunk tells nothing, and to rank all of
    those takes a tenth of a second.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._n_chunks = 0

    def telling(self, words: Sequence[str], reader: sqlite3.Connection) -> list[str]:
        """Those of `words` that tell something; the rarest few if none does."""
        (n_chunks,) = reader.execute("select coalesce(max(id), 0) from chunks").fetchone()  # about as many, and at once
        if not self._n_chunks / 2 <= n_chunks <= 2 * self._n_chunks:
            self._counts.clear()
            self._n_chunks = n_chunks
        rare = [word for word in words if self._count(word, reader) <= max(_FEW, n_chunks * _COMMON)]
        return rare or sorted(words, key=lambda word: self._count(word, reader))[:_RAREST]

    def _count(self, word: str, reader: sqlite3.Connection) -> int:
        count = self._counts.get(word)
        if count is None:
            (count,) = reader.execute("select count(*) from words where words match ?", (f'"{word}"',)).fetchone()
            if len(self._counts) < _MOST_COUNTS:
                self._counts[word] = count
        return count


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
