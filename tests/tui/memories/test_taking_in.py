"""Documents that are taken in: looked at first, then through a queue that one sees and can stop."""

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from poly_engine.errors import EngineUnreachable
from poly_tui.memories.listing import Phase
from poly_tui.screens.memories.taking_in import TakingInScreen
from tests.gate import Gate
from tests.tui.memories.library import Library
from tests.tui.memories.rooms import Room, open_room
from tests.tui.steps import SIZES


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of a few files, one of which cannot be read."""
    folder = tmp_path / "shelf"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.md").write_text("The first.\n\nIts end.")
    (folder / "two.txt").write_text("The second.")
    (folder / "deep" / "three.txt").write_text("The third.")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


async def look_at(room: Room, line: str) -> TakingInScreen:
    """Name paths, and wait until all that they stand for was looked at."""
    await room.press("i")
    await room.until(lambda: isinstance(room.pilot.app.screen, TakingInScreen))
    await room.type(line)
    await room.press("enter")
    screen = room.over(TakingInScreen)
    await room.until(lambda: screen.has_looked)
    return screen


async def test_it_is_shown_what_would_be_taken_in_before_anything_is(shelf: Path) -> None:
    library = Library("m")
    library.documents_of["m"] = {str(shelf / "one.md"): "The first.\n\nIts end.", str(shelf / "two.txt"): "Older."}
    async with open_room(library, (160, 48)) as room:
        await look_at(room, str(shelf))
        await room.until_painted("three.txt", "new", "changed", "unchanged", "unreadable: it is a PNG")
        await room.until_painted("⏎ takes in 2 documents")
        await room.press("escape")
        await room.until(lambda: room.pilot.app.screen is room.screen)
        assert len(library.documents_of["m"]) == 2


async def test_what_is_worth_it_is_taken_in_and_appears_among_the_documents(shelf: Path) -> None:
    library = Library("m")
    async with open_room(library) as room:
        await look_at(room, f"{shelf}/*.txt {shelf}/one.md")
        await room.press("enter")
        await room.until_painted("✓ one.md", "✓ two.txt", "2 docs")
        assert library.documents_of["m"][str(shelf / "two.txt")] == "The second."
        await room.until(lambda: not room.screen.queue.items)


async def test_a_document_can_be_left_out_and_an_unchanged_one_taken_all_the_same(shelf: Path) -> None:
    library = Library("m")
    library.documents_of["m"] = {str(shelf / "one.md"): "The first.\n\nIts end."}
    async with open_room(library) as room:
        await look_at(room, f"{shelf}/one.md {shelf}/two.txt")
        await room.press("x", "x", "enter")
        await room.until(lambda: room.pilot.app.screen is room.screen)
        await room.until(lambda: not room.screen.queue.is_busy)
        assert [item.source for item in room.screen.queue.items] in ([], [str(shelf / "one.md")])
        assert list(library.documents_of["m"]) == [str(shelf / "one.md")]


async def test_a_path_is_completed_by_tab(shelf: Path) -> None:
    async with open_room(Library("m")) as room:
        await room.press("i")
        await room.until(lambda: isinstance(room.pilot.app.screen, TakingInScreen))
        await room.type(f"{shelf}/t")
        await room.press("tab")
        await room.until_painted(f"{shelf}/two.txt"[-20:])


async def test_paths_that_are_dropped_on_the_terminal_are_looked_at(shelf: Path) -> None:
    async with open_room(Library("m")) as room:
        room.screen.post_message(events.Paste(f"'{shelf}/one.md'\n{shelf}/two.txt"))
        await room.until(lambda: isinstance(room.pilot.app.screen, TakingInScreen))
        await room.until_painted("⏎ takes in 2 documents")


async def test_all_lines_of_what_is_pasted_into_the_line_are_taken(shelf: Path) -> None:
    (shelf / "one.md").rename(shelf / "no one.md")
    async with open_room(Library("m")) as room:
        await room.press("i")
        await room.until(lambda: isinstance(room.pilot.app.screen, TakingInScreen))
        line = room.pilot.app.screen.query_one(Input)
        line.post_message(events.Paste(f"{shelf}/no one.md\n{shelf}/two.txt\n"))
        await room.until(lambda: line.value.endswith("two.txt"))
        await room.press("enter")
        await room.until_painted("⏎ takes in 2 documents")


async def test_who_quits_while_documents_come_in_is_told_what_would_be_lost(shelf: Path) -> None:
    async with open_room(Library("m", chunk_gate=Gate())) as room:
        assert room.screen.unsaved == ""
        await look_at(room, f"{shelf}/*.txt {shelf}/one.md")
        await room.press("enter")
        await room.until_painted("2 working")
        assert room.screen.unsaved == "2 documents are not taken in yet"


async def test_text_that_is_pasted_is_no_list_of_paths() -> None:
    async with open_room(Library("m")) as room:
        room.screen.post_message(events.Paste("some words"))
        await room.pilot.pause()
        assert room.pilot.app.screen is room.screen


@pytest.mark.parametrize("size", SIZES)
async def test_how_far_each_document_is_is_seen_while_it_is_taken_in(
    size: tuple[int, int], shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr("poly_tui.screens.memories.view.MemoryView.tick", staticmethod(lambda: 1.0))
    async with open_room(Library("m", chunk_gate=gate), size) as room:
        await look_at(room, f"{shelf}/one.md")
        await room.press("enter")
        await room.until_painted("0/2")
        gate.open(1)
        await room.until_painted("1/2", "50%", "◐ 1 working")
        await room.check_looks(f"memories/ingesting-{size[0]}x{size[1]}")
        gate.open()
        await room.until(lambda: not room.screen.queue.items)


async def test_the_queue_is_paused_and_goes_on(shelf: Path) -> None:
    gate = Gate()
    library = Library("m", chunk_gate=gate)
    async with open_room(library) as room:
        await look_at(room, str(shelf))
        await room.press("enter")
        await room.until_painted("3 working")
        await room.press("space")
        await room.until_painted("‖ paused", "space goes on", "‖ 3 left")
        await room.press("space")
        gate.open()
        await room.until(lambda: len(library.documents_of["m"]) == 3)


async def test_the_queue_works_on_while_one_is_in_another_section(shelf: Path) -> None:
    gate = Gate()
    library = Library("m", chunk_gate=gate)
    async with open_room(library) as room:
        await look_at(room, str(shelf))
        await room.press("enter")
        await room.until_painted("3 working")
        await room.press("f2")
        await room.until(lambda: room.pilot.app.screen is not room.screen)
        gate.open()
        await room.until(lambda: len(library.documents_of["m"]) == 3)
        await room.press("f3")
        await room.until_painted("3 docs", "✓ three.txt")


async def test_what_is_cancelled_is_not_in_the_memory_and_can_be_tried_again(shelf: Path) -> None:
    gate = Gate()
    library = Library("m", chunk_gate=gate)
    async with open_room(library) as room:
        await look_at(room, f"{shelf}/one.md")
        await room.press("enter")
        await room.until_painted("0/2")
        await room.press("c")
        await room.until(lambda: [one.phase for one in room.screen.listing.entries] == [Phase.CANCELLED])
        await room.until_painted("cancelled")
        gate.open()
        assert not library.documents_of["m"]
        await room.press("R")
        await room.until(lambda: list(library.documents_of["m"]) == [str(shelf / "one.md")])


async def test_what_failed_in_an_earlier_run_is_tried_again_from_its_file(shelf: Path) -> None:
    library = Library("m")
    await library.submit("m", b" ", source=str(shelf / "two.txt"))
    async with open_room(library) as room:
        await room.until_painted("! two.txt")
        await room.press("R")
        await room.until(lambda: library.documents_of["m"] == {str(shelf / "two.txt"): "The second."})


async def test_a_server_that_is_gone_stops_the_queue_and_says_so(shelf: Path) -> None:
    library = Library("m")
    async with open_room(library, (160, 48)) as room:
        await look_at(room, f"{shelf}/one.md")
        library.failure = EngineUnreachable("http://there does not answer")
        await room.press("enter")
        await room.until_painted("http://there does not answer · space tries again")
        library.failure = None
        await room.press("space")
        await room.until(lambda: bool(library.documents_of["m"]))


async def test_only_what_changed_on_the_disk_is_taken_in_again_and_what_is_gone_is_told(shelf: Path) -> None:
    library = Library("m")
    library.documents_of["m"] = {
        str(shelf / "one.md"): "The first.\n\nIts end.",
        str(shelf / "two.txt"): "Older.",
        str(shelf / "gone.txt"): "It was here.",
        "piped 0123": "No file.",
    }
    async with open_room(library, (160, 48)) as room:
        await room.press("r")
        await room.until(lambda: isinstance(room.pilot.app.screen, TakingInScreen))
        await room.until_painted("gone: there is no such", "changed", "unchanged", "⏎ takes in 1 document")
        await room.press("enter")
        await room.until(lambda: library.documents_of["m"][str(shelf / "two.txt")] == "The second.")
        assert len(library.documents_of["m"]) == 4


async def test_documents_without_files_cannot_be_taken_in_again(library: Library) -> None:
    library.documents_of["contracts"] = {"piped 0123": "No file."}
    async with open_room(library) as room:
        await room.press("r")
        await room.pilot.pause()
        assert room.pilot.app.screen is room.screen


@pytest.mark.parametrize("size", SIZES)
async def test_a_look_at_files_fits_on_the_screen(size: tuple[int, int], shelf: Path) -> None:
    async with open_room(Library("m"), size) as room:
        await look_at(room, str(shelf))
        await room.until_painted("one.md", "picture.png", "⏎ takes in 3")
