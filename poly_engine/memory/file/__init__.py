"""The built-in store: one SQLite database is the truth, and what is quicker to search is a copy of it."""

from poly_engine.memory.file.store import FileStore

__all__ = ["FileStore"]
