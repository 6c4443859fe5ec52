"""The vectors at hand are those of the database, whatever happened there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from poly_engine.memory.file import FileStore
from poly_engine.memory.file.vectors import VectorTable
from tests.memory.stores import DIMENSIONS, MODEL, near, put


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[FileStore, FileStore]]:
    """A memory opened twice."""
    with ExitStack() as opened:
        path = tmp_path / "memory.db"
        one, other = (opened.enter_context(closing(FileStore(path, MODEL))) for _ in range(2))
        yield one, other


def present(store: FileStore, table: VectorTable) -> list[int]:
    """The chunks that a table has after it has seen what is new."""
    with store._database.reading() as reader:
        table.refresh(reader)
    ids: list[int] = table.ids[table.is_present].tolist()
    assert table.n_present == len(ids)
    return ids


def stored(store: FileStore) -> list[int]:
    return [row[0] for row in store._rows("select chunk from vectors order by chunk")]


def test_a_table_follows_what_others_do(stores: tuple[FileStore, FileStore]) -> None:
    writer, reader = stores
    table = VectorTable(DIMENSIONS)
    chance = random.Random(1)
    for _ in range(60):
        for _ in range(chance.randint(0, 3)):
            put(writer, f"{chance.randint(1, 9)}.txt", ["text "] * chance.randint(1, 8))
        writer.remove(f"{chance.randint(1, 9)}.txt")
        assert present(reader, table) == stored(reader)
        assert np.isin(np.round(table.vectors, 3), (0, 1)).all()


def test_a_table_that_missed_more_removals_than_are_remembered_is_read_anew(
    stores: tuple[FileStore, FileStore],
) -> None:
    writer, reader = stores
    table = VectorTable(DIMENSIONS)
    for number in range(3):
        put(writer, f"{number}.txt", ["text "])
    assert present(reader, table) == [1, 2, 3]
    writer.remove("0.txt")
    with writer._database.writing() as connection:
        connection.executemany("insert into removed (first, last) values (?, ?)", [(1000, 1000)] * 1100)
    assert present(reader, table) == [2, 3]


def test_what_is_removed_and_put_again_is_found_once(stores: tuple[FileStore, FileStore]) -> None:
    writer, reader = stores
    for _ in range(5):
        put(writer, "a.txt", ["one ", "two "])
        assert near(reader, 0) == ["one "]
    writer.clear()
    assert near(reader, 0) == []
