"""Small indexes that can be told from each other, in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poly_engine.memory.file.index_file import IndexFile, Published, empty_index
from tests.memory.stores import DIMENSIONS, MODEL

GENERATION = "generation"
INDEXES = (1, 2, 3)


def index(number: int) -> Published:
    """An index of 100 vectors for each `number`, which is also the last chunk that it knows."""
    made = empty_index(DIMENSIONS)
    vectors = np.random.default_rng(number).standard_normal((100 * number, DIMENSIONS)).astype(np.float32)
    made.add(np.arange(len(vectors), dtype=np.uint64), vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return Published(made, GENERATION, number)


def index_file(folder: Path) -> IndexFile:
    """The file of an index in a folder."""
    return IndexFile(folder / "memory.db", MODEL)
