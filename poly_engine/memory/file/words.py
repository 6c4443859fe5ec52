"""Questions for the full-text index of SQLite: which words are asked for, and which say what is ranked."""

import sqlite3
from collections.abc import Sequence

__all__ = ["TermCounts", "any_of", "telling"]

_LEAST_RANKED, _MOST_RANKED, _SHARE_RANKED = 2_000, 4_000, 1 / 15
_READ_PER_RANKED = 10
_MOST_COUNTS = 50_000


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
    but count in their ranks; and the commonest are left out. Of 2,000 headings and sentences that were taken out of
    58,000 chunks of manuals, that found the chunk among the first ten for 37.5 %, in 8 ms; all words find it for
    37.8 %, in 91 ms; words that are in less than every fifth chunk for 37.2 %, in 17 ms; and only the rare ones for
    32.5 %, in 5 ms.
    """
    most_ranked = min(max(_LEAST_RANKED, int(_SHARE_RANKED * n_chunks)), _MOST_RANKED)
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
