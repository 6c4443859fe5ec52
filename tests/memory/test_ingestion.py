"""Documents on their way into a memory: what is accepted gets in, whatever happens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from poly_engine.errors import EngineClosed, MemoryUnwritable, UnreadableDocument
from poly_engine.memory.file import FileStore
from poly_engine.memory.memory import Memory
from poly_engine.memory.records import Document, NewChunk, Vectors
from poly_engine.types import RecallOptions
from tests.memory.words import MODEL, Words, opened

ROOT = Path(__file__).parents[2]


class Moody(FileStore):
    """A store that refuses as often as it is told to."""

    def __init__(self, path: Path, n_refusals: int, error: Exception) -> None:
        super().__init__(path, MODEL)
        self.n_refusals = n_refusals
        self._error = error

    def put(self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
        self.n_refusals -= 1
        if self.n_refusals >= 0:
            raise self._error
        super().put(document, chunks, vectors)


async def sources(memory: Memory) -> list[str]:
    return sorted(document.source for document in await memory.documents())


async def test_what_a_killed_process_had_accepted_is_taken_in_by_the_next(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.memory.ingester", str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"accepted\n"
    async with opened(tmp_path, Words()) as memory:
        assert {job.state for job in await memory.jobs()} == {"working"}
        process.kill()
        await process.wait()
        await memory.settle()
        assert await sources(memory) == ["ingested.txt", "submitted.txt"]
        assert await memory.jobs() == []


async def test_what_waits_when_the_memory_is_closed_is_taken_in_when_it_is_opened_again(tmp_path: Path) -> None:
    async with opened(tmp_path, Words()) as memory:
        for number in range(10):
            await memory.submit(f"Document number {number}.".encode(), source=f"{number}.txt")
    async with opened(tmp_path, Words()) as memory:
        await memory.settle()
        assert len(await sources(memory)) == 10


async def test_a_document_waits_while_the_store_cannot_be_written(tmp_path: Path) -> None:
    store = Moody(tmp_path / "memory.db", 2, MemoryUnwritable("the disk is full"))
    async with opened(tmp_path, Words(), store) as memory:
        await memory.submit(b"A parrot talks.", source="a.txt")
        await memory.settle()
        assert store.n_refusals < 0
        assert await sources(memory) == ["a.txt"]


async def test_who_waits_for_it_is_told_that_the_store_cannot_be_written(tmp_path: Path) -> None:
    store = Moody(tmp_path / "memory.db", 1, MemoryUnwritable("the disk is full"))
    async with opened(tmp_path, Words(), store) as memory:
        with pytest.raises(MemoryUnwritable):
            await memory.ingest(b"A parrot talks.", source="a.txt")
        assert await memory.jobs() == []


async def test_a_bug_of_ours_is_on_record_and_holds_up_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Moody(tmp_path / "memory.db", 1, ZeroDivisionError("as a bug would"))
    async with opened(tmp_path, Words(), store) as memory:
        await memory.submit(b"A parrot talks.", source="a.txt")
        await memory.submit(b"A cat sleeps.", source="b.txt")
        await memory.settle()
        assert [(job.source, job.state, job.reason) for job in await memory.jobs()] == [
            ("a.txt", "failed", "as a bug would")
        ]
        assert await sources(memory) == ["b.txt"]
    assert "a.txt cannot be taken in" in caplog.text


async def test_a_document_that_cannot_be_read_is_on_record_with_its_cause(tmp_path: Path) -> None:
    async with opened(tmp_path, Words()) as memory:
        with pytest.raises(UnreadableDocument):
            await memory.ingest(b"%PDF-1.7 nothing", source="a.pdf")
        (job,) = await memory.jobs()
        assert (job.source, job.state, job.cause) == ("a.pdf", "failed", "damaged")
        await memory.ingest(b"Now it is text.", source="a.pdf", media_type="text/plain")
        assert await memory.jobs() == []


async def test_who_is_cancelled_leaves_nothing_in_the_queue(tmp_path: Path) -> None:
    class Slow(Words):
        is_asked = asyncio.Event()

        async def embed(self, texts: Sequence[str]) -> Vectors:
            self.is_asked.set()
            await asyncio.Event().wait()
            return await super().embed(texts)

    words = Slow()
    async with opened(tmp_path, words) as memory:
        taking_in = asyncio.create_task(memory.ingest(b"A parrot talks.", source="a.txt"))
        await words.is_asked.wait()
        taking_in.cancel()
        await asyncio.wait([taking_in])
        assert taking_in.cancelled()
        assert await memory.jobs() == []
        assert await sources(memory) == []


async def test_many_at_once_get_in_each_once(tmp_path: Path) -> None:
    async with opened(tmp_path, Words()) as memory:
        texts = [f"Document {number % 5}, version {number // 5}.".encode() for number in range(20)]
        taken = await asyncio.gather(
            *(memory.ingest(text, source=f"{number % 5}.txt") for number, text in enumerate(texts))
        )
        assert [one.outcome for one in taken] == ["added"] * 5 + ["replaced"] * 15
        assert await sources(memory) == [f"{number}.txt" for number in range(5)]
        assert [(await memory.chunks(f"{number}.txt"))[0].text[-2:] for number in range(5)] == ["3."] * 5


async def test_a_closed_memory_says_so_to_whoever_asks(tmp_path: Path) -> None:
    async with opened(tmp_path, Words()) as memory:
        pass
    for refused in (memory.recall("parrots", RecallOptions()), memory.documents(), memory.jobs()):
        with pytest.raises(EngineClosed):
            await refused


async def test_a_closed_memory_takes_nothing_in(tmp_path: Path) -> None:
    async with opened(tmp_path, Words()) as memory:
        pass
    with pytest.raises(EngineClosed):
        await memory.submit(b"A parrot talks.", source="a.txt")
