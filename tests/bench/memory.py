"""`python -m tests.bench.memory`: the built-in store of memories without a model: storing, recalling, and its size."""

import argparse
import random
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from poly_engine.memory.file import FileStore
from poly_engine.memory.recall import CANDIDATES, fuse
from poly_engine.memory.records import Document, Fingerprint, NewChunk, Query, Vectors

DIMENSIONS = 384
CHUNKS_OF_A_DOCUMENT = 100
N_WORDS = 20_000
WORDS_OF_A_CHUNK = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 20_000, 50_000, 100_000], help="chunks")
    parser.add_argument("--queries", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            _measure(Path(folder, f"{size}.db"), size, options.queries)


def _measure(path: Path, size: int, n_queries: int) -> None:
    corpus = Corpus()
    store = FileStore(path, Fingerprint("random", DIMENSIONS))
    begin = time.perf_counter()
    for number in range(size // CHUNKS_OF_A_DOCUMENT):
        store.put(*corpus.document(number))
    stored_s = time.perf_counter() - begin
    store.search(Query(corpus.vectors(1)[0], "", 1))  # reads all vectors
    recall_ms = statistics.median(_recall_ms(store, corpus) for _ in range(n_queries))
    store.close()
    print(
        f"{size:>7} chunks: stored {size / stored_s:>7.0f} chunks/s, recall p50 {recall_ms:6.2f} ms, "
        f"on disk {path.stat().st_size / 1e6:.0f} MB"
    )


def _recall_ms(store: FileStore, corpus: "Corpus") -> float:
    query = Query(corpus.vectors(1)[0], corpus.text(8), CANDIDATES)
    begin = time.perf_counter()
    fuse(store.search(query), 10)
    return 1e3 * (time.perf_counter() - begin)


class Corpus:
    """Texts of random words, as frequent as words are (Zipf's law), and random vectors."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        self._numbers = np.random.default_rng(1)
        self._words = [
            "".join(self._random.choices("etaoinshrdlu", k=self._random.randint(3, 9))) for _ in range(N_WORDS)
        ]
        self._weights = np.cumsum(1 / (np.arange(N_WORDS) + 2.7)).tolist()

    def text(self, n_words: int) -> str:
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=n_words))

    def vectors(self, n: int) -> Vectors:
        vectors: Vectors = self._numbers.standard_normal((n, DIMENSIONS), np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def document(self, number: int) -> tuple[Document, list[NewChunk], Vectors]:
        texts = [self.text(WORDS_OF_A_CHUNK) + "\n" for _ in range(CHUNKS_OF_A_DOCUMENT)]
        starts = np.cumsum([0, *map(len, texts)]).tolist()
        chunks = [NewChunk(start, end, str(start)) for start, end in pairwise(starts)]
        return Document(f"{number}.txt", "0" * 64, "".join(texts)), chunks, self.vectors(CHUNKS_OF_A_DOCUMENT)


if __name__ == "__main__":
    main()
