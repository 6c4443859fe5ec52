"""What a memory finds while one types, and how it was found."""

import pytest

from poly_engine.errors import MemoryUnavailable
from poly_tui.screens.memories.chunks import ChunksScreen
from poly_tui.screens.memories.options import OptionsRow
from tests.tui.memories.library import Library
from tests.tui.memories.rooms import open_room
from tests.tui.steps import SIZES


@pytest.fixture(autouse=True)
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches take no time, so that the screen is always the same."""
    monkeypatch.setattr("poly_tui.screens.memories.search.SearchPane.clock", staticmethod(lambda: 1.0))


@pytest.mark.parametrize("size", SIZES)
async def test_hits_come_while_one_types_with_the_trace_of_each(size: tuple[int, int], library: Library) -> None:
    async with open_room(library, size) as room:
        await room.press("s")
        await room.type("payment overdue")
        await room.until_painted("1.00", "The supplier")
        await room.until_painted("fused 1.00")
        await room.check_looks(f"memories/search-{size[0]}x{size[1]}")


async def test_only_the_last_question_is_answered_when_one_types_fast(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("s")
        await room.type("payment")
        await room.until(lambda: bool(library.asked_for))
        await room.until_painted("The supplier may")
        assert library.asked_for[-1][0] == "payment"
        assert len(library.asked_for) < len("payment")


async def test_what_was_left_out_is_shown_with_the_reason(library: Library) -> None:
    async with open_room(library, (160, 48)) as room:
        await room.press("s")
        await room.type("notices")
        await room.until_painted("left out:")
        await room.press("enter", "end")
        await room.until_painted("too unlike the question (min) · fused")


async def test_a_search_goes_by_other_figures_as_soon_as_they_are_changed(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("s")
        await room.type("notices")
        await room.until(lambda: bool(library.asked_for))
        await room.press("tab")
        await room.until(lambda: room.screen.query_one(OptionsRow).has_focus)
        await room.press("minus", "right", "plus", "plus", "right", "plus", "right", "plus", "plus")
        await room.until_painted("k 4", "min .35", "mmr .70", "around 2")
        await room.until(lambda: library.asked_for[-1][1].neighbours == 2)
        options = library.asked_for[-1][1]
        assert (options.n, options.min_score, options.mmr) == (4, 0.35, 0.7)
        await room.press("0")
        await room.until(lambda: library.asked_for[-1][1].neighbours is None)


async def test_a_hit_is_read_where_it_stands(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("s")
        await room.type("breach")
        await room.until_painted("A material breach")
        await room.press("enter", "enter")
        await room.until(lambda: isinstance(room.pilot.app.screen, ChunksScreen))
        await room.until_painted("● found · #1", "A material breach", "Notices are sent")
        await room.press("escape")
        await room.until(lambda: room.pilot.app.screen is room.screen)
        await room.press("escape")
        await room.until(lambda: room.screen.pane.table.has_focus)


async def test_a_search_that_fails_says_why_where_the_hits_would_be(library: Library) -> None:
    async with open_room(library, (160, 48)) as room:
        library.failure = MemoryUnavailable("the server of the memory does not answer")
        await room.press("s")
        await room.type("notices")
        await room.until_painted("the server of the memory does not answer")


async def test_keys_of_documents_do_nothing_to_them_while_one_is_in_the_hits(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("s")
        await room.type("breach")
        await room.until_painted("A material breach")
        await room.press("enter")
        await room.until(lambda: room.screen.search.hits.has_focus)
        await room.press("d", "x")
        assert room.screen.bin.is_empty
        assert not room.screen.listing.marked
