"""Connections to a PostgreSQL server: transactions that end in time, and errors in our terms."""

import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeAlias

import psycopg
from pgvector.psycopg import register_vector
from psycopg import errors
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from poly_engine.errors import InvalidRequest, MemoryDamaged, MemoryUnavailable, MemoryUnwritable

__all__ = ["Connection", "Server"]

Connection: TypeAlias = psycopg.Connection[TupleRow]

_READ_S = 5.0
_SILENCE_S, _CONNECT_S = 2.5, 2  # together less than the 5 s after which a server that is frozen is given up
_TURN_S = 30.0
_MOST_CONNECTIONS = 8
_PORTS = re.compile(r"[\d,]+")

# A plan that is made for any vector and any limit may miss the index, so that each is planned anew.
_READING = """begin isolation level repeatable read read only;
set local statement_timeout = {}; set local plan_cache_mode = force_custom_plan; set local jit = off;
set local hnsw.iterative_scan = relaxed_order"""
_WRITING = """begin isolation level read committed;
set local synchronous_commit = on; set local statement_timeout = '60s'; set local lock_timeout = '30s'"""

_UNWRITABLE = (
    errors.DiskFull,
    errors.IoError,
    errors.ReadOnlySqlTransaction,
    errors.InsufficientPrivilege,
    errors.LockNotAvailable,
)
_DAMAGED = (
    errors.DataCorrupted,
    errors.IndexCorrupted,
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedObject,
)
_IMPOSSIBLE = (psycopg.DataError, errors.ProgramLimitExceeded, UnicodeEncodeError)


class Server:
    """A database of a server, by its address. Any thread may use it.

    Connections are kept for the next transaction. Those that the server has dropped meanwhile are replaced before one
    begins, and one that cannot be made is an error at once. (psycopg_pool makes them in the background: with it a
    server that refuses cost 5 s, and so did the first search after a restart, of a server that was back.)

    What fails is raised as a MemoryFailed, or as InvalidRequest if PostgreSQL cannot hold what it was given.
    """

    def __init__(self, url: str) -> None:
        self.name = f"PostgreSQL at {_place(url)}"
        self._url = url
        self._idle: deque[_Connection] = deque()
        self._is_closed = False
        self._turns = threading.BoundedSemaphore(_MOST_CONNECTIONS)

    @contextmanager
    def reading(self, within_s: float = _READ_S) -> Iterator[Connection]:
        """A transaction that sees one state of the database, and ends in time."""
        with self._transaction(_READING.format(round(within_s * 1000)), monotonic() + within_s) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction. What is done in the block is durable when the block is left, or not done at all."""
        with self._transaction(_WRITING, None) as connection:
            yield connection

    @contextmanager
    def opening(self) -> Iterator[Connection]:
        """A transaction as `writing` gives, of a database that may have no pgvector yet."""
        with self._translated():
            connection = self._connect()
            try:
                connection.execute(_WRITING)
                yield connection
                connection.execute("commit")
            finally:
                connection.close()

    def close(self) -> None:
        """Close its connections; those that are in use as soon as they are not."""
        self._is_closed = True
        while (connection := self._kept()) is not None:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str, until: float | None) -> Iterator[Connection]:
        with self._translated(), self._turn(until):
            connection = self._begun(begin, until)
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                connection.close()  # that ends the transaction too, and does not wait for an answer
                raise
            self._idle.append(connection)
            if self._is_closed:
                self.close()

    @contextmanager
    def _turn(self, until: float | None) -> Iterator[None]:
        if not self._turns.acquire(timeout=_TURN_S if until is None else until - monotonic()):
            raise MemoryUnavailable(f"{self.name} is busy: {_MOST_CONNECTIONS} others are being waited for")
        try:
            yield
        finally:
            self._turns.release()

    def _begun(self, begin: str, until: float | None) -> "_Connection":
        """A connection in a new transaction: one that was kept, unless the server has dropped it meanwhile."""
        while (connection := self._kept()) is not None:
            connection.until = until
            try:
                connection.execute(begin)
            except _Silence:
                connection.close()
                raise
            except psycopg.OperationalError:
                connection.close()
            else:
                return connection
        connection = self._connect()
        connection.until = until
        try:
            _register(connection)
            connection.execute(begin)
        except BaseException:
            connection.close()
            raise
        return connection

    def _kept(self) -> "_Connection | None":
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self) -> "_Connection":
        connection = _Connection.connect(
            self._url,
            autocommit=True,  # transactions are begun and ended in so many words
            prepare_threshold=None,  # behind a pooler the next transaction may be on another connection
            connect_timeout=_CONNECT_S,
            fallback_application_name="poly",
            client_encoding="utf8",
        )
        connection.url = self._url
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _IMPOSSIBLE as error:
            raise InvalidRequest(f"{self.name} cannot hold this: {_sentence(error)}") from error
        except _UNWRITABLE as error:
            raise MemoryUnwritable(f"{self.name} lets nothing be written: {_sentence(error)}") from error
        except _DAMAGED as error:
            raise MemoryDamaged(f"{self.name} has damaged tables, or not those of Poly: {_sentence(error)}") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise MemoryUnavailable(f"{self.name} cannot be used now: {_sentence(error)}") from error


class _Silence(psycopg.OperationalError):
    """The server is there, and says nothing."""


class _Connection(psycopg.Connection[TupleRow]):
    """A connection whose statements do not wait for ever, as those of psycopg do for a server that is frozen: until a
    point in time of the monotonic clock; or, where there is none, for as long as the server answers others.
    """

    until: float | None = None
    url: str = ""

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:  # whatever else this psycopg takes
        return super().wait(self._impatient(gen), *args, **kwargs)

    def _impatient(self, gen: PQGen[RV]) -> PQGen[RV]:
        heard = monotonic()
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited  # nothing, if the interval is over
                if ready:
                    heard = monotonic()
                elif self.until is None and monotonic() - heard > _SILENCE_S:
                    self._check_others_are_answered()
                    heard = monotonic()
                if self.until is not None and monotonic() > self.until:
                    raise _Silence("there was no answer in time")
                awaited = gen.send(ready)
        except StopIteration as done:
            result: RV = done.value
            return result

    def _check_others_are_answered(self) -> None:
        here = self.info
        try:
            psycopg.connect(
                self.url, host=here.host, hostaddr=here.hostaddr or None, port=here.port, connect_timeout=_CONNECT_S
            ).close()
        except psycopg.OperationalError as error:
            raise _Silence("there was no answer in time, and others are not answered either") from error


def _register(connection: Connection) -> None:
    try:
        register_vector(connection)
    except psycopg.ProgrammingError as error:
        raise errors.UndefinedObject("pgvector is gone, or not in the search path any more") from error


def _place(url: str) -> str:
    """What an address says besides user and password. Raises InvalidRequest, which repeats nothing of it."""
    try:
        parts = conninfo_to_dict(url)
        host, port = parts.get("host") or "localhost", str(parts.get("port") or 5432)
        database = parts.get("dbname") or parts.get("user") or ""
        if not _PORTS.fullmatch(port) or "@" in f"{host}{database}":
            raise psycopg.ProgrammingError("a part of the password stands where it does not belong")
    except psycopg.ProgrammingError:
        raise InvalidRequest(
            "the address of the PostgreSQL server cannot be understood: it is to be like"
            " postgresql://user:password@host:5432/database, with %40 for @ and %2F for / in a password"
        ) from None
    return f"{host}:{port}/{database}"


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())
