"""Text as the full-text index wants it: words for most scripts, pairs of characters for those without spaces."""

import re
import sqlite3
from collections.abc import Sequence

__all__ = ["TermCounts", "any_of", "searchable", "telling", "terms"]

# Han, kana and Hangul: the index would take a whole run of them for one word
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_WORD = re.compile(r"\w+")
_MOST_TERMS = 64
_LEAST_RANKED, _SHARE_RANKED, _READ_PER_RANKED = 2_000, 1 / 15, 10
_MOST_COUNTS = 50_000


def searchable(text: str) -> str:
    """`text` with every run of Chinese, Japanese or Korean characters as pairs of neighbours."""
    if text.isascii():
        return text
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


def telling(counts: Sequence[tuple[str, int]], n: int, n_chunks: int) -> str:
    """An FTS5 query for those of `n_chunks` chunks that hold one of the rarer of some words, which come rarest first
    with their counts; "" for no words. The rarer ones are in `n` chunks at least, if all are.

    To rank a chunk takes FTS5 1 µs, and to read past one 0.05 µs. So common words do not say which chunks are ranked,
    but count in their ranks; and the commonest are left out. `tests.bench.words` tells what that costs: nothing.
    """
    most_ranked = max(_LEAST_RANKED, int(_SHARE_RANKED * n_chunks))
    rare, common, n_read = [], [], 0
    for word, count in counts:
        n_before, n_read = n_read, n_read + count
        if n_read <= most_ranked or n_before < max(n, 1):
            rare.append(word)
        elif n_read <= _READ_PER_RANKED * most_ranked:
            common.append(word)
    if not common:
        return any_of(rare)
    # BM25 adds up over the words of the query: the rare ones are in it twice, and so the common ones have to be.
    return f"({any_of(rare)}) AND ({any_of(rare + common + common)})"


class TermCounts:
    """In how many chunks terms occur, counted once each, until there are twice or half as many chunks."""

    def __init__(self) -> None:
        self.n_chunks = 0
        """How many chunks there are, or somewhat more."""
        self._n_counted = 0
        self._counts: dict[str, int] = {}

    def rarest_first(self, words: Sequence[str], reader: sqlite3.Connection) -> list[tuple[str, int]]:
        """`words` with their counts."""
        (self.n_chunks,) = reader.execute("select coalesce(max(id), 0) from chunks").fetchone()  # to count takes longer
        if not self._n_counted / 2 <= self.n_chunks <= 2 * self._n_counted:
            self._counts.clear()
            self._n_counted = self.n_chunks
        return sorted(((word, self._count(word, reader)) for word in words), key=lambda counted: counted[1])

    def _count(self, word: str, reader: sqlite3.Connection) -> int:
        count = self._counts.get(word)
        if count is None:
            (count,) = reader.execute("select count(*) from words where words match ?", (f'"{word}"',)).fetchone()
            if len(self._counts) < _MOST_COUNTS:
                self._counts[word] = count
        return count


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
