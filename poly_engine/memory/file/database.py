"""The SQLite database of a memory: one process writes at a time, and what is acknowledged is on the disk."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from poly_engine.errors import MemoryDamaged, MemoryUnwritable

__all__ = ["Database", "Format"]

_APPLICATION_ID = 0x506F6C79  # "Poly"
_BUSY_S = 30.0


@dataclass(frozen=True, slots=True)
class Format:
    """What a database holds: its tables, as SQL. Another `version` is refused."""

    version: int
    tables: str


class Database:
    """A file in WAL mode with `synchronous = FULL`: a commit that returned survives a crash and a power cut.

    Writers of several processes take turns by a lock file, for one transaction each; readers never wait, and see what
    is committed at their next query. Any thread may use it. Raises MemoryDamaged if the file is none of ours.
    """

    def __init__(self, path: Path, form: Format) -> None:
        self.path = path
        self._form = form
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._lock_path = path.with_name(path.name + ".lock")
        self._failure: str | None = None
        is_new = not path.exists()
        try:
            self._writer = self._connect()
            with self._between_processes():
                self._prepare()
            self.reader = self._connect()
            self.reader.execute("pragma query_only = on")
        except sqlite3.DatabaseError as error:
            raise MemoryDamaged(f"{path} is no memory of Poly, or it is damaged: {error}") from error
        if is_new:
            _sync_folder(path.parent)  # SQLite syncs the folder for its journals, not for a new database

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction. What is done in the block is on the disk when the block is left, or not at all.

        Raises MemoryUnwritable if it cannot be written. After an error of the disk nothing more is, until the memory is
        opened anew: what a failed fsync has lost is not known.
        """
        with self._lock:
            if self._failure is not None:
                raise MemoryUnwritable(f"{self.path} was closed for writing: {self._failure}")
            try:
                with self._between_processes():
                    yield from self._transaction()
            except sqlite3.OperationalError as error:
                if not _is_passing(error):
                    self._failure = str(error)
                raise MemoryUnwritable(f"{self.path} cannot be written: {error}") from error

    def close(self) -> None:
        """Close it; what was written is in the database file then, not in its journal."""
        with self._lock:
            self._failure = "it was closed"
            self.reader.close()
            self._writer.close()

    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._writer.execute("begin immediate")
        try:
            yield self._writer
            self._writer.execute("commit")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("rollback")
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        for pragma in (
            "journal_mode = wal",
            "synchronous = full",
            "foreign_keys = on",
            "trusted_schema = off",
            "mmap_size = 0",  # a bad sector is to be an error, not a signal that ends the process
        ):
            connection.execute(f"pragma {pragma}")
        return connection

    def _prepare(self) -> None:
        (application_id,) = self._writer.execute("pragma application_id").fetchone()
        (version,) = self._writer.execute("pragma user_version").fetchone()
        (n_tables,) = self._writer.execute("select count(*) from sqlite_schema").fetchone()
        if not n_tables and not application_id:
            self._writer.executescript(
                f"begin; pragma application_id = {_APPLICATION_ID}; pragma user_version = {self._form.version}; "
                f"{self._form.tables} commit;"
            )
        elif application_id != _APPLICATION_ID:
            raise MemoryDamaged(f"{self.path} is a database of another program")
        elif version != self._form.version:
            raise MemoryDamaged(f"{self.path} has format {version}, and this Poly reads format {self._form.version}")

    @contextmanager
    def _between_processes(self) -> Iterator[None]:
        with open(self._lock_path, "w") as file, closing(file):  # noqa: PTH123 - its descriptor is what is wanted
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, also by a kill
            yield


def _is_passing(error: sqlite3.OperationalError) -> bool:
    """Whether it is worth trying again: somebody else is writing, or there was no space, which may come back."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
