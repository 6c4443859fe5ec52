"""The built-in store: what it holds, what survives, and what it says of damage."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from poly_engine.errors import MemoryDamaged, MemoryUnwritable
from poly_engine.memory.file import FileStore
from poly_engine.memory.records import Document, NewChunk
from tests.memory.file.writer import N_CHUNKS
from tests.memory.stores import MODEL, near, put, vectors

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes" / "memory.db"


@pytest.fixture
def store(path: Path) -> Iterator[FileStore]:
    store = FileStore(path, MODEL)
    yield store
    store.close()


def test_what_is_removed_leaves_nothing_behind(store: FileStore, path: Path) -> None:
    put(store, "a.txt", ["one ", "two "])
    put(store, "b.txt", ["three"], 2)
    assert store.remove("a.txt")
    assert not store.remove("a.txt")
    assert near(store, 0) == []
    assert store.clear() == 1
    with sqlite3.connect(path) as connection:
        counts = [
            connection.execute(f"select count(*) from {t}").fetchone()[0] for t in ("documents", "chunks", "words")
        ]
    connection.close()
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


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\x00" * 4000])
def test_a_file_that_is_none_of_ours_is_refused_and_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    with pytest.raises(MemoryDamaged):
        FileStore(path, MODEL)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table cookies (name)")
    connection.close()
    with pytest.raises(MemoryDamaged, match="another program"):
        FileStore(path, MODEL)


def test_a_damaged_vector_is_told_and_the_others_are_found(store: FileStore, path: Path) -> None:
    put(store, "a.txt", ["one ", "two"])
    with sqlite3.connect(path) as connection:
        connection.execute("update chunks set vector = zeroblob(length(vector)) where place = 0")
    connection.close()
    assert near(store, 1) == ["two"]
    assert near(store, 0) == []
    assert store.faults() == ["the vector of chunk 1 is damaged"]


# What survives


def start_writer(path: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.memory.file.writer", str(path), name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_nothing_acknowledged_is_lost_when_two_writers_are_killed(path: Path) -> None:
    for cycle in range(4):
        writers = [start_writer(path, f"{cycle}{name}") for name in "ab"]
        acknowledged = [read_line(writer) for writer in writers]  # both have begun
        time.sleep(random.Random(cycle).random() / 4)
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
        acknowledged += [line for writer in writers for line in writer.communicate()[0].split("\n")[:-1]]
        store = FileStore(path, MODEL)
        documents = {document.source: document.n_chunks for document in store.documents()}
        assert set(filter(None, acknowledged)) <= documents.keys()
        assert set(documents.values()) == {N_CHUNKS}
        assert store.faults() == []
        store.close()


def read_line(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline().strip()


def test_a_full_disk_loses_nothing_and_reading_goes_on(path: Path) -> None:
    store = FileStore(path, MODEL)
    put(store, "a.txt", ["one"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("memory.db-wal").stat().st_size + 4096, before[1]))
    try:
        with pytest.raises(MemoryUnwritable):
            for number in range(100):
                put(store, f"{number}.txt", ["x" * 5000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.checksum("a.txt") is not None
    store.close()
    again = FileStore(path, MODEL)
    put(again, "b.txt", ["two"], 1)
    assert near(again, 1) == ["two"]
    assert again.faults() == []
    again.close()
