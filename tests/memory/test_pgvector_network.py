"""The store in PostgreSQL when the server is away, silent, full, or not as it should be."""

from __future__ import annotations

import socket
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from poly_engine.errors import (
    InvalidRequest,
    MemoryDamaged,
    MemoryFailed,
    MemoryMismatch,
    MemoryUnavailable,
    MemoryUnwritable,
)
from poly_engine.memory.pgvector import PgvectorStore
from poly_engine.memory.records import Fingerprint
from tests.memory.postgres import PASSWORD, Admin, Postgres, wait_for
from tests.memory.stores import MODEL, near, put

TIME_S = 5.5  # in which every call answers, whatever the server does


@pytest.fixture
def store(postgres: Postgres, table: str) -> Iterator[PgvectorStore]:
    with closing(PgvectorStore(postgres.url(), table, MODEL)) as store:
        put(store, "a.txt", ["before"])
        yield store


@contextmanager
def in_time(within_s: float = TIME_S) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < within_s


def assert_fails_in_time(threads: Executor, stores: Sequence[PgvectorStore], within_s: float = TIME_S) -> None:
    """Reading and writing both say that the server does not answer."""

    def fails(call: Callable[[], object]) -> None:
        with in_time(within_s), pytest.raises(MemoryUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:"):
            call()

    one, two, three, four = stores
    calls = (lambda: near(one, 0), two.documents, lambda: put(three, "b.txt", ["new"]), lambda: four.remove("a.txt"))
    for failed in [threads.submit(fails, call) for call in calls]:
        failed.result(2 * TIME_S)


LOCKED = "from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'poly'"


@contextmanager
def held_up(postgres: Postgres, table: str, work: Callable[[], object]) -> Iterator[Future[object]]:
    """Within the block, `work` is in the middle of writing a document, and cannot go on."""
    with psycopg.connect(postgres.url()) as other, ThreadPoolExecutor() as threads:
        other.execute(SQL("lock table {} in exclusive mode").format(Identifier(table + "_vectors")))
        yield threads.submit(work)
        other.rollback()


def test_a_server_that_is_gone_is_told_at_once_and_used_at_once_when_it_is_back(
    postgres: Postgres, store: PgvectorStore
) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: near(store, 0), range(8)))  # so that it has several connections
        postgres.stop()
        try:
            assert_fails_in_time(threads, [store] * 4, 1.0)
        finally:
            postgres.start()
    with in_time(1.0):
        assert near(store, 0) == ["before"]
    postgres.stop()
    postgres.start()
    with in_time(1.0):
        put(store, "b.txt", ["after"], 1)
    assert near(store, 1) == ["after"]


def test_a_server_that_falls_silent_is_given_up_and_used_when_it_speaks(
    postgres: Postgres, store: PgvectorStore, table: str
) -> None:
    with ExitStack() as opened, ThreadPoolExecutor() as threads:
        others = [opened.enter_context(closing(PgvectorStore(postgres.url(), table, MODEL))) for _ in range(4)]
        assert [near(one, 0) for one in others] == [["before"]] * 4  # each has a connection now
        with postgres.frozen():
            assert_fails_in_time(threads, others)
            assert_fails_in_time(threads, others)  # and has none now
        with in_time():
            put(others[0], "b.txt", ["after"], 1)
    assert (near(store, 0), near(store, 1)) == (["before"], ["after"])


def test_a_server_that_falls_silent_in_the_middle_of_a_put_is_given_up(
    postgres: Postgres, store: PgvectorStore, admin: Admin, table: str
) -> None:
    with held_up(postgres, table, lambda: put(store, "a.txt", ["after"])) as writing:
        wait_for(admin, f"count(*) = 1 {LOCKED}")
        with postgres.frozen(), in_time(), pytest.raises(MemoryUnavailable):
            writing.result(2 * TIME_S)
    wait_for(admin, f"count(*) = 0 {LOCKED}")
    assert near(store, 0) == ["before"]


def test_a_server_that_never_says_anything_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, in_time(), pytest.raises(MemoryUnavailable):
        PgvectorStore(f"postgresql://poly@127.0.0.1:{mute.getsockname()[1]}/poly", "notes", MODEL)


def test_where_no_server_is_nothing_is_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with in_time(1.0), pytest.raises(MemoryUnavailable, match=f"127.0.0.1:{port}/poly"):
        PgvectorStore(f"postgresql://poly@127.0.0.1:{port}/poly", "notes", MODEL)


