"""The vectors of a memory in memory: what the database holds, kept up to date, and compared exactly."""

import sqlite3
import zlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from poly_engine.memory.file.columns import Columns, Rows
from poly_engine.memory.records import Match, Vectors

__all__ = ["EVERYTHING", "Part", "Span", "VectorTable", "packed", "unpacked"]

Span: TypeAlias = tuple[int, int]
"""Chunks whose numbers follow each other: the first and the last."""

Part: TypeAlias = Rows | slice
"""Some of the rows of a table."""

EVERYTHING: Sequence[Part] = (slice(None),)

_STATE = """
select (select value from facts where key = 'generation'),
    (select coalesce(max(id), 0) from removed),
    (select coalesce(max(chunk), 0) from vectors)
"""
_ROWS_AT_ONCE = 1000
_MOST_GONE = 0.3


def packed(vector: Vectors) -> tuple[bytes, int]:
    """A vector of length 1 as it is stored, in 16-bit floats, and a checksum of that."""
    raw = vector.astype(np.float16).tobytes()
    return raw, zlib.crc32(raw)


def unpacked(raw: bytes) -> Vectors:
    """A stored vector."""
    return np.frombuffer(raw, np.float16).astype(np.float32)


class VectorTable:
    """All vectors, a row for each, in the order of the numbers of their chunks. What is removed keeps its row for some
    time. Other processes may write: `refresh` takes in what they did.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._state: tuple[object, ...] = ()
        self._begin("")

    @property
    def n_present(self) -> int:
        """How many chunks there are to be found."""
        return self._columns.n - self._columns.n_gone

    @property
    def ids(self) -> Rows:
        """The chunk of each row, in ascending order."""
        return self._columns.ids

    @property
    def is_present(self) -> npt.NDArray[np.bool_]:
        """Whether the chunk of each row is still there."""
        return self._columns.is_present

    @property
    def vectors(self) -> Vectors:
        """The vector of each row. What is returned stays as it is."""
        return self._columns.vectors

    def refresh(self, reader: sqlite3.Connection) -> None:
        """Read what was added since the last time, and forget what is gone: microseconds, if nothing changed."""
        state = reader.execute(_STATE).fetchone()
        if state == self._state:
            return
        generation, last_removal, _ = state
        if generation != self.generation or not self._forget_removed(reader):
            self._begin(generation)
        self._add_new(reader)
        self._last_removal, self._state = last_removal, state
        if self._columns.n_gone > _MOST_GONE * self._columns.n:
            self._columns.close_gaps()

    def rows_between(self, spans: Sequence[Span]) -> Rows:
        """The rows of the chunks of some spans that are there."""
        limits = np.array(spans, np.int64).reshape(-1, 2)
        begins = np.searchsorted(self.ids, limits[:, 0])
        lengths = np.searchsorted(self.ids, limits[:, 1], "right") - begins
        n_before = np.cumsum(lengths) - lengths
        rows: Rows = np.arange(lengths.sum()) + np.repeat(begins - n_before, lengths)
        present: Rows = rows[self.is_present[rows]]
        return present

    def rows_of(self, chunks: Rows) -> Rows:
        """The rows of those of some chunks that are there."""
        rows: Rows = np.minimum(np.searchsorted(self.ids, chunks), len(self.ids) - 1)
        present: Rows = rows[(self.ids[rows] == chunks) & self.is_present[rows]]
        return present

    def nearest(self, vector: Vectors, n: int, parts: Sequence[Part] = EVERYTHING) -> list[Match]:
        """The `n` chunks in some parts of the table whose vectors are most like `vector`, by the cosine."""
        scores = np.concatenate([self._scores(vector, part) for part in parts])
        ids = np.concatenate([self.ids[part] for part in parts])
        if len(scores) > n:
            best = np.argpartition(scores, -n)[-n:]
            ids, scores = ids[best], scores[best]
        order = np.lexsort((ids, -scores))
        return [Match(int(ids[i]), float(scores[i])) for i in order if scores[i] != -np.inf]

    def _scores(self, vector: Vectors, part: Part) -> Vectors:
        scores = np.empty(len(self.ids[part]), np.float32)
        if isinstance(part, slice):
            np.vecdot(self.vectors[part], vector, out=scores)  # half the time of @, and one core instead of all
        else:
            for begin in range(0, len(part), _ROWS_AT_ONCE):  # a copy of many rows takes longer than to multiply them
                some = slice(begin, begin + _ROWS_AT_ONCE)
                np.vecdot(self.vectors[part[some]], vector, out=scores[some])
        scores[~self.is_present[part]] = -np.inf
        return scores

    def _begin(self, generation: str) -> None:
        self.generation = generation
        """Numbers of chunks mean the same as long as this is the same."""
        self.damaged: list[int] = []
        """Chunks whose vectors are not what was stored; they are not found."""
        self._columns = Columns(self.dimensions)
        self._last_removal = 0
        self._last_chunk = 0

    def _forget_removed(self, reader: sqlite3.Connection) -> bool:
        """Forget what was removed since the last time. False if that is not known any more."""
        (oldest,) = reader.execute("select min(id) from removed").fetchone()
        if oldest is not None and oldest > self._last_removal + 1:
            return False
        spans = reader.execute("select first, last from removed where id > ?", (self._last_removal,)).fetchall()
        self._columns.remove(self.rows_between(spans))
        self.damaged = [one for one in self.damaged if not any(first <= one <= last for first, last in spans)]
        return True

    def _add_new(self, reader: sqlite3.Connection) -> None:
        new = "select chunk, vector, crc from vectors where chunk > ? order by chunk"
        found = reader.execute(new, (self._last_chunk,))
        while rows := found.fetchmany(_ROWS_AT_ONCE):
            sound = [(chunk, raw) for chunk, raw, crc in rows if self._is_sound(raw, crc)]
            if len(sound) < len(rows):
                self.damaged += sorted({chunk for chunk, _, _ in rows} - {chunk for chunk, _ in sound})
            vectors = np.frombuffer(b"".join(raw for _, raw in sound), np.float16).reshape(-1, self.dimensions)
            self._columns.append(np.array([chunk for chunk, _ in sound], np.int64), vectors.astype(np.float32))
            self._last_chunk = rows[-1][0]

    def _is_sound(self, raw: object, crc: int) -> bool:
        return isinstance(raw, bytes) and len(raw) == 2 * self.dimensions and zlib.crc32(raw) == crc
