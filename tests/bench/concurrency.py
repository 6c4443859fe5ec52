"""`python -m tests.bench.concurrency`: how long a recall takes while another process takes in documents.

The recalls are those of a memory without its embedding model. Each reads what was added since the one before it.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from poly_engine.memory.file import FileStore
from poly_engine.memory.recall import CANDIDATES, fuse
from poly_engine.memory.records import Fingerprint, Query
from tests.bench.memory import CHUNKS_OF_A_DOCUMENT, DIMENSIONS, Corpus

FINGERPRINT = Fingerprint("random", DIMENSIONS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000, help="chunks that are there from the beginning")
    parser.add_argument("--documents", type=int, default=200, help=f"taken in, of {CHUNKS_OF_A_DOCUMENT} chunks each")
    parser.add_argument("--pace", type=float, default=10, help="documents taken in per second, if that is possible")
    parser.add_argument("--recalls", type=float, default=16, help="per second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "memory.db")
        _take_in(path, 0, options.size // CHUNKS_OF_A_DOCUMENT, 1e9)
        with closing(FileStore(path, FINGERPRINT)) as store:
            idle_ms = _recalls_ms(store, options.recalls, _for_seconds(options.documents / options.pace))
            writer = multiprocessing.get_context("spawn").Process(
                target=_take_in, args=(path, options.size, options.documents, options.pace)
            )
            n_before = len(store.documents())
            writer.start()
            while len(store.documents()) == n_before and writer.is_alive():
                time.sleep(0.01)
            busy_ms = _recalls_ms(store, options.recalls, writer.is_alive)
            assert writer.exitcode == 0, "taking in failed"
            n_taken_in = len(store.documents()) - n_before
    _print("idle", idle_ms)
    _print(f"while {n_taken_in} documents were taken in", busy_ms)
    p50, p99 = statistics.median(busy_ms) / statistics.median(idle_ms), _p99(busy_ms) / _p99(idle_ms)
    print(f"p50 {p50:.2f} x, p99 {p99:.2f} x")


def _take_in(path: Path, first: int, n_documents: int, pace: float) -> None:
    corpus = Corpus()
    with closing(FileStore(path, FINGERPRINT)) as store:
        begin = time.perf_counter()
        for number in range(n_documents):
            document = corpus.document(first + number)
            time.sleep(max(0, begin + number / pace - time.perf_counter()))
            store.put(*document)


def _recalls_ms(store: FileStore, per_second: float, goes_on: Callable[[], bool]) -> list[float]:
    corpus = Corpus()
    store.search(_query(corpus))  # reads all vectors
    times_ms: list[float] = []
    first = time.perf_counter()
    while goes_on():
        query = _query(corpus)
        time.sleep(max(0, first + len(times_ms) / per_second - time.perf_counter()))
        begin = time.perf_counter()
        fuse(store.search(query), query.text)
        times_ms.append(1e3 * (time.perf_counter() - begin))
    return times_ms


def _query(corpus: Corpus) -> Query:
    return Query(corpus.vectors(1)[0], corpus.text(8), CANDIDATES)


def _for_seconds(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end


def _print(when: str, times_ms: list[float]) -> None:
    print(f"{when}: {len(times_ms)} recalls, p50 {statistics.median(times_ms):.2f} ms, p99 {_p99(times_ms):.2f} ms")


def _p99(times_ms: list[float]) -> float:
    return sorted(times_ms)[len(times_ms) * 99 // 100]


if __name__ == "__main__":
    main()
