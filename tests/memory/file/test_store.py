"""The built-in store: what it holds in its tables, and what it says of damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from poly_engine.memory.file import FileStore
from poly_engine.memory.records import Document, NewChunk
from tests.memory.stores import MODEL, near, put, vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes" / "memory.db"


@pytest.fixture
def store(path: Path) -> Iterator[FileStore]:
    with closing(FileStore(path, MODEL)) as store:
        yield store


def test_what_is_removed_leaves_nothing_behind(store: FileStore, path: Path) -> None:
    put(store, "a.txt", ["one ", "two "])
    put(store, "b.txt", ["three"], 2)
    assert store.remove("a.txt")
    assert not store.remove("a.txt")
    assert near(store, 0) == []
    assert store.clear() == 1
    with closing(sqlite3.connect(path)) as connection:
        counts = [
            connection.execute(f"select count(*) from {t}").fetchone()[0] for t in ("documents", "chunks", "words")
        ]
    assert counts == [0, 0, 0]


def test_a_document_that_cannot_be_stored_whole_is_not_stored_at_all(store: FileStore) -> None:
    put(store, "a.txt", ["one"])
    with pytest.raises(AssertionError):
        store.put(Document("a.txt", "", "two"), [NewChunk(0, 3)], vectors(0, 1))
    with pytest.raises(sqlite3.IntegrityError):
        store.put(Document(None, "", "two"), [NewChunk(0, 3)], vectors(0))  # type: ignore[arg-type]  # as a bug would
    assert near(store, 0) == ["one"]
    put(store, "b.txt", ["two"], 1)
    assert near(store, 1) == ["two"]


def test_a_damaged_vector_is_told_and_the_others_are_found(store: FileStore, path: Path) -> None:
    put(store, "a.txt", ["one ", "two"])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("update vectors set vector = zeroblob(length(vector)) where chunk = 1")
    assert near(store, 1) == ["two"]
    assert near(store, 0) == []
    assert store.faults() == ["the vector of chunk 1 is damaged"]
