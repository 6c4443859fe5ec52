"""Other stores that run without a server, each as its makers recommend it, in a folder that it may fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from poly_engine.memory.records import Vectors
from tests.bench.memory_corpus import DIMENSIONS

__all__ = ["PEERS", "Peer"]


class Peer(Protocol):
    """Keeps vectors with texts by numbers from 1."""

    def add(self, first: int, vectors: Vectors, texts: Sequence[str]) -> None:
        """Add some, numbered from `first`."""

    def finish(self) -> None:
        """Build what makes it quick."""

    def nearest(self, vector: Vectors, n: int) -> list[int]:
        """The numbers of those that are nearest, with whose texts it would answer."""


class QdrantClient:
    """qdrant-client in its local mode, in a folder."""

    def __init__(self, folder: Path) -> None:
        from qdrant_client import QdrantClient as Client, models

        self._models = models
        self._client = Client(path=str(folder))
        self._client.create_collection(
            "c", vectors_config=models.VectorParams(size=DIMENSIONS, distance=models.Distance.COSINE)
        )

    def add(self, first: int, vectors: Vectors, texts: Sequence[str]) -> None:
        payloads = [{"text": text} for text in texts]
        ids = list(range(first, first + len(vectors)))
        self._client.upsert("c", self._models.Batch(ids=list(ids), vectors=vectors.tolist(), payloads=payloads))

    def finish(self) -> None:
        pass

    def nearest(self, vector: Vectors, n: int) -> list[int]:
        found = self._client.query_points("c", vector.tolist(), limit=n).points
        return [int(point.id) for point in found]


class QdrantEdge:
    """qdrant-edge: the engine of Qdrant."""

    def __init__(self, folder: Path) -> None:
        import qdrant_edge as edge

        self._edge = edge
        folder.mkdir(exist_ok=True)
        config = edge.EdgeConfig(vectors=edge.EdgeVectorParams(size=DIMENSIONS, distance=edge.Distance.Cosine))
        self._shard = edge.EdgeShard.create(str(folder), config)

    def add(self, first: int, vectors: Vectors, texts: Sequence[str]) -> None:
        points = [
            self._edge.Point(id=first + i, vector=vector.tolist(), payload={"text": text})
            for i, (vector, text) in enumerate(zip(vectors, texts, strict=True))
        ]
        self._shard.update(self._edge.UpdateOperation.upsert_points(points))
        self._shard.flush()

    def finish(self) -> None:
        self._shard.optimize()

    def nearest(self, vector: Vectors, n: int) -> list[int]:
        query = self._edge.Query.Nearest(vector.tolist())
        found = self._shard.query(self._edge.QueryRequest(limit=n, query=query, with_payload=True))
        return [int(point.id) for point in found]


class Chroma:
    """chromadb within a process; `uv run --with chromadb` has it."""

    def __init__(self, folder: Path) -> None:
        chromadb: Any = import_module("chromadb")  # Any: it may not be installed, so that its types are not known
        client = chromadb.PersistentClient(str(folder), chromadb.Settings(anonymized_telemetry=False))
        self._collection = client.create_collection("chunks", metadata={"hnsw:space": "cosine"})

    def add(self, first: int, vectors: Vectors, texts: Sequence[str]) -> None:
        ids = [str(first + i) for i in range(len(vectors))]
        self._collection.add(ids=ids, embeddings=vectors, documents=list(texts))

    def finish(self) -> None:
        pass

    def nearest(self, vector: Vectors, n: int) -> list[int]:
        found = self._collection.query(query_embeddings=vector[np.newaxis], n_results=n, include=["documents"])
        return [int(one) for one in found["ids"][0]]


PEERS: Mapping[str, tuple[str, Callable[[Path], Peer]]] = {
    "qdrant-client, local": ("qdrant_client", QdrantClient),
    "qdrant-edge": ("qdrant_edge", QdrantEdge),
    "chromadb": ("chromadb", Chroma),
}
"""By name: the module that it needs, and how it is opened."""
