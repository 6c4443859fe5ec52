"""The documents of a memory: listed, filtered, sorted, marked, and why some are none."""

from pathlib import Path

import pytest

from poly_engine.errors import EngineUnreachable, MemoryDamaged, ModelLoadFailed
from poly_engine.types import DocumentInfo, IngestJob
from poly_tui.memories.choice import chosen_memory, keep_chosen
from poly_tui.memories.listing import Entry, Listing, Phase
from poly_tui.screens.memories.chunks import ChunksScreen
from poly_tui.screens.memories.dialogs import ReadingCard
from poly_tui.screens.memories.memories import MemoriesCard
from poly_tui.widgets.row_table import Row
from tests.gate import Gate
from tests.tui.memories.library import Library
from tests.tui.memories.rooms import open_room
from tests.tui.steps import SIZES, wait_until


@pytest.mark.parametrize("size", SIZES)
async def test_a_memory_that_holds_nothing_says_how_to_fill_it(size: tuple[int, int]) -> None:
    async with open_room(Library("contracts"), size) as room:
        await room.until_painted("no documents yet", "i takes some in")
        await room.check_looks(f"memories/empty-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES)
async def test_documents_are_listed_with_their_state(size: tuple[int, int], library: Library) -> None:
    async with open_room(library, size) as room:
        await room.until_painted("✓ msa-2024.md", "3 docs")
        await room.check_looks(f"memories/filled-{size[0]}x{size[1]}")


async def test_another_memory_is_chosen_and_remembered(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("m")
        await room.until(lambda: isinstance(room.pilot.app.screen, MemoriesCard))
        await room.press("down", "enter")
        await room.until(lambda: room.screen.memory == "handbook" and room.screen.is_open)
        assert chosen_memory() == "handbook"
    async with open_room(library, (160, 48)) as room:
        await room.press("m")
        await room.until(lambda: room.screen.beside.table.has_focus)
        await room.press("up", "enter")
        await room.until(lambda: room.screen.memory == "contracts" and room.screen.is_open)
        await room.press("m", "down", "enter")
        await room.until(lambda: room.screen.memory == "handbook" and room.screen.is_open)
    async with open_room(library) as room:
        assert room.screen.memory == "handbook"


async def test_a_filter_leaves_what_has_all_its_words(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("slash")
        await room.type("docs a")
        await room.until(lambda: len(room.sources) == 2)
        await room.type("nn")
        await room.until(lambda: room.sources == ["/srv/docs/annex a.md"])
        await room.press("escape")
        await room.until(lambda: len(room.sources) == 3)


async def test_documents_are_sorted_by_what_one_wants(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("o")
        await room.until_painted("by name")
        assert room.sources[0] == "/srv/docs/annex a.md"
        await room.press("o")
        await room.until_painted("most chunks first")
        assert room.sources[0] == "/srv/docs/msa-2024.md"
        await room.press("o")
        await room.until_painted("by kind")


async def test_marks_stay_on_their_documents_however_they_are_sorted(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("x", "x")
        marked = set(room.screen.listing.marked)
        assert len(marked) == 2
        await room.press("o")
        assert {one.source for one in room.screen.pane.chosen} == marked
        await room.until_painted("2 marked")


async def test_why_a_document_failed_is_said_where_it_is_listed(library: Library) -> None:
    await library.submit("contracts", b" \n", source="/srv/scan.pdf")
    async with open_room(library) as room:
        await room.until_painted("! scan.pdf", "it holds no text")
        assert room.sources[0] == "/srv/scan.pdf"
        await room.press("enter")
        await room.until(lambda: isinstance(room.pilot.app.screen, ReadingCard))
        await room.until_painted("/srv/scan.pdf", "R tries again")


async def test_ten_thousand_documents_are_shown_by_painting_only_those_in_view() -> None:
    library = Library("big")
    library.documents_of["big"] = {f"/srv/{number:05}.txt": "text" for number in range(10_000)}
    async with open_room(library) as room:
        table = room.screen.pane.table
        painted: set[int] = set()
        row_at = table._row_at

        def seen(place: int) -> Row:
            painted.add(place)
            return row_at(place)

        table.show(table.n_rows, seen)
        await room.press("end")
        await room.until_painted("09999.txt")
        assert table.cursor == 9_999
        assert len(painted) < 100


async def test_while_the_model_is_loaded_one_sees_how_far_it_is_and_can_leave_it() -> None:
    async with open_room(Library("m", load_gate=Gate(2)), is_open=False) as room:
        await room.until_painted("loading fake", "esc leaves it")
        await room.press("escape")
        await room.until_painted("not opened")


async def test_a_memory_that_cannot_be_opened_says_why_and_can_be_tried_again(library: Library) -> None:
    library.failure = MemoryDamaged("/srv/m.db is damaged")
    async with open_room(library, is_open=False) as room:
        await room.until_painted("⏎ tries again · /srv/m.db is damaged")
        library.failure = None
        await room.press("enter")
        await room.until(lambda: room.screen.is_open)


async def test_a_model_that_is_missing_is_said_in_words(library: Library) -> None:
    library.load_failure = ModelLoadFailed("/models/fake.gguf: there is no such file")
    async with open_room(library, is_open=False) as room:
        await room.until_painted("there is no such file", "tries again")


async def test_where_there_is_no_memory_it_is_said_how_to_make_one() -> None:
    async with open_room(Library(), is_open=False) as room:
        await room.until_painted("no memory is configured: n makes one")
    async with open_room(Library(), is_open=False, url="http://there") as room:
        await room.until_painted("the server has no memory")


async def test_a_server_that_does_not_answer_is_said_in_words(library: Library) -> None:
    library.failure = EngineUnreachable("http://there does not answer")
    async with open_room(library, is_open=False, url="http://there") as room:
        await room.until_painted("http://there does not answer")


async def test_names_from_outside_are_shown_and_not_obeyed() -> None:
    library = Library("m")
    library.documents_of["m"] = {"/srv/[red]\x1b]0;x\x07[/].txt": "[bold]text\x1b[31m"}
    async with open_room(library) as room:
        await room.until_painted("[red]␛]0;x␇[")
        await room.press("enter")
        await room.until(lambda: isinstance(room.pilot.app.screen, ChunksScreen))
        await room.until_painted("[bold]text␛[31m")


@pytest.mark.parametrize("size", SIZES)
async def test_the_chunks_of_a_document_are_read_with_their_neighbours(size: tuple[int, int], library: Library) -> None:
    async with open_room(library, size) as room:
        await room.press("enter")
        await room.until(lambda: isinstance(room.pilot.app.screen, ChunksScreen))
        await room.until_painted("Notices are sent", "3 chunks")
        await room.press("n")
        await room.until_painted("#1 · 11 tokens" if size[0] > 40 else "#1 · 11")
        await room.check_looks(f"memories/chunks-{size[0]}x{size[1]}")
        await room.press("escape")
        await room.until(lambda: room.pilot.app.screen is room.screen)


def test_what_is_on_its_way_stands_above_and_only_once() -> None:
    listing = Listing()
    stored = DocumentInfo("a", "", "text/plain", 1, 10, 1.0)
    listing.take([stored], [IngestJob("a", "failed", 1, 2.0, "no_text", "no text"), IngestJob("b", "pending", 1, 3.0)])
    listing.update([], frozenset())
    assert [(one.source, one.phase, one.is_stored) for one in listing.entries] == [
        ("a", Phase.FAILED, True),
        ("b", Phase.WAITING, False),
    ]


def test_of_a_folder_only_that_is_shown_which_tells_it_from_others() -> None:
    listing = Listing()
    sources = ["/srv/docs/a/one.md", "/srv/docs/b/deep/two.md", "/srv/docs/three.md", "piped 0123"]
    listing.take([DocumentInfo(source, "", "text/plain", 1, 10, 1.0) for source in sources], [])
    listing.update([], frozenset())
    assert {one.name: listing.folder_of(one) for one in listing.entries} == {
        "one.md": "a",
        "two.md": "b/deep",
        "three.md": "",
        "piped 0123": "",
    }
    assert listing.folder_of(Entry("/srv/docs2/four.md", Phase.WAITING)) == "/srv/docs2"


async def test_what_another_program_takes_in_appears_by_itself(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poly_tui.screens.memories.view.LOOK_S", 0.01)
    waiting = [IngestJob("/srv/late.txt", "pending", 4, 0.0)]

    async def jobs(_memory: str) -> list[IngestJob]:
        return waiting

    monkeypatch.setattr(library, "jobs", jobs)
    async with open_room(library) as room:
        await room.until_painted("late.txt", "waiting")
        library.documents_of["contracts"]["/srv/late.txt"] = waiting.pop().source
        await wait_until(room.pilot, lambda: len(room.screen.listing.documents) == 4)


def test_a_choice_that_cannot_be_kept_is_no_error(data_folder: Path) -> None:
    data_folder.parent.mkdir(exist_ok=True)
    data_folder.write_text("this is no folder")
    keep_chosen("contracts")
    assert chosen_memory() == ""
