"""A memory over the built-in store: documents in, the right chunks out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from poly_engine.errors import UnreadableDocument
from poly_engine.memory.memory import Memory
from poly_engine.types import Hit, RecallOptions
from tests.memory.words import Words, opened


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
async def memory(words: Words, tmp_path: Path) -> AsyncIterator[Memory]:
    async with opened(tmp_path, words) as memory:
        yield memory


async def recall(memory: Memory, prompt: str, n: int) -> Sequence[Hit]:
    return (await memory.recall(prompt, RecallOptions(n=n))).hits


PARAGRAPHS = [f"Paragraph number {number} tells of topic{number} and of nothing else." for number in range(20)]


async def test_a_document_is_cut_into_chunks_that_are_found_by_what_they_say(memory: Memory) -> None:
    done = await memory.ingest("\n\n".join(PARAGRAPHS).encode(), source="a.txt")
    assert (done.outcome, done.n_chunks, done.n_embedded) == ("added", 20, 20)
    (hit,) = await recall(memory, "what does topic7 tell of?", 1)
    assert "topic7" in hit.text
    assert await memory.faults() == []


async def test_the_same_content_costs_nothing(memory: Memory, words: Words) -> None:
    content = "\n\n".join(PARAGRAPHS).encode()
    await memory.ingest(content, source="a.txt")
    words.embedded.clear()
    again = await memory.ingest(content, source="a.txt")
    assert (again.outcome, again.n_chunks, again.n_embedded) == ("unchanged", 20, 0)
    assert words.embedded == []


async def test_of_a_changed_document_only_what_changed_is_embedded(memory: Memory, words: Words) -> None:
    await memory.ingest("\n\n".join(PARAGRAPHS).encode(), source="a.txt")
    words.embedded.clear()
    changed = [*PARAGRAPHS[:5], "This one is another paragraph about a parrot.", *PARAGRAPHS[6:]]
    done = await memory.ingest("\n\n".join(changed).encode(), source="a.txt")
    assert done.outcome == "replaced"
    assert done.n_embedded <= 3
    assert [document.n_chunks for document in await memory.documents()] == [20]
    assert "parrot" in (await recall(memory, "parrot", 1))[0].text
    assert all("topic5 " not in hit.text for hit in await recall(memory, "topic5", 5))


async def test_headings_are_found_with_what_stands_below_them(memory: Memory) -> None:
    text = (
        "# Animals\n\n## Cats\n\nThey sleep for most of the day.\n\n## Dogs\n\nThey bark whenever the postman comes.\n"
    )
    await memory.ingest(text.encode(), source="a.md")
    (hit,) = await recall(memory, "What do dogs do?", 1)
    assert hit.headings == ("Animals", "Dogs")
    assert "bark" in hit.text


async def test_a_document_that_cannot_be_read_leaves_the_one_before_in_place(memory: Memory) -> None:
    await memory.ingest(b"What was there before.", source="a.txt")
    with pytest.raises(UnreadableDocument):
        await memory.ingest(b"\x00\x01\x02", source="a.txt")
    assert [hit.text for hit in await recall(memory, "before", 1)] == ["What was there before."]


async def test_a_prompt_of_any_length_may_be_asked(memory: Memory) -> None:
    await memory.ingest(b"A short text.", source="a.txt")
    assert len(await recall(memory, "many words " * 500, 3)) == 1
    assert len(await recall(memory, "", 3)) <= 1


async def test_a_document_without_words_of_the_prompt_is_found_by_its_vector_alone(memory: Memory) -> None:
    await memory.ingest(b"Something.", source="a.txt")
    (hit,) = await recall(memory, "else", 1)
    assert (hit.words_rank, hit.vector_rank) == (None, 1)
