"""What goes wrong with a file, named for what it means to a memory. What is a mistake of ours stays what it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poly_engine.errors import MemoryDamaged, MemoryUnwritable

__all__ = ["disk_errors", "is_failed_sync", "sqlite_errors"]

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MISHAPS = (  # what the disk, the system or another process is to blame for
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Errors of the system as MemoryUnwritable."""
    try:
        yield
    except OSError as error:
        raise MemoryUnwritable(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def sqlite_errors(path: Path, deed: str, reason: str = "") -> Iterator[None]:
    """Errors of SQLite as MemoryDamaged, or as MemoryUnwritable if the deed was not that it is "read"."""
    try:
        yield
    except sqlite3.Error as error:
        kind = _code(error) & 0xFF
        if kind in _DAMAGE:
            raise MemoryDamaged(f"{path} is no memory of Poly, or it is damaged: {error}") from error
        if kind in _MISHAPS:
            failed = MemoryDamaged if deed == "read" else MemoryUnwritable
            raise failed(f"{path} cannot be {deed}: {error}{reason}") from error
        raise
    except UnicodeDecodeError as error:  # in what SQLite says of damaged tables, or in what they hold
        raise MemoryDamaged(f"{path} is damaged: {error}") from error


def is_failed_sync(error: sqlite3.Error) -> bool:
    """Whether it is not known what is on the disk. A write that failed was taken back, and may be tried again."""
    return _code(error) in (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)


def _code(error: sqlite3.Error) -> int:
    """SQLite's code of an error; that of wrong SQL if it comes from Python's module."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
