"""A memory in a PostgreSQL server that has pgvector: vectors in halfvec, words in its full-text index."""

from poly_engine.memory.pgvector.store import PgvectorStore

__all__ = ["PgvectorStore"]