def test_a_put_whose_connection_breaks_leaves_the_document_before(
    postgres: Postgres, store: PgvectorStore, admin: Admin, table: str
) -> None:
    with held_up(postgres, table, lambda: put(store, "a.txt", ["after ", "more"])) as writing:
        wait_for(admin, f"count(*) = 1 {LOCKED}")
        admin.execute(f"select pg_terminate_backend(pid) {LOCKED}")
        with pytest.raises(MemoryUnavailable):
            writing.result()
    assert [chunk.text for chunk in store.chunks("a.txt")] == ["before"]
    assert store.faults() == []
    put(store, "a.txt", ["after"])
    assert near(store, 0) == ["after"]


def test_a_search_in_the_middle_of_a_put_sees_the_document_before(
    postgres: Postgres, store: PgvectorStore, admin: Admin, table: str
) -> None:
    with held_up(postgres, table, lambda: put(store, "a.txt", ["after ", "more"])) as writing:
        wait_for(admin, f"count(*) = 1 {LOCKED}")
        assert near(store, 0) == ["before"]
    writing.result()
    assert near(store, 0) == ["after "]


def test_a_server_that_works_for_long_is_not_taken_for_a_silent_one(
    postgres: Postgres, store: PgvectorStore, admin: Admin, table: str
) -> None:
    with held_up(postgres, table, lambda: put(store, "a.txt", ["after"])) as writing:
        (before,) = admin.execute("select sum(sessions) from pg_stat_database").fetchall()
        wait_for(admin, "sum(sessions) > %s from pg_stat_database", *before)  # it has asked over another connection
    writing.result()
    assert near(store, 0) == ["after"]


# The server refuses


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("53100", MemoryUnwritable),  # the disk is full
        ("58030", MemoryUnwritable),  # the disk is broken
        ("55P03", MemoryUnwritable),  # somebody else does not stop writing
        ("57P01", MemoryUnavailable),  # the server is shut down
        ("57014", MemoryUnavailable),  # it takes too long
        ("XX001", MemoryDamaged),  # a page is damaged
    ],
)
def test_what_the_server_cannot_do_is_told_and_nothing_is_changed(
    store: PgvectorStore, admin: Admin, table: str, state: str, error: type[MemoryFailed]
) -> None:
    names = {"trigger": Identifier(table), "vectors": Identifier(table + "_vectors"), "state": Literal(state)}
    admin.execute(
        SQL(
            "create function {trigger} () returns trigger language plpgsql as"
            " $$ begin raise exception 'it cannot be done' using errcode = {state}; end $$;"
            "create trigger broken before insert on {vectors} execute function {trigger} ()"
        ).format(**names)
    )
    with pytest.raises(error, match="it cannot be done"):
        put(store, "a.txt", ["after"])
    assert near(store, 0) == ["before"]
    admin.execute(SQL("drop function {trigger} cascade").format(**names))
    put(store, "a.txt", ["after"])
    assert near(store, 0) == ["after"]


def test_a_memory_that_can_only_be_read_is_read(postgres: Postgres, store: PgvectorStore, table: str) -> None:
    url = postgres.url() + "?options=-c%20default_transaction_read_only%3Don"
    with closing(PgvectorStore(url, table, MODEL)) as reader:
        assert near(reader, 0) == ["before"]
        for write in (lambda: put(reader, "b.txt", ["new"]), reader.clear, lambda: reader.remove("a.txt")):
            with pytest.raises(MemoryUnwritable):
                write()
    with pytest.raises(MemoryUnwritable):
        PgvectorStore(url, table + "_2", MODEL)
    assert [one.source for one in store.documents()] == ["a.txt"]


@pytest.mark.usefixtures("store")
def test_another_model_is_refused_by_the_name_of_the_table(postgres: Postgres, table: str) -> None:
    with pytest.raises(MemoryMismatch, match=f"{table} in PostgreSQL at 127.0.0.1:{postgres.port}/postgres"):
        PgvectorStore(postgres.url(), table, Fingerprint("other", 8, "another"))


# Addresses, users, and a server without pgvector


