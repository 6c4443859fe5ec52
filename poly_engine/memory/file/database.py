"""The SQLite database of a memory: one process writes at a time, and what is acknowledged is on the disk."""

import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from poly_engine.errors import MemoryDamaged, MemoryUnwritable
from poly_engine.memory.file.failures import disk_errors, is_failed_sync, sqlite_errors
from poly_engine.memory.file.folder import (
    is_on_read_only_disk,
    make_file,
    make_folder,
    may_be_written,
    refuse_network,
    sync_folder,
)

__all__ = ["Database", "Format"]

_APPLICATION_ID = 0x506F6C79  # "Poly"
_POLL_S = 0.0005
_N_READERS = 2


@dataclass(frozen=True, slots=True)
class Format:
    """What a database holds: its tables, as SQL. A file of another `version`, or with other tables, is refused, unless
    `upgrades` has the SQL that makes the next version of it.
    """

    version: int
    tables: str
    upgrades: Mapping[int, str] = field(default_factory=dict, compare=False)


class Database:
    """A file in WAL mode with `synchronous = FULL`: a commit that returned survives a crash and a power cut.

    Writers of several processes take turns by a lock file, for one transaction each, and wait `patience_s` for theirs;
    readers never wait, and see what is committed at their next query. Any thread may use it. A file that may only be
    read can be read. Raises MemoryDamaged if it is none of ours, and MemoryUnwritable if it can be neither made nor
    read, or is on the network.
    """

    def __init__(self, path: Path, form: Format, *, patience_s: float = 30.0) -> None:
        self.path = path
        self._form = form
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._lock_path = Path(f"{path.resolve()}.lock")  # the same, by whatever link it is reached
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._refusal: str | None = None
        with ExitStack() as opened:
            if may_be_written(path):
                self._writer = self._open_to_write(opened)
            else:
                self._refusal = "it, or its folder, may only be read"
            for _ in range(_N_READERS):
                self._readers.put(self._open_to_read(opened))
            self._opened = opened.pop_all()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction. What is done in the block is on the disk when the block is left, or not at all.

        Raises MemoryUnwritable if it cannot be written, and MemoryDamaged. After a sync that failed nothing more is
        written until the memory is opened anew: what that has lost is not known, and the next sync would not tell.
        """
        with self._changing():
            self._writer.execute("begin immediate")
            try:
                yield self._writer
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read by, for a few threads at a time. What is read in the block is as it was at one moment.

        Raises MemoryDamaged if it cannot be read.
        """
        reader = self._readers.get()
        try:
            with sqlite_errors(self.path, "read"):
                reader.execute("begin")
                try:
                    yield reader
                finally:
                    if reader.in_transaction:
                        reader.execute("rollback")
        finally:
            self._readers.put(reader)

    def adopt(self, other: "Database", is_wanted: Callable[[], bool]) -> bool:
        """Hold what another database holds, in place of all that is here: in one transaction, if `is_wanted` says so
        when nobody else can write any more. Raises as `writing`.
        """
        with other.reading() as source, self._changing():
            if not is_wanted():
                return False
            source.backup(self._writer)
        return True

    def close(self) -> None:
        """Close it; what was written is in the database file then, not in its journal, unless others have it open."""
        with self._lock, self._no_readers(), ExitStack() as turn:
            with suppress(MemoryUnwritable):  # then others have it open, or it is read-only: SQLite writes nothing
                turn.enter_context(self._turn())
            self._refusal = "it was closed"
            self._opened.close()

    @contextmanager
    def _no_readers(self) -> Iterator[None]:
        """The time in which nobody reads."""
        readers = [self._readers.get() for _ in range(_N_READERS)]
        try:
            yield
        finally:
            for reader in readers:
                self._readers.put(reader)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """The time in which this thread of this process is the only one that changes the file."""
        with self._lock:
            if self._refusal is not None:
                raise MemoryUnwritable(f"{self.path} cannot be written: {self._refusal}")
            with self._turn(), sqlite_errors(self.path, "written"):
                self._refuse_another()
                try:
                    yield
                except sqlite3.Error as error:
                    if is_failed_sync(error):
                        lost = "what that lost is not known: check the disk, and open it anew"
                        self._refusal = f"a sync failed ({error}), and {lost}"
                    raise

    def _refuse_another(self) -> None:
        """What is written to a file that has no name any more is lost when it is closed."""
        with disk_errors(self.path):
            if _identity(self.path) != self._identity:
                raise MemoryUnwritable(f"{self.path} was replaced while it was open: open it anew")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no other process writes, opens or closes it.

        SQLite has locks of its own. But up to 3.51.2 it may lose pages when one process commits at the instant at which
        another one checkpoints (https://sqlite.org/wal.html#walresetbug), and commits and closing do both.
        """
        with disk_errors(self.path):
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _is_locked_within(self._patience_s, descriptor):
                reason = f"another process has been writing to it for {self._patience_s:g} s"
                raise MemoryUnwritable(f"{self.path} cannot be written: {reason}")
            yield
        finally:
            os.close(descriptor)  # which releases the lock, as a kill does

    def _open_to_write(self, opened: ExitStack) -> sqlite3.Connection:
        with disk_errors(self.path), sqlite_errors(self.path, "opened"):
            make_folder(self.path.parent)
            refuse_network(self.path.parent)
            with self._turn():
                make_file(self.path)
                writer = opened.enter_context(self._connected("mode=rw"))
                self._prepare(writer)
                self._identity = _identity(self.path)
        return writer

    def _open_to_read(self, opened: ExitStack) -> sqlite3.Connection:
        how = "mode=ro"  # which also keeps it from checkpoints
        reason = ""
        if self._refusal is not None:
            reason = f", and {self._refusal}"
            if is_on_read_only_disk(self.path) and not _has_content(self.path.with_name(f"{self.path.name}-wal")):
                how = "immutable=1"  # SQLite wants to make files beside it otherwise
        with sqlite_errors(self.path, "opened", reason):
            reader = opened.enter_context(self._connected(how))
            if not self._has_tables(reader):
                raise MemoryUnwritable(f"{self.path} is empty{reason}")
        return reader

    def _connected(self, how: str) -> closing[sqlite3.Connection]:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{how}",
            uri=True,
            timeout=self._patience_s,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.text_factory = _text
        connection.execute("pragma trusted_schema = off")
        connection.execute("pragma mmap_size = 0")  # a bad sector is to be an error, not a signal that ends the process
        return closing(connection)

    def _prepare(self, writer: sqlite3.Connection) -> None:
        """Make the tables unless they are there. Nothing is changed in a file of another program."""
        writer.execute("pragma synchronous = full")
        self._upgrade(writer)
        has_tables = self._has_tables(writer)
        (mode,) = writer.execute("pragma journal_mode = wal").fetchone()
        if mode != "wal":
            raise MemoryUnwritable(f"{self.path} cannot be written: its disk does not let processes share memory")
        writer.execute("pragma foreign_keys = on")
        if not has_tables:
            sync_folder(self.path.parent)  # before there is anything to lose
            writer.executescript(
                f"begin; pragma application_id = {_APPLICATION_ID}; pragma user_version = {self._form.version}; "
                f"{self._form.tables} commit;"
            )

    def _upgrade(self, writer: sqlite3.Connection) -> None:
        (application_id,) = writer.execute("pragma application_id").fetchone()
        (version,) = writer.execute("pragma user_version").fetchone()
        if application_id == _APPLICATION_ID and (upgrade := self._form.upgrades.get(version)) is not None:
            writer.executescript(f"begin; {upgrade} pragma user_version = {version + 1}; commit;")

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        (application_id,) = connection.execute("pragma application_id").fetchone()
        (version,) = connection.execute("pragma user_version").fetchone()
        (n_tables,) = connection.execute("select count(*) from sqlite_schema").fetchone()
        if not n_tables and not application_id:
            return False
        if application_id != _APPLICATION_ID:
            raise MemoryDamaged(f"{self.path} is a database of another program")
        if version != self._form.version:
            raise MemoryDamaged(f"{self.path} has format {version}, and this Poly reads format {self._form.version}")
        if _statements(connection) != _statements_of(self._form):
            raise MemoryDamaged(f"{self.path} is damaged: its tables are not as this Poly makes them")
        return True


@cache
def _statements_of(form: Format) -> frozenset[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(form.tables)
        return _statements(connection)


def _statements(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    """What was made by which statement; not what SQLite made for these, since its versions may differ in that."""
    made = connection.execute("select name, sql from sqlite_schema where sql is not null").fetchall()
    own = tuple(f"{name}_" for name, sql in made if sql.startswith("CREATE VIRTUAL"))
    return frozenset((name, sql) for name, sql in made if not name.startswith(("sqlite_", *own)))


def _text(raw: bytes) -> str:
    """Text as it is stored. Damaged text is for checksums to find: an error would stop all that is read with it."""
    return raw.decode("utf-8", "replace")


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _identity(path: Path) -> tuple[int, int]:
    """What tells a file from another that has its name."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _is_locked_within(seconds: float, descriptor: int) -> bool:
    """Lock a file, or give up: who has the lock may have been stopped by a key and not know."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        else:
            return True
