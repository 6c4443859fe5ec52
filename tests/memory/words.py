"""An embedding model made of words: texts that share words are near."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from poly_engine.extract import Extractor
from poly_engine.interface import NO_OPTIONS
from poly_engine.memory.chunking import ChunkSettings
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.file import FileStore
from poly_engine.memory.intake import IntakeSettings
from poly_engine.memory.memory import Memory
from poly_engine.memory.records import Fingerprint
from poly_engine.memory.store import Store
from poly_engine.types import RecallOptions

DIMENSIONS = 64
MODEL = Fingerprint("words", DIMENSIONS, "digest of words")
SETTINGS = IntakeSettings(ChunkSettings(12), (r"[\r\t]",), ("\n",))


class Words:
    """Counts words, and turns a text into a vector that has a place for each of its words."""

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.embedded += texts
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, hashlib.sha256(word.strip(".,!?").encode()).digest()[0] % DIMENSIONS] += 1
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return vectors


def embedding_of(words: Words, model: Fingerprint = MODEL) -> Embedding:
    """What a memory uses of it; another fingerprint makes it another model."""
    return Embedding(model, words, 40, words.embed)


@asynccontextmanager
async def opened(
    folder: Path,
    words: Words,
    store: Store | None = None,
    defaults: RecallOptions = NO_OPTIONS,
    settings: IntakeSettings = SETTINGS,
) -> AsyncIterator[Memory]:
    """A memory in a folder, over the built-in store unless another is given."""
    embedding = embedding_of(words)
    async with Extractor() as extractor:
        memory = Memory(
            store or FileStore(folder / "memory.db", MODEL),
            folder / "queue.db",
            settings=settings,
            embedding=embedding,
            extractor=extractor,
            defaults=defaults,
        )
        try:
            yield memory
        finally:
            await memory.close()
