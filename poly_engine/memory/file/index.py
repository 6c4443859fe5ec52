"""Near vectors in a memory that is large, without comparing all of them."""

import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poly_engine.memory.file.columns import Rows
from poly_engine.memory.file.index_file import IndexFile, Published, empty_index
from poly_engine.memory.file.vectors import Part, VectorTable
from poly_engine.memory.records import Fingerprint, Vectors

__all__ = ["VectorIndex"]

# Numbers in all vectors: 104,166 vectors of 384. To compare those takes one core 6 ms, while another one is as long at
# the words. An index would answer in 3 ms, but take 41 s to be made, 53 MB of memory and as much of the disk, and miss
# 4 of 1,000 of the nearest.
_N_EXACT = 40_000_000
_FETCHED = 4  # times as many as are wanted, since an index is not exact
_MOST_NEW, _MOST_GONE = 0.1, 0.3  # of what is in the index; then it is to be brought up to date
_AT_ONCE = 100  # vectors, about 50 ms
_BUSY_S, _FAILED_S = 1.0, 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What there was to be indexed at one moment: the vector of `ids[i]` is `vectors[rows[i]]`."""

    generation: str
    ids: Rows
    rows: Rows
    vectors: Vectors

    def counts(self, published: Published) -> tuple[int, int]:
        """How many of them are in an index, and how many are not."""
        n_old = int(np.searchsorted(self.ids, published.last_chunk, "right"))
        return n_old, len(self.ids) - n_old


class VectorIndex:
    """The index of the vectors of a memory, which is made in the background when there are more than `most_exact`, or
    more than it is quick to compare.

    Its files lie beside the database `path`, and may be lost, damaged or outdated at any time: `candidates` says so,
    and then all vectors are to be compared. One process at a time makes it; the others take it when it is there.
    `candidates` is for one thread at a time. To be closed.
    """

    def __init__(self, path: Path, fingerprint: Fingerprint, most_exact: int | None) -> None:
        self._file = IndexFile(path, fingerprint)
        self._dimensions = fingerprint.dimensions
        self._most_exact = _N_EXACT // fingerprint.dimensions if most_exact is None else most_exact
        self._published: Published | None = None
        self._closing = threading.Event()
        self._worker: threading.Thread | None = None
        self._not_before = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether there is one."""
        return self._published is not None

    def candidates(self, vector: Vectors, n: int, table: VectorTable) -> Sequence[Part] | None:
        """The parts of a table in which the `n` vectors are that are nearest; None if that is not known."""
        if table.n_present <= self._most_exact:
            return None
        published = self._published
        if published is None or published.generation != table.generation:
            self._renew(table)
            return None
        n_rows = int(np.searchsorted(table.ids, published.last_chunk, "right"))
        n_old = int(np.count_nonzero(table.is_present[:n_rows]))
        n_new = table.n_present - n_old
        if _is_outdated(published, n_old, n_new):
            self._renew(table)
        rows = _near(published, vector, n, table)
        return (rows, slice(n_rows, None)) if len(rows) + n_new >= n else None

    def close(self) -> None:
        """Stop what is done in the background."""
        self._closing.set()
        if self._worker is not None:
            self._worker.join()

    def _renew(self, table: VectorTable) -> None:
        is_at_work = self._worker is not None and self._worker.is_alive()
        if is_at_work or self._closing.is_set() or time.monotonic() < self._not_before:
            return
        rows = np.flatnonzero(table.is_present)
        snapshot = _Snapshot(table.generation, table.ids[rows], rows, table.vectors)
        self._worker = threading.Thread(target=self._work, args=(snapshot,), name="memory index", daemon=True)
        self._worker.start()

    def _work(self, snapshot: _Snapshot) -> None:
        _give_way()
        try:
            published = self._file.read(snapshot.generation)
            if published is not None:
                self._published = published
            if published is None or _is_outdated(published, *snapshot.counts(published)):
                self._make(snapshot)
        except OSError as error:
            self._not_before = time.monotonic() + _FAILED_S
            logger.warning("the index of a memory cannot be kept: %s", error)
        except Exception:
            self._not_before = time.monotonic() + _FAILED_S
            logger.exception("a memory is searched without an index")

    def _make(self, snapshot: _Snapshot) -> None:
        """Make an index and publish it, unless somebody else does, or this is to stop."""
        with self._file.turn() as is_mine:
            if not is_mine:
                self._not_before = time.monotonic() + _BUSY_S
                return
            begin = time.monotonic()
            made = self._filled(snapshot)
            if made is None:
                return
            logger.info("made an index of %d vectors in %.1f s", len(made.index), time.monotonic() - begin)
            try:
                self._file.publish(made)
            finally:  # where it cannot be kept, it can be used
                self._published = made

    def _filled(self, snapshot: _Snapshot) -> Published | None:
        """An index of all that is in a snapshot, made of the one before if that is of use. None if this is to stop."""
        before = self._file.read(snapshot.generation)  # not the one that is searched in
        if before is None or _has_many_gone(before, snapshot.counts(before)[0]):
            before = Published(empty_index(self._dimensions), snapshot.generation, 0)
        is_new = snapshot.ids > before.last_chunk
        ids, rows = snapshot.ids[is_new], snapshot.rows[is_new]
        for begin in range(0, len(ids), _AT_ONCE):
            if self._closing.is_set():
                return None
            some = slice(begin, begin + _AT_ONCE)
            before.index.add(ids[some].astype(np.uint64), snapshot.vectors[rows[some]], threads=1)
        return Published(before.index, snapshot.generation, int(snapshot.ids[-1]))


def _near(published: Published, vector: Vectors, n: int, table: VectorTable) -> Rows:
    """Rows that are near, several times as many as are wanted. What was removed is still in the index."""
    n_fetched = _FETCHED * n
    while True:
        keys = published.index.search(vector, min(n_fetched, len(published.index)), threads=1).keys
        rows = table.rows_of(keys.astype(np.int64))
        if len(rows) >= n_fetched / 2 or n_fetched >= len(published.index):
            return rows
        n_fetched *= 2


def _is_outdated(published: Published, n_old: int, n_new: int) -> bool:
    """Whether an index is to be brought up to date: `n_old` of its chunks are still there, `n_new` are not in it."""
    return n_new > _MOST_NEW * len(published.index) or _has_many_gone(published, n_old)


def _has_many_gone(published: Published, n_old: int) -> bool:
    return len(published.index) - n_old > _MOST_GONE * len(published.index)


def _give_way() -> None:
    """Let the thread that calls this work only when nobody else wants to: models want all cores."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
