"""Documents that are deleted, had back, and forgotten in the end."""

import asyncio
from collections.abc import Sequence

import pytest

from poly_engine.errors import EngineUnreachable
from poly_engine.types import DocumentInfo, Ingested
from tests.tui.memories.library import Library
from tests.tui.memories.rooms import open_room

FIRST = "/srv/docs/msa-2024.md"


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deleted is forgotten at once."""
    monkeypatch.setattr("poly_tui.memories.bin.GRACE_S", 0.0)
    monkeypatch.setattr("poly_tui.screens.memories.screen.GRACE_S", 0.01)


async def test_what_is_deleted_is_struck_out_and_still_there_until_its_time_is_over(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("d")
        await room.until_painted("✗ msa-2024.md", "deleted · u undo")
        assert FIRST in library.documents_of["contracts"]


@pytest.mark.usefixtures("short_grace")
async def test_what_is_deleted_is_forgotten_when_its_time_is_over(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("d")
        await room.until(lambda: FIRST not in library.documents_of["contracts"])
        await room.until_painted("2 docs")
        assert FIRST not in room.sources


async def test_what_is_deleted_is_had_back_as_it_was(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("x", "x", "d")
        await room.until_painted("deleted · u undo")
        assert len(room.screen.bin.sources("contracts")) == 2
        await room.press("u")
        await room.until(lambda: "deleted" not in room.text)
        assert room.screen.bin.is_empty
    assert len(library.documents_of["contracts"]) == 3


async def test_what_is_deleted_is_forgotten_when_one_leaves_the_section(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("d")
        await room.until_painted("deleted")
        await room.press("f2")
        await room.until(lambda: FIRST not in library.documents_of["contracts"])


async def test_what_is_deleted_is_not_forgotten_by_opening_what_lies_over_the_section(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("d")
        await room.until_painted("deleted")
        await room.press("t")
        await room.until(lambda: room.pilot.app.screen is not room.screen)
        await room.press("escape", "u")
        await room.until(lambda: "deleted" not in room.text)
        assert len(library.documents_of["contracts"]) == 3


async def test_what_is_deleted_is_forgotten_when_one_quits(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("d")
        await room.until_painted("deleted")
    assert FIRST not in library.documents_of["contracts"]


async def test_a_deletion_that_cannot_be_done_leaves_the_document_and_says_so(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str | None] = []

    async def forget(_memory: str, source: str | None = None) -> int:
        refused.append(source)
        raise EngineUnreachable("the server does not answer")

    monkeypatch.setattr(library, "forget", forget)
    async with open_room(library) as room:
        await room.press("d")
        await room.until_painted("deleted")
        room.screen._forget(room.screen.bin.empty())
        await room.until(lambda: bool(refused))
        await room.until_painted("✓ msa-2024.md")


async def test_a_document_that_is_taken_in_again_while_it_is_deleted_stays(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("d")
        await room.until_painted("deleted")
        room.screen.bin.spare("contracts", FIRST)
        done: Ingested = await library.ingest("contracts", b"New.", source=FIRST)
        assert done.outcome == "replaced"
    assert library.documents_of["contracts"][FIRST] == "New."


async def test_nothing_is_deleted_of_a_memory_that_is_still_being_opened(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.documents_of["handbook"] = {FIRST: "Another text under the same name."}
    gate = asyncio.Event()
    documents = library.documents

    async def slow(memory: str) -> Sequence[DocumentInfo]:
        if memory == "handbook":
            await gate.wait()
        return await documents(memory)

    monkeypatch.setattr(library, "documents", slow)
    async with open_room(library) as room:
        await room.press("x")
        room.screen.open_memory("handbook")
        await room.until_painted("reading its documents")
        await room.press("d")
        assert room.screen.bin.is_empty
        gate.set()
        await room.until(lambda: room.screen.is_open)
        assert not room.screen.listing.marked


async def test_one_that_failed_is_taken_off_the_list_at_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    await library.submit("contracts", b" \n", source="/srv/scan.pdf")

    async def forget(_memory: str, source: str | None = None) -> int:
        library._failed_in["contracts"].pop(source or "")
        return 1

    monkeypatch.setattr(library, "forget", forget)  # the scripted memory does not forget failures
    async with open_room(library) as room:
        await room.until_painted("! scan.pdf")
        await room.press("d")
        await room.until(lambda: "/srv/scan.pdf" not in room.sources)
        assert room.screen.bin.is_empty
