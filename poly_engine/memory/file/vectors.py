"""The vectors of a memory in memory: what the database holds, kept up to date, and searched exactly."""

import sqlite3
import zlib
from collections.abc import Collection

import numpy as np

from poly_engine.memory.records import Match, Vectors

__all__ = ["VectorTable", "packed", "unpacked"]


def packed(vector: Vectors) -> tuple[bytes, int]:
    """A vector of length 1 as it is stored, in 16-bit floats, and a checksum of that."""
    raw = vector.astype(np.float16).tobytes()
    return raw, zlib.crc32(raw)


def unpacked(raw: bytes) -> Vectors:
    """A stored vector."""
    return np.frombuffer(raw, np.float16).astype(np.float32)


class VectorTable:
    """All vectors, shape (n, dimensions). Other processes may write: `refresh` takes in what they did."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._ids = np.empty(0, np.int64)
        self._vectors = np.empty((0, dimensions), np.float32)
        self._data_version: int | None = None
        self.damaged: tuple[int, ...] = ()
        """Chunks whose vectors are not what was stored; they are not found any more."""

    def refresh(self, reader: sqlite3.Connection) -> None:
        """Read what was added since the last time, and forget what is gone: microseconds, if nothing changed."""
        (data_version,) = reader.execute("pragma data_version").fetchone()
        if data_version == self._data_version:
            return
        present = np.fromiter((row[0] for row in reader.execute("select id from chunks order by id")), np.int64)
        kept = np.isin(self._ids, present, assume_unique=True)
        if not kept.all():
            self._ids, self._vectors = self._ids[kept], self._vectors[kept]
        last = int(self._ids[-1]) if len(self._ids) else -1
        self._add(reader.execute("select id, vector, crc from chunks where id > ? order by id", (last,)).fetchall())
        self._data_version = data_version

    def nearest(self, vector: Vectors, n: int, among: Collection[int] | None) -> list[Match]:
        """The `n` chunks (of `among`, if it is given) whose vectors are most like `vector`, by the cosine."""
        ids, vectors = self._ids, self._vectors
        if among is not None:
            chosen = np.isin(ids, np.fromiter(among, np.int64), assume_unique=True)
            ids, vectors = ids[chosen], vectors[chosen]
        scores = vectors @ vector
        if len(scores) > n:
            best = np.argpartition(scores, -n)[-n:]
            ids, scores = ids[best], scores[best]
        order = np.lexsort((ids, -scores))
        return [Match(int(ids[i]), float(scores[i])) for i in order]

    def _add(self, rows: list[tuple[int, bytes, int]]) -> None:
        sound = [(chunk, raw) for chunk, raw, crc in rows if self._is_sound(raw, crc)]
        self.damaged += tuple(sorted({chunk for chunk, _, _ in rows} - {chunk for chunk, _ in sound}))
        if sound:
            added = np.frombuffer(b"".join(raw for _, raw in sound), np.float16).astype(np.float32)
            self._ids = np.concatenate([self._ids, np.array([chunk for chunk, _ in sound], np.int64)])
            self._vectors = np.concatenate([self._vectors, added.reshape(-1, self._dimensions)])

    def _is_sound(self, raw: bytes, crc: int) -> bool:
        return len(raw) == 2 * self._dimensions and zlib.crc32(raw) == crc
