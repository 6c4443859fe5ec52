"""What looks after a memory: exported, rebuilt, searched for faults, counted; and another one made."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from poly_engine.config import Config, load
from poly_engine.config.adding import add_memory
from poly_engine.errors import ConfigError, InvalidRequest, MemoryMismatch
from poly_engine.types import Ingested, ModelInfo
from poly_tui.memories.archive import write_archive
from poly_tui.screens.memories.dialogs import FileCard, NewMemoryCard, ReadingCard
from poly_tui.screens.question import Question
from tests.tui.memories.library import Library
from tests.tui.memories.rooms import open_room

CONFIG = """\
# My own.
[models.fake]
model_path = "fake.gguf"  # tiny

[memories.contracts]
embedding_model = "fake"

[tasks.echo]
model = "fake"  # the last line
"""


class Reconfigurable(Library):
    """Has those memories that the configuration says."""

    async def reconfigure(self, config: Config) -> None:
        self.documents_of = {name: self.documents_of.get(name, {}) for name in config.memories}


async def test_an_export_is_a_file_of_lines_and_nothing_else_is_left(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    assert await write_archive(library, "contracts", file) == 3
    assert [json.loads(line).get("source") for line in file.read_text().splitlines()][1] == "/srv/docs/msa-2024.md"
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["out.jsonl"]


async def test_an_export_that_cannot_be_written_says_so(library: Library, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be written"):
        await write_archive(library, "contracts", tmp_path / "missing" / "out.jsonl")


async def test_a_file_that_is_there_is_overwritten_only_when_that_is_wanted(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "contracts.jsonl"
    file.write_text("mine")
    async with open_room(library) as room:
        await room.press("e")
        await room.until(lambda: isinstance(room.pilot.app.screen, FileCard))
        await room.press("enter")
        await room.until(lambda: isinstance(room.pilot.app.screen, Question))
        assert file.read_text() == "mine"
        await room.press("enter")
        await room.until(lambda: file.read_text() != "mine")


async def test_the_figures_of_a_memory_are_told(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("t")
        await room.until(lambda: isinstance(room.pilot.app.screen, ReadingCard))
        await room.until_painted("contracts in figures", "chunks        6", "3 text", "embedded by   fake")


async def test_faults_are_told(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    async def faults(_memory: str) -> Sequence[str]:
        return ["chunk 7 of a.md is damaged"]

    monkeypatch.setattr(library, "faults", faults)
    async with open_room(library) as room:
        await room.press("v")
        await room.until(lambda: isinstance(room.pilot.app.screen, ReadingCard))
        await room.until_painted("1 fault of contracts", "chunk 7 of a.md is damaged")


async def test_a_rebuild_is_asked_for_shows_how_far_it_is_and_can_be_stopped(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def reindex(_memory: str, on_done: Callable[[Ingested], None]) -> None:
        on_done(Ingested("a", "replaced", 1, 1))
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    monkeypatch.setattr(library, "reindex", reindex)
    async with open_room(library) as room:
        await room.press("b")
        await room.until(lambda: isinstance(room.pilot.app.screen, Question))
        assert not begun.is_set()
        await room.press("enter")
        await room.until_painted("rebuilding contracts: 1 of 3 documents · esc stops")
        await room.press("escape")
        await room.until(stopped.is_set)
        await room.until(lambda: "rebuilding" not in room.text)


async def test_a_memory_whose_model_is_another_one_now_can_be_rebuilt(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.failure = MemoryMismatch("/srv/m.db", "minilm", "fake")

    async def reindex(_memory: str, on_done: Callable[[Ingested], None]) -> None:
        library.failure = None
        on_done(Ingested("a", "replaced", 1, 1))

    monkeypatch.setattr(library, "reindex", reindex)
    async with open_room(library, (160, 48), is_open=False) as room:
        await room.until_painted("b rebuilds it · /srv/m.db holds vectors of the model")
        await room.press("b")
        await room.until(lambda: isinstance(room.pilot.app.screen, Question))
        await room.press("enter")
        await room.until(lambda: room.screen.is_open)


async def test_a_new_memory_is_written_into_the_configuration_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    async with open_room(Reconfigurable("contracts"), config_file=file) as room:
        await room.press("n")
        await room.until(lambda: isinstance(room.pilot.app.screen, NewMemoryCard))
        await room.type("laws")
        await room.press("enter", "enter")
        await room.type("128")
        await room.press("enter", "enter")
        await room.until(lambda: room.screen.memory == "laws" and room.screen.is_open)
    assert file.read_text() == CONFIG + '\n[memories.laws]\nembedding_model = "fake"\nchunk_max_tokens = 128\n'


async def test_a_memory_that_is_being_made_is_not_broken_off_by_the_next_dialog(tmp_path: Path) -> None:
    gate = asyncio.Event()

    class Slow(Reconfigurable):
        async def reconfigure(self, config: Config) -> None:
            await gate.wait()
            await super().reconfigure(config)

    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    async with open_room(Slow("contracts"), config_file=file) as room:
        await room.press("n")
        await room.until(lambda: isinstance(room.pilot.app.screen, NewMemoryCard))
        await room.type("laws")
        await room.press("enter", "enter", "enter", "enter")
        await room.until(lambda: "laws" in file.read_text() and room.pilot.app.screen is room.screen)
        await room.press("m")
        await room.until(lambda: room.pilot.app.screen is not room.screen)
        await room.press("escape")
        gate.set()
        await room.until(lambda: room.screen.memory == "laws" and room.screen.is_open)


async def test_a_name_that_is_taken_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    async with open_room(Reconfigurable("contracts"), config_file=file) as room:
        await room.press("n")
        await room.until(lambda: isinstance(room.pilot.app.screen, NewMemoryCard))
        await room.type("contracts")
        await room.press("enter", "enter", "enter", "enter")
        await room.until_painted("there is a memory contracts already")
    assert file.read_text() == CONFIG


async def test_what_the_configuration_cannot_have_is_said_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    async with open_room(Reconfigurable("contracts"), config_file=file) as room:
        await room.press("n")
        await room.until(lambda: isinstance(room.pilot.app.screen, NewMemoryCard))
        await room.type("laws")
        await room.press("enter", "enter")
        await room.type("0")
        await room.press("enter", "enter")
        await room.until_painted("the longest chunk has a number of tokens, 1 at least")
    assert file.read_text() == CONFIG


async def test_where_there_is_no_file_one_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Started(Reconfigurable):
        async def models(self) -> Sequence[ModelInfo]:
            return [ModelInfo("starter", "poly:starter", "unloaded")]

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "poly" / "config.toml"
    async with open_room(Started("contracts")) as room:
        await room.press("n")
        await room.until(lambda: isinstance(room.pilot.app.screen, NewMemoryCard))
        await room.type("laws")
        await room.press("enter")
        room.over(NewMemoryCard)._model.value = "starter"
        await room.press("enter", "enter", "enter")
        await room.until(file.exists)
    assert set(load(file).config.memories) == {"notes", "laws"}


async def test_a_server_makes_its_memories_itself(library: Library) -> None:
    async with open_room(library, url="http://there") as room:
        await room.press("n")
        await room.pilot.pause()
        assert room.pilot.app.screen is room.screen


def test_a_memory_is_added_at_the_end_and_nothing_else_changes(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    add_memory(file, "laws", {"embedding_model": "fake", "min_score": 0.5})
    assert file.read_text() == CONFIG + '\n[memories.laws]\nembedding_model = "fake"\nmin_score = 0.5\n'
    with pytest.raises(ConfigError, match="there is a memory laws already"):
        add_memory(file, "laws", {"embedding_model": "fake"})


@pytest.mark.parametrize("memory", [{}, {"embedding_model": "other"}, {"embedding_model": "fake", "mmr": 2}])
def test_a_memory_that_cannot_be_is_not_added(tmp_path: Path, memory: dict[str, object]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    with pytest.raises(ConfigError):
        add_memory(file, "laws", memory)
    assert file.read_text() == CONFIG


def test_a_file_is_begun_with_all_that_was_in_effect_without_one(tmp_path: Path) -> None:
    file = tmp_path / "poly" / "config.toml"
    add_memory(file, "laws", {"embedding_model": "starter"})
    assert set(load(file).config.memories) == {"notes", "laws"}
