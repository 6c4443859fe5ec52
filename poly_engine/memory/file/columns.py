"""Vectors by the numbers of their chunks, in arrays that have room for more."""

from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from poly_engine.memory.records import Vectors

__all__ = ["Columns", "Rows"]

T = TypeVar("T", bound=np.generic)

Rows: TypeAlias = npt.NDArray[np.int64]

_LEAST_CAPACITY = 1000


class Columns:
    """Rows of a chunk, its vector, and whether it is still there; the chunks in ascending order.

    The vectors are 32-bit floats, 154 MB for 100,000 of 384 dimensions: with 16-bit ones, which are half of that, NumPy
    takes eight times as long.
    """

    def __init__(self, dimensions: int) -> None:
        self.n = 0
        self.n_gone = 0
        self._ids: Rows = np.empty(0, np.int64)
        self._vectors: Vectors = np.empty((0, dimensions), np.float32)
        self._is_present: npt.NDArray[np.bool_] = np.empty(0, np.bool_)

    @property
    def ids(self) -> Rows:
        """The number of the chunk of each row."""
        return self._ids[: self.n]

    @property
    def vectors(self) -> Vectors:
        """The vector of each row. What is returned stays as it is."""
        return self._vectors[: self.n]

    @property
    def is_present(self) -> npt.NDArray[np.bool_]:
        """Whether the chunk of each row is still there."""
        return self._is_present[: self.n]

    def append(self, ids: Rows, vectors: Vectors) -> None:
        """Add rows."""
        new = slice(self.n, self.n + len(ids))
        self._reserve(new.stop)
        self._ids[new], self._vectors[new], self._is_present[new] = ids, vectors, True
        self.n = new.stop

    def remove(self, rows: Rows) -> None:
        """Let the chunks of rows that are there be no more. The rows stay."""
        self._is_present[rows] = False
        self.n_gone += len(rows)

    def close_gaps(self) -> None:
        """Drop the rows of chunks that are not there."""
        is_present = self.is_present
        self._ids, self._vectors = self.ids[is_present], self.vectors[is_present]
        self._is_present = is_present[is_present]
        self.n, self.n_gone = len(self._ids), 0

    def _reserve(self, n: int) -> None:
        """Make room for twice as much: else each new document would move all that is there."""
        if n > len(self._ids):
            capacity = max(2 * len(self._ids), n, _LEAST_CAPACITY)
            self._ids = _moved(self._ids, capacity)
            self._vectors = _moved(self._vectors, capacity)
            self._is_present = _moved(self._is_present, capacity)


def _moved(column: npt.NDArray[T], capacity: int) -> npt.NDArray[T]:
    moved = np.empty((capacity, *column.shape[1:]), column.dtype)
    moved[: len(column)] = column
    return moved
