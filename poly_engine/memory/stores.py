"""Opens the store that a memory is configured with."""

from pathlib import Path

from poly_engine.config.memories import Store as StoreConfig
from poly_engine.errors import InvalidRequest
from poly_engine.memory.records import Fingerprint
from poly_engine.memory.store import Store

__all__ = ["DATABASE", "open_store"]

DATABASE = "memory.db"
"""The file of the built-in store in the folder of a memory."""


def open_store(config: StoreConfig, folder: Path, fingerprint: Fingerprint) -> Store:
    """The store of a configuration; one in files lies in `folder`. Only what is used is imported.

    Raises a MemoryFailed, or InvalidRequest if what the store needs is not installed.
    """
    if config.qdrant is not None:
        try:
            from poly_engine.memory.qdrant import QdrantStore  # brings grpc, 400 ms
        except ImportError as error:
            raise _missing("Qdrant", "qdrant", error) from error
        return QdrantStore(config.qdrant.url, config.qdrant.collection, fingerprint)
    if config.pgvector is not None:
        try:
            from poly_engine.memory.pgvector import PgvectorStore  # brings the client of PostgreSQL
        except ImportError as error:
            raise _missing("PostgreSQL", "pgvector", error) from error
        return PgvectorStore(config.pgvector.url, config.pgvector.table, fingerprint)
    from poly_engine.memory.file import FileStore

    return FileStore(folder / DATABASE, fingerprint)


def _missing(server: str, extra: str, error: ImportError) -> InvalidRequest:
    return InvalidRequest(f"memories in {server} need more than is installed ({error}): install poly[{extra}]")
