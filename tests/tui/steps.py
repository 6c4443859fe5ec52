"""What the tests of the terminal interface do over and over."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.style import Style
from textual.app import App, ComposeResult
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

import poly_tui
from poly_engine.interface import Engine
from poly_tui.app import PolyApp
from poly_tui.backend import Backend
from poly_tui.screens.chat import ChatScreen
from poly_tui.screens.section import SectionScreen
from poly_tui.transcript import Kind, Look, Transcript
from poly_tui.widgets.composer import Composer
from poly_tui.widgets.status import Status
from poly_tui.widgets.status_line import StatusLine
from tests.fake_engine import FakeEngine

SIZES = [(40, 12), (80, 24), (160, 48)]
LOOKS = {kind: Look(Style(bold=True), Style(dim=True), Style(italic=True)) for kind in Kind}
PATIENCE_S = 20


async def wait_until(pilot: Pilot[None], is_true: Callable[[], bool]) -> None:
    """Let the application work until `is_true`."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        await pilot.pause()


@dataclass(frozen=True)
class Chat:
    """A running application, and a reader of its screen."""

    pilot: Pilot[None]

    @property
    def app(self) -> PolyApp:
        assert isinstance(self.pilot.app, PolyApp)
        return self.pilot.app

    @property
    def screen(self) -> ChatScreen:
        screen = self.pilot.app.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        return screen

    @property
    def transcript(self) -> Transcript:
        return self.screen.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        return self.screen.query_one(Composer)

    @property
    def status(self) -> Status:
        return self.screen.query_one(StatusLine).status

    def texts(self, kind: Kind) -> list[str]:
        """The texts of all blocks of a kind."""
        return [block.text for block in self.transcript.blocks if block.kind is kind]

    def rows(self) -> list[str]:
        """The rows of the whole screen as they are painted."""
        return screen_rows(self.pilot)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        await wait_until(self.pilot, is_true)

    async def say(self, prompt: str) -> None:
        """Type a prompt and send it."""
        self.composer.insert(prompt)
        await self.pilot.press("enter")

    async def ask(self, prompt: str) -> None:
        """Say `prompt` and wait until the whole answer is painted."""
        n_before = len(self.texts(Kind.PROMPT))
        await self.say(prompt)
        await self.until(lambda: len(self.texts(Kind.PROMPT)) > n_before and self._is_ready)

    @property
    def _is_ready(self) -> bool:
        # The line itself may still show how things were before the prompt
        return self.status.state == "ready" and self.status == self.screen._meter.status


@asynccontextmanager
async def open_chat(
    engine: FakeEngine,
    size: tuple[int, int] = (80, 24),
    *,
    task: str | None = None,
    is_ready: bool = True,
    chats: Path | None = None,
    chat: int | None = None,
) -> AsyncIterator[Chat]:
    """Run the application over `engine`, by default until the session is open."""
    async with PolyApp(Backend.of(engine), task=task, chats=chats, chat=chat).run_test(size=size) as pilot:
        running = Chat(pilot)
        await pilot.pause()
        if is_ready:
            await running.until(lambda: running.status.state == "ready")
        yield running


@asynccontextmanager
async def open_section(
    name: str,
    engine: Engine,
    size: tuple[int, int] = (80, 24),
    *,
    url: str | None = None,
    config_file: Path | None = None,
) -> AsyncIterator[tuple[Pilot[None], SectionScreen]]:
    """Run the application over `engine`, and go to a section."""
    app = PolyApp(Backend.of(engine, url=url, config_file=config_file))
    async with app.run_test(size=size) as pilot:
        await app.action_go(name)
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, SectionScreen)
        yield pilot, screen


async def press(chat: Chat, *keys: str) -> None:
    """Press keys in the transcript."""
    chat.transcript.focus()
    await chat.pilot.press(*keys)


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Type a text as fast as a terminal sends it: a pilot that presses single keys waits 0.1 s after each."""
    for character in text:
        key = "enter" if character == "\n" else _character_to_key(character)
        pilot.app.post_message(Key(key, "\r" if character == "\n" else character))
    await pilot.pause()


def screen_rows(pilot: Pilot[None]) -> list[str]:
    """The rows of the screen as they are painted."""
    return ["".join(segment.text for segment in strip) for strip in pilot.app.screen._compositor.render_strips()]


class TranscriptApp(App[None]):
    """Nothing but a transcript, with the style sheet of the real application."""

    CSS_PATH = Path(poly_tui.__file__).parent / "poly.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.moves: list[Transcript.Moved] = []
        self.opened: list[Transcript.CitationOpened] = []

    def compose(self) -> ComposeResult:
        yield Transcript()

    def on_transcript_moved(self, message: Transcript.Moved) -> None:
        self.moves.append(message)

    def on_transcript_citation_opened(self, message: Transcript.CitationOpened) -> None:
        self.opened.append(message)


@asynccontextmanager
async def open_transcript(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[Pilot[None], Transcript]]:
    app = TranscriptApp()
    async with app.run_test(size=size) as pilot:
        transcript = app.query_one(Transcript)
        transcript.focus()
        await pilot.pause()
        yield pilot, transcript
