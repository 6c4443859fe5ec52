import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from textual.app import ComposeResult
from textual.events import ScreenResume
from textual.screen import ModalScreen
from textual.widgets import Static

from poly_engine.config import Config, load
from poly_engine.errors import ConfigError, EngineFailed, InvalidRequest
from poly_engine.interface import Engine
from poly_engine.local import LocalEngine
from poly_tui.app import PolyApp
from poly_tui.backend import Backend, Source
from poly_tui.cli import poly
from poly_tui.registry import COMMANDS, SECTIONS, slash_commands
from poly_tui.screens.go import GoScreen
from poly_tui.screens.question import Question
from poly_tui.screens.section import SectionScreen
from tests.fake_engine import FakeEngine
from tests.tui.steps import SIZES, Chat, open_chat, screen_rows, wait_until


async def test_a_letter_behind_ctrl_g_goes_to_a_section_and_nothing_is_lost_meanwhile() -> None:
    async with open_chat(FakeEngine()) as chat:
        chat.composer.insert("half a thought")
        await chat.pilot.press("ctrl+g", "c")
        await chat.until(lambda: not isinstance(chat.app.screen, GoScreen))
        assert chat.app.screen is chat.screen
        assert chat.composer.text == "half a thought"


@pytest.mark.parametrize("size", SIZES)
async def test_where_one_can_go_fits_on_the_screen(size: tuple[int, int]) -> None:
    async with open_chat(FakeEngine(), size) as chat:
        await chat.pilot.press("ctrl+g")
        await chat.until(lambda: isinstance(chat.app.screen, GoScreen))
        text = " ".join(" ".join(screen_rows(chat.pilot)).split())
        assert all(section.title in text for section in SECTIONS)


def test_commands_are_told_apart() -> None:
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    assert len(slash_commands()) == sum(bool(command.slash) for command in COMMANDS)


def test_every_command_belongs_to_a_section() -> None:
    assert {command.section for command in COMMANDS} <= {"app", *(section.name for section in SECTIONS)}


class Script(Source):
    """Opens engines as a test says."""

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        self._open = open_engine

    def open_engine(self) -> Engine:
        return self._open()

    def find_config(self) -> Path | None:
        return None

    def read_config(self) -> Config:
        raise AssertionError("nobody reloads here")


async def test_the_screen_stands_there_before_there_is_an_engine() -> None:
    may_open = threading.Event()

    def open_engine() -> Engine:
        may_open.wait()
        return FakeEngine()

    async with Backend(Script(open_engine)) as backend, PolyApp(backend).run_test() as pilot:
        await pilot.press(*"hello", "enter")
        assert any("queued" in row for row in screen_rows(pilot))
        may_open.set()
        await wait_until(pilot, lambda: any("You said: hello" in row for row in screen_rows(pilot)))


async def test_an_engine_that_could_not_be_had_is_asked_for_again() -> None:
    tries = iter([EngineFailed("llama.cpp cannot be loaded"), None])

    def open_engine() -> Engine:
        if (error := next(tries)) is not None:
            raise error
        return FakeEngine()

    async with Backend(Script(open_engine)) as backend:
        with pytest.raises(EngineFailed):
            await backend.engine()
        engine = await backend.engine()
    assert isinstance(engine, FakeEngine)
    assert engine.is_closed


async def test_who_asks_at_once_gets_one_engine() -> None:
    async with Backend(Script(FakeEngine)) as backend:
        assert len(set(await asyncio.gather(*(backend.engine() for _ in range(3))))) == 1


