"""Memories as lines of JSON: what goes out comes in again, and what was not exported is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poly_engine.errors import InvalidRequest
from poly_engine.extract import Heading
from poly_engine.memory.archive import Entry, entry_line, header_line, parse_entry, parse_header, read_entry
from poly_engine.memory.file import FileStore
from poly_engine.memory.records import Document, Fingerprint, NewChunk
from poly_engine.types import Ingested
from tests.memory.stores import DIMENSIONS, MODEL, put, vectors
from tests.memory.words import Words, opened

ENTRY = Entry(
    Document("日本.pdf", "ab" * 32, "Ünï 日本 😀", "Title", "application/pdf", (Heading(0, 1, "Ünï"),), (0, 4)),
    [NewChunk(0, 3, "k", ("Ünï",), 1, 1), NewChunk(4, 8, "l", (), 1, 2)],
    vectors(0, 1),
)


def test_a_document_comes_back_as_it_was(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "memory.db", MODEL)
    store.put(ENTRY.document, ENTRY.chunks, ENTRY.vectors)
    read = read_entry(store, "日本.pdf")
    store.close()
    assert read is not None
    again = parse_entry(entry_line(read), 2, DIMENSIONS)
    assert (again.document, again.chunks) == (ENTRY.document, ENTRY.chunks)
    np.testing.assert_allclose(again.vectors, ENTRY.vectors, atol=1e-3)


def test_the_first_line_tells_of_the_model() -> None:
    assert parse_header(header_line(MODEL)) == MODEL


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b'{"format":"poly-memory","version":2}',
        b'{"format":"poly-memory","version":1,"model":"m"}',
    ],
)
def test_a_file_that_was_not_exported_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_header(line)


@pytest.mark.parametrize(
    "changes",
    [
        {"chunks": []},
        {"chunks": 7},
        {"source": ""},
        {"surprise": 1},
        {"text": None},
        {"chunks": [{"start": 0, "end": 99, "vector": ""}]},
        {"chunks": [{"start": 3, "end": 3, "vector": "half"}]},
        {"chunks": [{"start": 0, "end": 3}]},
    ],
)
def test_a_document_whose_parts_do_not_fit_is_refused_with_its_line(changes: dict[str, Any]) -> None:
    half = base64.b64encode(np.eye(1, DIMENSIONS, dtype="<f2").tobytes()).decode()
    given = json.loads(entry_line(ENTRY)) | json.loads(json.dumps(changes).replace("half", half))
    with pytest.raises(InvalidRequest, match="line 7 "):
        parse_entry(json.dumps(given).encode(), 7, DIMENSIONS)


def test_a_vector_that_is_not_of_length_one_is_refused() -> None:
    line = entry_line(Entry(ENTRY.document, ENTRY.chunks, 2 * ENTRY.vectors))
    with pytest.raises(InvalidRequest, match="not of length 1"):
        parse_entry(line, 2, DIMENSIONS)


def test_a_document_that_is_gone_is_none(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "memory.db", MODEL)
    put(store, "a.txt", ["one"])
    assert read_entry(store, "b.txt") is None
    store.close()


async def test_what_another_model_had_embedded_is_embedded_anew(tmp_path: Path) -> None:
    words = Words()
    lines = [header_line(Fingerprint("other", DIMENSIONS, "x")), entry_line(ENTRY)]
    done: list[Ingested] = []
    async with opened(tmp_path, words) as memory:
        await memory.restore(each(lines), done.append)
        assert [(one.outcome, one.n_embedded) for one in done] == [("added", 1)]
        assert [chunk.text for chunk in await memory.chunks("日本.pdf")] == ["Ünï 日本 😀"]


async def test_a_memory_exported_while_it_grows_holds_whole_documents_only(tmp_path: Path) -> None:
    async with opened(tmp_path / "one", Words()) as memory:
        for number in range(5):
            await memory.ingest(b"First version. " * 20, source=f"{number}.txt")
        lines = []
        async for line in memory.export():
            lines.append(line)
            for number in range(5):
                await memory.ingest(f"Version {len(lines)} of it. ".encode() * 30, source=f"{number}.txt")
    async with opened(tmp_path / "two", Words()) as other:
        await other.restore(each(lines), lambda _: None)
        assert len(await other.documents()) == 5
        assert await other.faults() == []


async def each(lines: Iterable[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line
