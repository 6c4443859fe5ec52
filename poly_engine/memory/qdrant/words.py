"""Words as sparse vectors, by which Qdrant ranks chunks as BM25 does."""

import sqlite3
import threading
import zlib
from collections.abc import Sequence
from contextlib import closing

from qdrant_client import models

from poly_engine.memory.terms import searchable, terms

__all__ = ["WordVectors"]

# The usual constants of BM25. How long chunks are on average is not known to whoever writes one; they are of one size.
_SATURATION, _LENGTH_SHARE, _USUAL_LENGTH = 1.2, 0.75, 150


class WordVectors:
    """Turns texts into vectors with a place for each word, of which the product is BM25 but for how rare a word is: the
    server knows that and multiplies by it (the modifier IDF). Any thread may use it.

    SQLite's tokenizer and stemmer take the words out, as in the built-in store: the same words find the same chunks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._index = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._index.execute(
            "create virtual table words using fts5"
            """ (text, content = '', tokenize = "porter unicode61 remove_diacritics 2")"""
        )
        self._index.execute("create virtual table occurrences using fts5vocab (words, instance)")

    def of_chunks(self, texts: Sequence[str]) -> list[models.SparseVector]:
        """The vectors of what is to be found; one without any word is empty."""
        return [_weighted(counts) for counts in self._counts([searchable(text) for text in texts])]

    def of_question(self, text: str) -> models.SparseVector:
        """The vector of what is looked for."""
        (counts,) = self._counts([" ".join(terms(text))])
        return models.SparseVector(indices=sorted(counts), values=[1.0] * len(counts))

    def close(self) -> None:
        """Free what it holds."""
        with self._lock:
            self._index.close()

    def _counts(self, texts: Sequence[str]) -> list[dict[int, int]]:
        """How often each word is in each text. A word is known by a hash: two of one hash count as one."""
        counts: list[dict[int, int]] = [{} for _ in texts]
        with self._lock, closing(self._index.cursor()) as cursor:
            cursor.execute("begin")
            try:
                cursor.executemany("insert into words (rowid, text) values (?, ?)", enumerate(texts))
                for text, word in cursor.execute("select doc, term from occurrences"):
                    place = zlib.crc32(word.encode())
                    counts[text][place] = counts[text].get(place, 0) + 1
            finally:
                cursor.execute("rollback")
        return counts


def _weighted(counts: dict[int, int]) -> models.SparseVector:
    length = sum(counts.values()) / _USUAL_LENGTH
    dampening = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length)
    places = sorted(counts)
    weights = [counts[place] * (_SATURATION + 1) / (counts[place] + dampening) for place in places]
    return models.SparseVector(indices=places, values=weights)
