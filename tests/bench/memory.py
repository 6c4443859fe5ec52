"""`python -m tests.bench.memory`: the built-in store of memories without a model: storing, recalling, and its size.

Recall is what a memory does for a prompt besides embedding it: chunks are found by vector and by words, fetched, and
fused. One process stores, and another one opens and recalls, whose memory counts. With `--peers`, other stores that
need no server store the same and find as many by vector alone. Times on a busy machine mean little.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil

from poly_engine.memory.file import FileStore
from poly_engine.memory.recall import CANDIDATES, fuse
from poly_engine.memory.records import Fingerprint, Query, Vectors
from tests.bench.memory_corpus import CHUNKS_OF_A_DOCUMENT, DIMENSIONS, Corpus, Nearest
from tests.bench.memory_figures import HEADING, Figures, megabytes, percentile_95, timed
from tests.bench.memory_peers import PEERS

__all__ = ["CHUNKS_OF_A_DOCUMENT", "DIMENSIONS", "Corpus"]  # which other benches take from here

P = ParamSpec("P")
T = TypeVar("T")

FINGERPRINT = Fingerprint("random", DIMENSIONS)
WORDS_OF_A_QUERY = 8
N_NEAREST = 10
INDEXED = 100_000  # where a memory gets an index, about
LONGEST_BUILD_S = 1200
NEVER = 1 << 62


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 20_000, 50_000, 100_000], help="chunks")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--peers", action="store_true", help="other stores too, of which some take minutes")
    options = parser.parse_args()
    for size in options.sizes:
        print(f"\n{size} chunks, {os.getloadavg()[0]:.1f} other threads that run\n{HEADING}")
        with tempfile.TemporaryDirectory() as folder:
            _poly(Path(folder, "memory.db"), size, options.queries)
        for name in PEERS if options.peers else ():
            _peer(name, size, options.queries)


def _poly(path: Path, size: int, n_queries: int) -> None:
    figures, nearest = _in_its_own_process(store, path, size, n_queries)
    print(figures.row("poly, stores"))
    print(_in_its_own_process(recall, path, nearest, n_queries, is_indexed=False).row("poly, recalls"))
    if size >= INDEXED:
        print(_in_its_own_process(recall, path, nearest, n_queries, is_indexed=True).row("poly, with an index"))


def _peer(name: str, size: int, n_queries: int) -> None:
    module, _ = PEERS[name]
    if find_spec(module) is None:
        print(f"{name:<24} is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        print(_in_its_own_process(measure_peer, name, Path(folder, "peer"), size, n_queries).row(name))


def store(path: Path, size: int, n_queries: int) -> tuple[Figures, Nearest]:
    """Store so many chunks; and what is nearest to the queries."""
    corpus, nearest = Corpus(), Nearest(_vectors(n_queries), N_NEAREST)
    took_ms = 0.0
    with closing(FileStore(path, FINGERPRINT)) as built_in:
        for number in range(size // CHUNKS_OF_A_DOCUMENT):
            document, chunks, vectors = corpus.document(number)
            nearest.add(vectors)
            took_ms += timed(built_in.put, document, chunks, vectors)[0]
    return Figures(stored_per_s=1e3 * size / took_ms, disk_mb=megabytes(path)), nearest


def recall(path: Path, nearest: Nearest, n_queries: int, *, is_indexed: bool) -> Figures:
    """Open a memory and recall for all queries, exactly or by an index, which is made if there is none."""
    prompts = Corpus(seed=2)
    queries = [Query(vector, prompts.text(WORDS_OF_A_QUERY), CANDIDATES) for vector in _vectors(n_queries)]
    before = psutil.Process().memory_info().rss
    with closing(FileStore(path, FINGERPRINT, most_exact=0 if is_indexed else NEVER)) as built_in:
        _warm_up(built_in, queries[0], is_indexed=is_indexed)
        search_ms, found = zip(*(timed(built_in.search, query) for query in queries), strict=True)
        fuse_ms = [timed(fuse, one, query.text)[0] for one, query in zip(found, queries, strict=True)]
        memory = psutil.Process().memory_info().rss - before
    recall_ms = [sum(parts) for parts in zip(search_ms, fuse_ms, strict=True)]
    return Figures(
        search_ms=statistics.median(search_ms),
        recall_ms=statistics.median(recall_ms),
        slow_ms=percentile_95(recall_ms),
        share=nearest.share([[int(match.chunk) for match in one.nearest[:N_NEAREST]] for one in found]),
        memory_mb=memory / 1e6,
        disk_mb=sum(map(megabytes, path.parent.iterdir())),
    )


def measure_peer(name: str, folder: Path, size: int, n_queries: int) -> Figures:
    """Store as many vectors and texts in another store, and find what is nearest to all queries."""
    corpus, nearest, queries = Corpus(), Nearest(_vectors(n_queries), N_NEAREST), _vectors(n_queries)
    before = psutil.Process().memory_info().rss
    _, open_peer = PEERS[name]
    peer = open_peer(folder)
    took_ms = 0.0
    for number in range(size // CHUNKS_OF_A_DOCUMENT):
        document, chunks, vectors = corpus.document(number)
        nearest.add(vectors)
        texts = [document.text[chunk.start : chunk.end] for chunk in chunks]
        took_ms += timed(peer.add, 1 + number * CHUNKS_OF_A_DOCUMENT, vectors, texts)[0]
    peer.finish()
    search_ms, found = zip(*(timed(peer.nearest, vector, CANDIDATES) for vector in queries), strict=True)
    return Figures(
        stored_per_s=1e3 * size / took_ms,
        search_ms=statistics.median(search_ms),
        slow_ms=percentile_95(search_ms),
        share=nearest.share([one[:N_NEAREST] for one in found]),
        memory_mb=(psutil.Process().memory_info().rss - before) / 1e6,
        disk_mb=megabytes(folder),
    )


def _warm_up(built_in: FileStore, query: Query, *, is_indexed: bool) -> None:
    """Let it read all vectors, and wait for its index."""
    deadline = time.monotonic() + LONGEST_BUILD_S
    built_in.search(query)
    while is_indexed and not built_in.is_indexed:
        assert time.monotonic() < deadline, "the index is not made"
        time.sleep(0.1)
        built_in.search(query)


def _vectors(n: int) -> Vectors:
    """Those of the queries."""
    return Corpus(seed=2).vectors(n)


def _in_its_own_process(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        return processes.submit(work, *args, **kwargs).result()


if __name__ == "__main__":
    main()