async def test_a_configuration_that_was_changed_comes_into_effect(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[models.tiny]\nmodel_path = "poly:starter"\n[tasks.one]\nmodel = "tiny"\n')
    async with Backend.of(LocalEngine(load(file).config), config_file=file) as backend:
        engine = await backend.engine()
        file.write_text(file.read_text().replace("tasks.one", "tasks.two"))
        await backend.reload()
        assert [task.name for task in await engine.tasks()] == ["two"]
        assert backend.n_reloads == 1
        file.write_text("[tasks]\nthree = 3\n")
        with pytest.raises(ConfigError):
            await backend.reload()
        assert [task.name for task in await engine.tasks()] == ["two"]


async def test_the_configuration_of_a_server_is_not_read_here() -> None:
    async with Backend.of(FakeEngine(), url="http://there") as backend:
        with pytest.raises(InvalidRequest, match="http://there"):
            await backend.reload()


async def test_the_chat_goes_on_with_the_task_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[models.tiny]\nmodel_path = "poly:starter"\n[tasks.one]\nmodel = "tiny"\nmax_tokens = 3\n')
    async with Backend.of(LocalEngine(load(file).config), config_file=file) as backend:
        async with PolyApp(backend).run_test() as pilot:
            chat = Chat(pilot)
            await chat.until(lambda: chat.status.state == "ready")
            await chat.ask("Hello")
            assert chat.status.n_tokens == 3
            file.write_text(file.read_text().replace("max_tokens = 3", "max_tokens = 5"))
            await backend.reload()
            chat.screen.post_message(ScreenResume())
            await chat.until(lambda: chat.screen._n_reloads == 1 and chat.status.state == "ready")
            await chat.ask("And again")
            assert chat.status.n_tokens == 5


class Unsaved(SectionScreen):
    SECTION = "models"

    @property
    def unsaved(self) -> str:
        return "a change is not saved"

    def compose_body(self) -> ComposeResult:
        yield Static("here")


@pytest.mark.parametrize(("key", "is_left"), [("enter", True), ("escape", False)])
async def test_what_would_be_lost_is_asked_about_before_one_quits(key: str, is_left: int) -> None:
    app = PolyApp(Backend.of(FakeEngine()))
    app._modes["models"] = lambda: Unsaved(app._backend)
    async with app.run_test() as pilot:
        await app.action_go("models")
        await app.action_go("chat")
        await pilot.press("ctrl+q")
        await wait_until(pilot, lambda: isinstance(app.screen, Question))
        assert any("a change is not saved. Quit all the same?" in row for row in screen_rows(pilot))
        assert app.current_mode == "models"
        await pilot.press(key)
        await wait_until(pilot, lambda: not app.is_running or not isinstance(app.screen, Question))
        assert app._exit == bool(is_left)


async def test_help_shows_our_keys_before_those_that_edit_text() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.pilot.press("f1")
        await chat.until(lambda: "chats" in "\n".join(row[50:] for row in chat.rows()))
        shown = "\n".join(row[50:] for row in chat.rows())
        assert "send" in shown
        assert "task" in shown
        assert "Cursor" not in shown


async def test_the_palette_begins_with_what_was_done_last_and_then_with_what_can_be_done_here() -> None:
    async with open_chat(FakeEngine()) as chat:
        await chat.pilot.press("ctrl+p")
        await chat.until(lambda: any("chat: new" in row for row in screen_rows(chat.pilot)))
        assert not any("A/B" in row for row in screen_rows(chat.pilot))
        await chat.pilot.press(*"mouse on", "enter")
        await chat.until(lambda: not isinstance(chat.app.screen, ModalScreen))
        await chat.pilot.press("ctrl+p")
        await chat.until(lambda: any("chat: new" in row for row in screen_rows(chat.pilot)))
        rows = screen_rows(chat.pilot)
        places = [next(n for n, row in enumerate(rows) if words in row) for words in ("view: mouse", "chat: new")]
        assert places[0] < places[1]


def test_the_verbs_that_commands_name_are_those_of_the_shell() -> None:
    with click.Context(poly) as context:
        for command in COMMANDS:
            words = [word for word in command.verb.split() if not word.startswith("--")]
            verb = poly.get_command(context, words[0]) if words else None
            assert (verb is not None) == bool(words), command.id
            if len(words) > 1:
                assert isinstance(verb, click.Group), command.id
                assert words[1] in verb.commands, command.id
