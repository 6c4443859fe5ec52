"""The stores that the contract is for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest

from poly_engine.memory.file import FileStore
from poly_engine.memory.pgvector import PgvectorStore
from poly_engine.memory.qdrant import QdrantStore
from poly_engine.memory.qdrant.collection import Collection
from poly_engine.memory.records import Fingerprint
from poly_engine.memory.store import Store
from tests.memory.postgres import Admin, Postgres
from tests.memory.qdrant_server import QdrantServer
from tests.memory.stores import MODEL

OpenStore: TypeAlias = Callable[[Fingerprint], Store]


@pytest.fixture(params=["file", "pgvector", "qdrant", *(["qdrant_server"] if "QDRANT_URL" in os.environ else [])])
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """Opens one and the same store of a kind, however often it is called."""
    opens: OpenStore = request.getfixturevalue(f"open_{request.param}_store")
    return opens


@pytest.fixture
def open_file_store(tmp_path: Path) -> Iterator[OpenStore]:
    with ExitStack() as opened:
        yield lambda fingerprint: opened.enter_context(
            closing(FileStore(tmp_path / "notes" / "memory.db", fingerprint))
        )


@pytest.fixture
def qdrant() -> Iterator[QdrantServer]:
    with closing(QdrantServer()) as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
def open_qdrant_store(qdrant: QdrantServer) -> Iterator[OpenStore]:
    with ExitStack() as opened:
        yield lambda fingerprint: opened.enter_context(closing(QdrantStore(qdrant.url, "notes", fingerprint)))


@pytest.fixture
def open_qdrant_server_store() -> Iterator[OpenStore]:
    """On a real server, in a collection that is deleted afterwards."""
    url, name = os.environ["QDRANT_URL"], f"poly-test-{uuid.uuid4()}"
    with ExitStack() as opened:
        yield lambda fingerprint: opened.enter_context(closing(QdrantStore(url, name, fingerprint)))
    with closing(Collection(url, name, 5.0)) as collection:
        collection._client.delete_collection(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests that ask for it; each has its own table."""
    with TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def admin(postgres: Postgres) -> Iterator[Admin]:
    with postgres.admin() as admin:
        yield admin


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """A database of it in which nobody has been."""
    with postgres.new_database() as name:
        yield name


@pytest.fixture
def table() -> str:
    """The name of a table that is not there yet."""
    return f"notes_{uuid.uuid4().hex}"


@pytest.fixture
def open_pgvector_store(postgres: Postgres, table: str) -> Iterator[OpenStore]:
    with ExitStack() as opened:
        yield lambda fingerprint: opened.enter_context(closing(PgvectorStore(postgres.url(), table, fingerprint)))


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store(MODEL)
