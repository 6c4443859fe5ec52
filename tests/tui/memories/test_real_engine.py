"""The whole way with a real engine: a folder is taken in, searched, read, deleted, had back, and kept."""

from pathlib import Path

from poly_engine.config import Config
from poly_engine.local import LocalEngine
from poly_tui.screens.memories.chunks import ChunksScreen
from poly_tui.screens.memories.taking_in import TakingInScreen
from tests.conftest import FamilyFile
from tests.gguf_models import EMBEDDER
from tests.tui.memories.rooms import open_room

CATS = "# Cats\n\nA cat sleeps sixteen hours a day.\n"
DOGS = "# Dogs\n\nA dog barks at the postman.\n"


def engine(model: Path, folder: Path) -> LocalEngine:
    """An engine with one memory, kept in a folder."""
    store = {"file": {"path": str(folder / "animals")}}
    memories = {"animals": {"embedding_model": "tiny", "store": store, "chunk_max_tokens": 32}}
    models = {"tiny": {"model_path": str(model), "threads_per_session": 1}}
    return LocalEngine(Config.model_validate({"models": models, "memories": memories}))


async def test_documents_go_in_are_found_and_are_forgotten(tmp_path: Path, family_file: FamilyFile) -> None:
    (tmp_path / "cats.md").write_text(CATS)
    (tmp_path / "dogs.md").write_text(DOGS)
    async with engine(family_file(EMBEDDER), tmp_path) as home:
        async with open_room(home) as room:
            await room.press("i")
            await room.until(lambda: isinstance(room.pilot.app.screen, TakingInScreen))
            await room.type(f"{tmp_path}/*.md")
            await room.press("enter")
            await room.until_painted("⏎ takes in 2 documents")
            await room.press("enter")
            await room.until_painted("✓ cats.md", "✓ dogs.md", "2 docs")
            await room.press("s")
            await room.type("postman")
            await room.until_painted("dogs.md #0", "words 1.")
            await room.press("enter", "enter")
            await room.until(lambda: isinstance(room.pilot.app.screen, ChunksScreen))
            await room.until_painted("● found · #0", "A dog barks", "Dogs")
            await room.until(lambda: "… tokens" not in room.text)
            await room.press("escape", "escape")
            await room.until(lambda: room.screen.pane.table.has_focus)
            current = room.screen.pane.current
            assert current is not None
            await room.press("d")
            await room.until_painted("deleted · u undo")
            await room.press("u", "down", "d")
            await room.until_painted("deleted · u undo")
        (left,) = await home.documents("animals")
        assert left.source == current.source


async def test_what_did_not_change_is_seen_before_it_is_taken_in(tmp_path: Path, family_file: FamilyFile) -> None:
    file = tmp_path / "cats.md"
    file.write_text(CATS)
    async with engine(family_file(EMBEDDER), tmp_path) as home:
        await home.ingest("animals", CATS.encode(), source=str(file))
        async with open_room(home) as room:
            await room.press("r")
            await room.until(lambda: isinstance(room.pilot.app.screen, TakingInScreen))
            await room.until_painted("unchanged", "nothing to take in")
            await room.press("escape")
            file.write_text(DOGS)
            await room.press("r")
            await room.until_painted("changed", "⏎ takes in 1 document")
            await room.press("enter")
            await room.until(lambda: room.screen.pane.table.has_focus and not room.screen.queue.is_busy)
            await room.until_painted("1 doc")
        (chunk, *_) = await home.chunks("animals", str(file))
        assert "dog" in chunk.text
