"""A process that puts documents into a memory until it is killed, and says which ones it was told are safe."""

import sys
from pathlib import Path

import numpy as np

from poly_engine.memory.file import FileStore
from poly_engine.memory.records import Document, NewChunk
from tests.memory.stores import DIMENSIONS, MODEL

N_CHUNKS = 5


def main(path: Path, name: str) -> None:
    store = FileStore(path, MODEL)
    vectors = np.eye(N_CHUNKS, DIMENSIONS, dtype=np.float32)
    for number in range(1_000_000):
        text = f"{name} {number}: " + "some words " * N_CHUNKS
        chunks = [NewChunk(i * 10, i * 10 + 10) for i in range(N_CHUNKS)]
        store.put(Document(f"{name}-{number}", "0" * 64, text), chunks, vectors)
        sys.stdout.write(f"{name}-{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
