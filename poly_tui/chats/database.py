"""The file of the chats: opened, brought to the newest format, and written by one process at a time."""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from poly_tui.chats.errors import ChatsDamaged, ChatsFailed

__all__ = ["MIGRATIONS", "ChatDatabase", "open_or_set_aside"]

_APPLICATION_ID = 0x506F6C43  # "PolC"
_POLL_S = 0.002
_PATIENCE_S = 10.0
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MISTAKES = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE)  # of ours

MIGRATIONS: Sequence[str] = (
    """
    create table chat (
        id integer primary key autoincrement,
        title text not null,
        task text not null,
        created real not null,
        changed real not null,
        deleted real,
        draft text not null default '',
        tip integer
    );
    create index chat_by_time on chat (changed);
    create table turn (
        id integer primary key autoincrement,
        chat integer not null references chat on delete cascade,
        parent integer references turn on delete cascade,
        prompt text not null,
        task text not null,
        model text not null,
        created real not null,
        answer text not null default '',
        thinking text not null default '',
        state text not null default 'writing',
        facts text not null default '{}'
    );
    create index turn_by_chat on turn (chat);
    create index turn_by_parent on turn (parent);
    create virtual table words using fts5 (prompt, answer, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3');
    create table draft (only integer primary key check (only = 1), text text not null);
    """,
)
"""What brings a file from one format to the next; a new file takes all the steps."""


class ChatDatabase:
    """A file in WAL mode, which any thread may use. Raises ChatsDamaged, or ChatsFailed with the reason in words.

    What is committed survives a kill; what is committed as `is_lasting` survives a power cut, too, and so does all that
    was committed before it.
    """

    def __init__(self, path: Path, migrations: Sequence[str] = MIGRATIONS, *, patience_s: float = _PATIENCE_S) -> None:
        self.path = path
        self._migrations = migrations
        self._patience_s = patience_s
        self._lock = threading.RLock()
        with self._errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _turn_at(self.path, self._patience_s):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._connection = self._connect()
                try:
                    self._prepare()
                except BaseException:
                    self._connection.close()
                    raise

    @contextmanager
    def writing(self, *, is_lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: what is done in the block is in the file when the block is left, or not at all."""
        with self._lock, self._errors(), _turn_at(self.path, self._patience_s):
            self._connection.execute(f"pragma synchronous = {'full' if is_lasting else 'normal'}")
            self._connection.execute("begin immediate")
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read by. What is read in the block is as it was at one moment."""
        with self._lock, self._errors():
            self._connection.execute("begin")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")

    def close(self) -> None:
        """Close it."""
        with self._lock, self._errors(), _turn_at(self.path, self._patience_s):
            self._connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._patience_s,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return connection

    def _prepare(self) -> None:
        """Make the tables, or bring them to the newest format. Nothing is changed in a file of another program."""
        connection = self._connection
        connection.execute("pragma trusted_schema = off")
        (application_id,) = connection.execute("pragma application_id").fetchone()
        (version,) = connection.execute("pragma user_version").fetchone()
        (n_tables,) = connection.execute("select count(*) from sqlite_schema").fetchone()
        if application_id != _APPLICATION_ID and (application_id or n_tables):
            raise ChatsFailed(f"{self.path} is a database of another program: chats cannot be kept in it")
        if version > len(self._migrations):
            known = len(self._migrations)
            raise ChatsFailed(
                f"{self.path} was written by a newer Poly (format {version}, and this one knows {known}): "
                "it is left as it is; use that Poly, or set POLY_DATA_DIR to another folder"
            )
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma secure_delete = on")
        for number, step in enumerate(self._migrations[version:], version + 1):
            connection.executescript(
                f"begin; pragma application_id = {_APPLICATION_ID}; pragma user_version = {number}; {step} commit;"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors of the disk and of SQLite, for people."""
        try:
            yield
        except OSError as error:
            raise ChatsFailed(f"{error.filename or self.path} cannot be used: {error.strerror}") from error
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in _DAMAGE:
                raise ChatsDamaged(f"{self.path} is damaged: {error}") from error
            if code in _MISTAKES:
                raise
            raise ChatsFailed(f"{self.path} cannot be used: {error}") from error


@contextmanager
def _turn_at(path: Path, patience_s: float) -> Iterator[None]:
    """Wait until no other process writes, opens or closes the file at `path`.

    SQLite has locks of its own. But up to 3.51.2 it may lose pages when one process commits at the instant at which
    another one checkpoints (https://sqlite.org/wal.html#walresetbug).
    """
    descriptor = os.open(f"{path.resolve()}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _is_locked_within(patience_s, descriptor):
            raise ChatsFailed(f"{path} cannot be written: another process has been at it for {patience_s:g} s")
        yield
    finally:
        os.close(descriptor)  # which releases the lock, as a kill does


def open_or_set_aside(path: Path) -> tuple[ChatDatabase, Path | None]:
    """Open a file; if it is damaged, begin a new one, and return the name that the old one has now, too."""
    identity = _identity(path)
    try:
        return ChatDatabase(path), None
    except ChatsDamaged:
        aside = None
        with _turn_at(path, _PATIENCE_S):
            if _identity(path) == identity:  # else another process was quicker
                aside = _rename(path)
    return ChatDatabase(path), aside


def _rename(path: Path) -> Path:
    """Give a file another name, and its journal, too."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{path.name}.damaged-{stamp}{more}" for more in ("", *(f"-{n}" for n in range(2, 1000))))
    name = next(name for name in names if not path.with_name(name).exists())
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(name + suffix))
    return path.with_name(name)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another that has its name."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_locked_within(seconds: float, descriptor: int) -> bool:
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
