"""The store that keeps a memory in a collection of a Qdrant server."""

from poly_engine.memory.qdrant.store import QdrantStore

__all__ = ["QdrantStore"]