def test_a_password_is_never_in_a_message(postgres: Postgres, store: PgvectorStore) -> None:
    secret = "Xy%2FzQ9"
    for url in (
        postgres.url(password=secret),
        f"postgresql://postgres:{secret}@127.0.0.1:99999/postgres",
        f"postgresql://postgres:Xy%zzQ9{secret}@127.0.0.1/postgres",
        f"postgresql://postgres:a/{secret}@127.0.0.1:5432/postgres",
        f"postgresql://postgres:a@{secret}@127.0.0.1:5432/postgres",
        f"postgresql://postgres:{secret}/postgres",
        f"host=127.0.0.1 password={secret} nonsense",
    ):
        with pytest.raises((MemoryUnavailable, InvalidRequest)) as caught:
            PgvectorStore(url, "notes", MODEL)
        assert "Q9" not in "".join(traceback.format_exception(caught.value))
    postgres.stop()
    try:
        with pytest.raises(MemoryUnavailable) as gone:
            store.documents()
    finally:
        postgres.start()
    assert PASSWORD not in "".join(traceback.format_exception(gone.value))


@pytest.fixture
def user(admin: Admin) -> Iterator[str]:
    """Somebody who may connect, and nothing else."""
    name = f"u{uuid.uuid4().hex}"
    admin.execute(SQL("create role {} login password 'p'").format(Identifier(name)))
    yield name
    admin.execute(SQL("drop role {}").format(Identifier(name)))


def test_who_may_not_add_pgvector_is_told_what_to_run(postgres: Postgres, user: str, database: str) -> None:
    with pytest.raises(MemoryUnavailable, match="run `create extension vector`"):
        PgvectorStore(postgres.url(user, "p", database), "notes", MODEL)
    with postgres.admin(database) as owner:
        owner.execute("create extension vector")
    with pytest.raises(MemoryUnwritable, match="permission denied"):
        PgvectorStore(postgres.url(user, "p", database), "notes", MODEL)


def test_who_may_not_make_a_schema_may_use_one(postgres: Postgres, user: str, database: str) -> None:
    with pytest.raises(MemoryUnavailable):
        PgvectorStore(postgres.url(user, "p", database), "notes", MODEL)
    with postgres.admin(database) as owner:
        owner.execute("create extension vector")
        owner.execute(SQL("create schema kept authorization {}").format(Identifier(user)))
    with closing(PgvectorStore(postgres.url(user, "p", database), "kept.notes", MODEL)) as store:
        put(store, "a.txt", ["one"])
        assert near(store, 0) == ["one"]


def test_of_a_server_without_pgvector_it_says_what_to_install(postgres: Postgres, database: str) -> None:
    url = postgres.url(database=database) + "?options=-c%20extension_control_path%3D/nowhere"
    with pytest.raises(MemoryUnavailable, match="install"):
        PgvectorStore(url, "notes", MODEL)


def test_an_old_pgvector_is_refused(postgres: Postgres, database: str) -> None:
    with postgres.admin(database) as owner:
        owner.execute("create extension vector")
        owner.execute("update pg_extension set extversion = '0.7.4' where extname = 'vector'")
    with pytest.raises(MemoryUnavailable, match="alter extension vector update"):
        PgvectorStore(postgres.url(database=database), "notes", MODEL)


def test_a_pgvector_that_is_not_looked_for_is_told(postgres: Postgres, database: str) -> None:
    with postgres.admin(database) as admin:
        admin.execute("create schema hidden; create extension vector schema hidden")
    with pytest.raises(MemoryUnavailable, match="search_path"):
        PgvectorStore(postgres.url(database=database), "notes", MODEL)


def test_a_pgvector_that_is_gone_is_told(postgres: Postgres, database: str) -> None:
    with closing(PgvectorStore(postgres.url(database=database), "notes", MODEL)) as store:
        put(store, "a.txt", ["one"])
        with postgres.admin(database) as admin:
            admin.execute("drop extension vector cascade")
        for _ in range(2):  # over a connection that knows it, and over a new one
            with pytest.raises(MemoryDamaged):
                near(store, 0)
        assert len(store.faults()) == 1


def test_nothing_stays_connected_when_it_is_closed(postgres: Postgres, admin: Admin, table: str) -> None:
    url = postgres.url() + f"?application_name={table}"
    store = PgvectorStore(url, table, MODEL)
    put(store, "a.txt", ["one"])
    with store._server.reading():
        put(store, "b.txt", ["two"])
        store.close()
    wait_for(admin, "count(*) = 0 from pg_stat_activity where application_name = %s", table)
