"""What looks after a memory: exported, rebuilt, searched for faults, counted; and another one made."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import tomli

from poly_engine.config import Config
from poly_engine.errors import ConfigError, InvalidRequest
from poly_engine.types import Ingested
from poly_tui.memories.archive import write_archive
from poly_tui.memories.new_memory import add_memory
from poly_tui.screens.memories.dialogs import Card, LineCard, NewMemoryCard
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
        await room.until(lambda: isinstance(room.pilot.app.screen, LineCard))
        await room.press("enter")
        await room.until(lambda: isinstance(room.pilot.app.screen, Question))
        assert file.read_text() == "mine"
        await room.press("enter")
        await room.until(lambda: file.read_text() != "mine")


async def test_the_figures_of_a_memory_are_told(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("t")
        await room.until(lambda: isinstance(room.pilot.app.screen, Card))
        await room.until_painted("contracts in figures", "chunks        6", "3 text", "embedded by   fake")


async def test_faults_are_told(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    async def faults(_memory: str) -> Sequence[str]:
        return ["chunk 7 of a.md is damaged"]

    monkeypatch.setattr(library, "faults", faults)
    async with open_room(library) as room:
        await room.press("v")
        await room.until(lambda: isinstance(room.pilot.app.screen, Card))
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
    assert file.read_text() == CONFIG.replace(
        "\n[tasks.echo]", '\n[memories.laws]\nembedding_model = "fake"\nchunk_max_tokens = 128\n\n[tasks.echo]'
    )


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


async def test_a_configuration_that_would_be_wrong_is_put_back(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG.replace("echo", "memory"))

    class Strict(Reconfigurable):
        async def reconfigure(self, config: Config) -> None:
            raise ConfigError([f"too many memories: {len(config.memories)}"])

    before = file.read_text()
    async with open_room(Strict("contracts"), config_file=file) as room:
        await room.press("n")
        await room.until(lambda: isinstance(room.pilot.app.screen, NewMemoryCard))
        await room.type("laws")
        await room.press("enter", "enter", "enter", "enter")
        await room.until(lambda: room.pilot.app.screen is room.screen)
        await room.until(lambda: file.read_text() == before and room.screen.memory == "contracts")


async def test_where_there_is_no_file_nothing_is_made(library: Library) -> None:
    async with open_room(library) as room:
        await room.press("n")
        await room.pilot.pause()
        assert room.pilot.app.screen is room.screen


def test_a_memory_is_added_where_there_is_none_yet(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# Only this.\n")
    assert add_memory(file, "laws", {"embedding_model": "m"}) == "# Only this.\n"
    assert file.read_text() == '# Only this.\n\n[memories.laws]\nembedding_model = "m"\n'


def test_a_memory_is_added_to_tables_that_lie_apart(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    before = '[memories.a]\nembedding_model = "m"\n[models.m]\nx = 1 # one\n[memories.b]\nembedding_model = "m" # two\n'
    file.write_text(before)
    add_memory(file, "laws", {"embedding_model": "m", "min_score": 0.5})
    after = file.read_text()
    assert "# one" in after
    assert "# two" in after
    assert set(tomli.loads(after)["memories"]) == {"a", "b", "laws"}


def test_a_link_to_the_configuration_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text(CONFIG)
    real.chmod(0o600)
    link.symlink_to(real)
    add_memory(link, "laws", {"embedding_model": "m"})
    assert link.is_symlink()
    assert "[memories.laws]" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["[memories", "[memories.laws]\n", "memories = 3\n"])
def test_a_file_that_cannot_take_a_memory_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError):
        add_memory(file, "laws", {"embedding_model": "m"})
    assert file.read_text() == text
