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
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from poly_engine.errors import MemoryDamaged, MemoryMismatch, MemoryUnwritable
from poly_engine.memory.file_store import FileStore
from poly_engine.memory.records import Fingerprint, NewChunk, NewDocument
from tests.memory.writer import DIMENSIONS, N_CHUNKS

ROOT = Path(__file__).parents[2]
MODEL = Fingerprint("m", DIMENSIONS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes" / "memory.db"


@pytest.fixture
def store(path: Path) -> Iterator[FileStore]:
    store = FileStore(path, MODEL)
    yield store
    store.close()


def vectors(*directions: int) -> npt.NDArray[np.float32]:
    return np.eye(DIMENSIONS, dtype=np.float32)[list(directions)]


def put(store: FileStore, source: str, texts: Sequence[str], *directions: int) -> None:
    """Store a document of which each of `texts` is a chunk, with the vectors of those directions."""
    starts = [sum(map(len, texts[:i])) for i in range(len(texts))]
    chunks = [NewChunk(start, start + len(text), text) for start, text in zip(starts, texts, strict=True)]
    store.put(NewDocument(source, "0" * 64, "".join(texts)), chunks, vectors(*(directions or range(len(texts)))))


def found(store: FileStore, direction: int, n: int = 3) -> list[str]:
    matches = store.nearest(vectors(direction)[0], n)
    chunks = store.get(match.chunk for match in matches)
    return [chunks[match.chunk].text for match in matches if match.score > 0.5]


def test_what_is_put_is_found_by_vector_and_by_words(store: FileStore) -> None:
    put(store, "a.txt", ["The cat sleeps. ", "A dog barks."])
    assert found(store, 1) == ["A dog barks."]
    (match,) = store.matching("Which dogs bark?", 5)
    assert store.get([match.chunk])[match.chunk].text == "A dog barks."
    assert [chunk.place for chunk in store.chunks("a.txt")] == [0, 1]


def test_every_chunk_is_a_part_of_the_text_of_its_document(store: FileStore) -> None:
    put(store, "a.txt", ["Ünï ", "日本 ", "😀e"])
    text = store.text("a.txt")
    assert text is not None
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in store.chunks("a.txt"))
    assert store.faults() == []


def test_a_document_of_the_same_source_takes_the_place_of_the_one_before(store: FileStore) -> None:
    put(store, "a.txt", ["one ", "two "])
    put(store, "b.txt", ["three"], 2)
    put(store, "a.txt", ["four"], 0)
    assert [(document.source, document.n_chunks) for document in store.documents()] == [("b.txt", 1), ("a.txt", 1)]
    assert found(store, 0) == ["four"]
    assert store.matching("two", 5) == []


def test_what_is_removed_leaves_nothing_behind(store: FileStore, path: Path) -> None:
    put(store, "a.txt", ["one ", "two "])
    put(store, "b.txt", ["three"], 2)
    assert store.remove("a.txt")
    assert not store.remove("a.txt")
    assert found(store, 0) == []
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
        store.put(NewDocument("a.txt", "", "two"), [NewChunk(0, 3)], vectors(0, 1))
    with pytest.raises(sqlite3.IntegrityError):
        store.put(NewDocument(None, "", "two"), [NewChunk(0, 3)], vectors(0))  # type: ignore[arg-type]  # as a bug would
    assert found(store, 0) == ["one"]
    put(store, "b.txt", ["two"], 1)
    assert found(store, 1) == ["two"]


def test_a_search_can_be_limited_to_sources(store: FileStore) -> None:
    for number in range(5):
        put(store, f"{number}.txt", [f"the same word {number}"], 0)
    assert len(store.nearest(vectors(0)[0], 10, ["1.txt", "3.txt"])) == 2
    matches = store.matching("word", 10, ["3.txt"])
    assert [chunk.source for chunk in store.get(match.chunk for match in matches).values()] == ["3.txt"]
    assert store.nearest(vectors(0)[0], 10, []) == []


@pytest.mark.parametrize("text", ["", "?!", '"', "AND OR NOT", "a* NEAR(b c)", "col:x", "'; drop table chunks"])
def test_any_text_may_be_searched_for(store: FileStore, text: str) -> None:
    put(store, "a.txt", ["nothing of that kind"])
    assert store.matching(text, 5) == []


def test_scripts_without_spaces_are_found_by_parts_of_a_word(store: FileStore) -> None:
    put(store, "a.txt", ["東京都は日本の首都です。", "犬が好きです。"])
    matches = store.matching("日本の首都", 5)
    assert store.get([matches[0].chunk])[matches[0].chunk].text.startswith("東京都")


def test_what_is_written_by_others_is_seen_at_the_next_search(store: FileStore, path: Path) -> None:
    other = FileStore(path, MODEL)
    put(other, "a.txt", ["from elsewhere"])
    assert found(store, 0) == ["from elsewhere"]
    other.remove("a.txt")
    assert found(store, 0) == []
    other.close()


def test_it_is_all_there_when_it_is_opened_again(store: FileStore, path: Path) -> None:
    put(store, "a.txt", ["one ", "two"])
    store.close()
    again = FileStore(path, MODEL)
    assert found(again, 1) == ["two"]
    again.close()


def test_the_vectors_of_unchanged_chunks_need_not_be_computed_again(store: FileStore) -> None:
    put(store, "a.txt", ["one ", "two"])
    known = store.known_vectors("a.txt")
    assert known.keys() == {"one ", "two"}
    assert all(abs(np.linalg.norm(vector) - 1) < 1e-3 for vector in known.values())


def test_another_model_is_refused(store: FileStore, path: Path) -> None:
    with pytest.raises(MemoryMismatch, match="holds vectors of the model m, and other is configured"):
        FileStore(path, Fingerprint("other", DIMENSIONS))
    put(store, "a.txt", ["one"])
    assert found(store, 0) == ["one"]


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
    assert found(store, 1) == ["two"]
    assert found(store, 0) == []
    assert store.faults() == ["the vector of chunk 1 is damaged"]


# What survives


def start_writer(path: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.memory.writer", str(path), name]
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
    assert found(again, 1) == ["two"]
    assert again.faults() == []
    again.close()
