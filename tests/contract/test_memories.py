"""Memories, of every engine."""

from collections.abc import AsyncIterator, Iterable

import pytest

from poly_engine.errors import EngineClosed, InvalidRequest, MemoryNotFound, UnreadableDocument
from poly_engine.interface import Engine
from poly_engine.types import Ingested, IngestProgress, RecallOptions

CATS = b"A cat sleeps sixteen hours a day."
FIVE = RecallOptions(n=5)
DOGS = b"A dog barks at the postman."


async def test_memories_are_listed_by_name(engine: Engine) -> None:
    assert [memory.name for memory in await engine.memories()] == ["notes"]


async def test_what_was_taken_in_is_recalled_with_its_source(engine: Engine) -> None:
    assert (await engine.ingest("notes", CATS, source="cats.txt")).outcome == "added"
    await engine.ingest("notes", DOGS, source="dogs.txt")
    (hit,) = (await engine.recall("notes", "a dog barks at whom")).hits
    assert (hit.source, hit.text) == ("dogs.txt", DOGS.decode())
    assert len((await engine.recall("notes", "a cat", FIVE)).hits) == 2


async def test_the_same_content_again_changes_nothing_and_another_takes_its_place(engine: Engine) -> None:
    await engine.ingest("notes", CATS, source="a.txt")
    assert (await engine.ingest("notes", CATS, source="a.txt")).outcome == "unchanged"
    assert (await engine.ingest("notes", DOGS, source="a.txt")).outcome == "replaced"
    assert [hit.text for hit in (await engine.recall("notes", "cat", FIVE)).hits] == [DOGS.decode()]
    assert [document.source for document in await engine.documents("notes")] == ["a.txt"]


async def test_what_is_forgotten_is_not_recalled(engine: Engine) -> None:
    await engine.ingest("notes", CATS, source="cats.txt")
    await engine.ingest("notes", DOGS, source="dogs.txt")
    assert await engine.forget("notes", "cats.txt") == 1
    assert await engine.forget("notes", "cats.txt") == 0
    assert [hit.source for hit in (await engine.recall("notes", "cat", FIVE)).hits] == ["dogs.txt"]
    assert await engine.forget("notes") == 1
    assert (await engine.recall("notes", "dog", FIVE)).hits == ()
    assert await engine.documents("notes") == []


async def test_recall_can_be_limited_to_some_documents(engine: Engine) -> None:
    for name in ("one", "two", "three"):
        await engine.ingest("notes", f"The same words, and {name}.".encode(), source=name)
    recalled = await engine.recall("notes", "words", RecallOptions(n=5, sources=["one", "three"]))
    assert {hit.source for hit in recalled.hits} == {"one", "three"}


async def test_a_document_without_text_is_refused_and_not_stored(engine: Engine) -> None:
    with pytest.raises(UnreadableDocument):
        await engine.ingest("notes", b"  \n", source="empty.txt")
    assert await engine.documents("notes") == []


async def test_what_was_submitted_is_there_when_all_is_settled(engine: Engine) -> None:
    await engine.submit("notes", CATS, source="cats.txt")
    await engine.submit("notes", b" ", source="empty.txt")
    await engine.settle("notes")
    assert [document.source for document in await engine.documents("notes")] == ["cats.txt"]
    (failed,) = await engine.jobs("notes")
    assert (failed.source, failed.state, failed.cause) == ("empty.txt", "failed", "no_text")


async def test_how_far_a_document_is_can_be_followed(engine: Engine) -> None:
    heard: list[IngestProgress] = []
    await engine.ingest("notes", CATS, source="cats.txt", on_progress=heard.append)
    assert heard[-1].n_embedded == heard[-1].n_new > 0
    heard.clear()
    await engine.ingest("notes", CATS, source="cats.txt", on_progress=heard.append)
    assert heard == []


async def test_the_chunks_of_a_document_can_be_listed(engine: Engine) -> None:
    await engine.ingest("notes", CATS, source="cats.txt")
    chunks = await engine.chunks("notes", "cats.txt")
    assert "".join(chunk.text for chunk in chunks) == CATS.decode()
    with pytest.raises(InvalidRequest, match="no document dogs"):
        await engine.chunks("notes", "dogs.txt")
    assert await engine.faults("notes") == []


async def test_what_was_exported_can_be_taken_in_again(engine: Engine) -> None:
    await engine.ingest("notes", CATS, source="cats.txt")
    await engine.ingest("notes", DOGS, source="dogs.txt")
    lines = [line async for line in engine.export("notes")]
    assert [line.count(b"\n") for line in lines] == [1, 1, 1]
    await engine.forget("notes", "cats.txt")
    done: list[Ingested] = []
    await engine.restore("notes", each(lines), done.append)
    assert [(one.source, one.outcome) for one in done] == [("cats.txt", "added"), ("dogs.txt", "unchanged")]
    assert (await engine.recall("notes", "a cat sleeps")).hits[0].text == CATS.decode()


async def test_what_was_not_exported_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidRequest):
        await engine.restore("notes", each([b"A cat sleeps.\n"]), print)
    assert await engine.documents("notes") == []


async def each(lines: Iterable[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


async def test_an_engine_with_memories_may_be_closed_twice_and_then_they_are_closed(engine: Engine) -> None:
    await engine.ingest("notes", CATS, source="cats.txt")
    await engine.close()
    await engine.close()
    with pytest.raises(EngineClosed):
        await engine.recall("notes", "a cat")


async def test_a_memory_that_is_not_there_is_an_error_that_suggests_one(engine: Engine) -> None:
    for refused in (engine.recall("nots", "a"), engine.ingest("nots", CATS, source="a"), engine.forget("nots")):
        with pytest.raises(MemoryNotFound, match=r"memory not found: nots \(did you mean notes\?\)"):
            await refused
