"""Memories, of every engine."""

import pytest

from poly_engine.errors import MemoryNotFound, UnreadableDocument
from poly_engine.interface import Engine

CATS = b"A cat sleeps sixteen hours a day."
DOGS = b"A dog barks at the postman."


async def test_memories_are_listed_by_name(engine: Engine) -> None:
    assert [memory.name for memory in await engine.memories()] == ["notes"]


async def test_what_was_taken_in_is_recalled_with_its_source(engine: Engine) -> None:
    assert (await engine.ingest("notes", CATS, source="cats.txt")).outcome == "added"
    await engine.ingest("notes", DOGS, source="dogs.txt")
    (hit,) = await engine.recall("notes", "a dog barks at whom")
    assert (hit.source, hit.text) == ("dogs.txt", DOGS.decode())
    assert len(await engine.recall("notes", "a cat", 5)) == 2


async def test_the_same_content_again_changes_nothing_and_another_takes_its_place(engine: Engine) -> None:
    await engine.ingest("notes", CATS, source="a.txt")
    assert (await engine.ingest("notes", CATS, source="a.txt")).outcome == "unchanged"
    assert (await engine.ingest("notes", DOGS, source="a.txt")).outcome == "replaced"
    assert [hit.text for hit in await engine.recall("notes", "cat", 5)] == [DOGS.decode()]
    assert [document.source for document in await engine.documents("notes")] == ["a.txt"]


async def test_what_is_forgotten_is_not_recalled(engine: Engine) -> None:
    await engine.ingest("notes", CATS, source="cats.txt")
    await engine.ingest("notes", DOGS, source="dogs.txt")
    assert await engine.forget("notes", "cats.txt") == 1
    assert await engine.forget("notes", "cats.txt") == 0
    assert [hit.source for hit in await engine.recall("notes", "cat", 5)] == ["dogs.txt"]
    assert await engine.forget("notes") == 1
    assert await engine.recall("notes", "dog", 5) == []
    assert await engine.documents("notes") == []


async def test_recall_can_be_limited_to_some_documents(engine: Engine) -> None:
    for name in ("one", "two", "three"):
        await engine.ingest("notes", f"The same words, and {name}.".encode(), source=name)
    assert {hit.source for hit in await engine.recall("notes", "words", 5, sources=["one", "three"])} == {
        "one",
        "three",
    }


async def test_a_document_without_text_is_refused_and_not_stored(engine: Engine) -> None:
    with pytest.raises(UnreadableDocument):
        await engine.ingest("notes", b"  \n", source="empty.txt")
    assert await engine.documents("notes") == []


async def test_a_memory_that_is_not_there_is_an_error_that_suggests_one(engine: Engine) -> None:
    for refused in (engine.recall("nots", "a"), engine.ingest("nots", CATS, source="a"), engine.forget("nots")):
        with pytest.raises(MemoryNotFound, match=r"memory not found: nots \(did you mean notes\?\)"):
            await refused
