"""A memory embedded anew: whole, interrupted, and while others write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poly_engine.errors import EngineFailed, MemoryMismatch
from poly_engine.extract import Extractor
from poly_engine.memory.chunking import ChunkSettings
from poly_engine.memory.file import FileStore
from poly_engine.memory.file.rebuild import stored_fingerprint
from poly_engine.memory.intake import IntakeSettings
from poly_engine.memory.records import Fingerprint, Query, Vectors
from poly_engine.memory.reindexing import reindex
from poly_engine.types import Ingested, RecallOptions
from tests.memory.stores import document, vectors
from tests.memory.words import DIMENSIONS, MODEL, SETTINGS, Words, embedding_of, opened

OTHER = Fingerprint("other", DIMENSIONS, "digest of another")
SOURCES = ["0.txt", "1.txt", "2.txt"]


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Where a memory of three documents lies."""
    async with opened(tmp_path, Words()) as memory:
        for source in SOURCES:
            await memory.ingest(f"The document {source} tells of something.".encode(), source=source)
    return tmp_path


async def made_anew(
    folder: Path, words: Words, settings: IntakeSettings = SETTINGS, model: Fingerprint = OTHER
) -> list[Ingested]:
    done: list[Ingested] = []
    async with Extractor() as extractor:
        await reindex(folder / "memory.db", settings, embedding_of(words, model), extractor, done.append)
    return done


def sources(folder: Path, model: Fingerprint = OTHER) -> list[str]:
    store = FileStore(folder / "memory.db", model)
    found = [one.source for one in store.documents()]
    assert store.faults() == []
    store.close()
    return found


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("rebuild*"))


async def test_a_memory_of_another_model_is_embedded_anew(folder: Path) -> None:
    with pytest.raises(MemoryMismatch, match="poly memory reindex"):
        FileStore(folder / "memory.db", OTHER)
    done = await made_anew(folder, Words())
    assert [(one.source, one.n_embedded) for one in done] == [(source, 1) for source in SOURCES]
    assert stored_fingerprint(folder / "memory.db") == OTHER
    assert sources(folder) == SOURCES
    assert leftovers(folder) == []


async def test_chunks_are_cut_anew_as_the_settings_say(folder: Path) -> None:
    shorter = replace(SETTINGS, chunks=ChunkSettings(3))
    assert {one.n_chunks for one in await made_anew(folder, Words(), shorter, MODEL)} == {2}
    async with opened(folder, Words()) as memory:
        assert len(await memory.chunks("1.txt")) == 2
        (hit,) = (await memory.recall("tells of something", RecallOptions())).hits
    assert hit.text == "tells of something."


async def test_what_was_interrupted_is_gone_on_with_and_meanwhile_all_is_as_it_was(folder: Path) -> None:
    class Failing(Words):
        async def embed(self, texts: Sequence[str]) -> Vectors:
            if len(self.embedded) == 2:
                raise EngineFailed("as when the memory of the machine is full")
            return await super().embed(texts)

    with pytest.raises(EngineFailed):
        await made_anew(folder, Failing())
    assert sources(folder, MODEL) == SOURCES
    assert [one.source for one in await made_anew(folder, Words())] == SOURCES[2:]
    assert sources(folder) == SOURCES


async def test_what_others_write_meanwhile_is_there_in_the_end(folder: Path) -> None:
    other = FileStore(folder / "memory.db", MODEL)

    class Interrupted(Words):
        async def embed(self, texts: Sequence[str]) -> Vectors:
            if not self.embedded:
                other.put(*document("late.txt", ["A late one."]), vectors(0).repeat(DIMENSIONS // 8, 1) / 8**0.5)
                other.remove("0.txt")
            return await super().embed(texts)

    await made_anew(folder, Interrupted())
    other.close()
    assert sources(folder) == ["1.txt", "2.txt", "late.txt"]


async def test_who_has_the_old_one_open_neither_finds_nor_stores_what_cannot_be_compared(folder: Path) -> None:
    before = FileStore(folder / "memory.db", MODEL)
    query = Query(embedded(), "something", 3)
    assert len(before.search(query).nearest) == 3
    await made_anew(folder, Words())
    with pytest.raises(MemoryMismatch):
        before.search(query)
    with pytest.raises(MemoryMismatch):
        before.put(*document("late.txt", ["A late one."]), embedded()[np.newaxis])
    before.close()
    assert sources(folder) == SOURCES


def embedded() -> Vectors:
    """A vector of the old model."""
    return np.full(DIMENSIONS, DIMENSIONS**-0.5, np.float32)


async def test_an_empty_memory_takes_the_new_model(tmp_path: Path) -> None:
    FileStore(tmp_path / "memory.db", MODEL).close()
    assert await made_anew(tmp_path, Words()) == []
    assert sources(tmp_path) == []


async def test_no_number_of_a_chunk_is_used_twice(folder: Path) -> None:
    before = FileStore(folder / "memory.db", MODEL)
    old = {chunk.id for source in SOURCES for chunk in before.chunks(source)}
    before.close()
    await made_anew(folder, Words())
    after = FileStore(folder / "memory.db", OTHER)
    new = {chunk.id for source in SOURCES for chunk in after.chunks(source)}
    after.close()
    assert len(new) == 3
    assert not old & new
