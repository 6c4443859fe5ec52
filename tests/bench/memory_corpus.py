"""Documents that are made up, but as real ones are in what takes time: how often words occur, and how vectors lie."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

import numpy as np

from poly_engine.memory.records import Document, NewChunk, Vectors

__all__ = ["CHUNKS_OF_A_DOCUMENT", "DIMENSIONS", "Corpus", "Nearest"]

DIMENSIONS = 384
CHUNKS_OF_A_DOCUMENT = 100
WORDS_OF_A_CHUNK = 120
N_WORDS = 20_000


class Corpus:
    """Texts of random words, as frequent as words are (Zipf's law), and random vectors that vary in as many directions
    as those of MiniLM do (44, as the eigenvalues of their covariance say). `seed` tells one corpus from another of the
    same language.
    """

    def __init__(self, seed: int = 1) -> None:
        language = random.Random(1)
        self._words = ["".join(language.choices("etaoinshrdlu", k=language.randint(3, 9))) for _ in range(N_WORDS)]
        self._weights = np.cumsum(1 / (np.arange(N_WORDS) + 2.7)).tolist()
        self._spread = (1 / np.sqrt(np.arange(DIMENSIONS) + 1.85)).astype(np.float32)
        self._random = random.Random(seed)
        self._numbers = np.random.default_rng(seed)

    def text(self, n_words: int) -> str:
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=n_words))

    def vectors(self, n: int) -> Vectors:
        vectors: Vectors = self._numbers.standard_normal((n, DIMENSIONS), np.float32) * self._spread
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def document(self, number: int) -> tuple[Document, list[NewChunk], Vectors]:
        texts = [self.text(WORDS_OF_A_CHUNK) + "\n" for _ in range(CHUNKS_OF_A_DOCUMENT)]
        starts = np.cumsum([0, *map(len, texts)]).tolist()
        chunks = [
            NewChunk(start, end, sha256(text.encode()).hexdigest())
            for text, (start, end) in zip(texts, pairwise(starts), strict=True)
        ]
        return Document(f"{number}.txt", "0" * 64, "".join(texts)), chunks, self.vectors(CHUNKS_OF_A_DOCUMENT)


class Nearest:
    """Which `n` vectors are nearest to each of some queries: numbers from 1, in the order of adding."""

    def __init__(self, queries: Vectors, n: int) -> None:
        self._queries = queries
        self._n = n
        self._scores = np.empty((len(queries), 0), np.float32)
        self._numbers = np.empty((len(queries), 0), np.int64)
        self._n_added = 0

    def add(self, vectors: Vectors) -> None:
        numbers = np.arange(1 + self._n_added, 1 + self._n_added + len(vectors))
        self._n_added += len(vectors)
        scores = np.hstack([self._scores, self._queries @ vectors.T])
        numbers = np.hstack([self._numbers, np.broadcast_to(numbers, (len(self._queries), len(vectors)))])
        best = np.argsort(-scores, axis=1)[:, : self._n]
        self._scores = np.take_along_axis(scores, best, axis=1)
        self._numbers = np.take_along_axis(numbers, best, axis=1)

    def share(self, found: Sequence[Sequence[int]]) -> float:
        """How many of them are among what was found for each query, of 1."""
        pairs = zip(self._numbers.tolist(), found, strict=True)
        return float(np.mean([len(set(right) & set(one)) / len(right) for right, one in pairs]))
