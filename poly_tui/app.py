"""The terminal interface as an application."""

import asyncio
import gc
from pathlib import Path
from typing import ClassVar

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS  # there is no public way to add to what the parser knows
from textual.app import App
from textual.binding import Binding, BindingType
from textual.keys import Keys
from textual.screen import Screen

from poly_engine.interface import Engine
from poly_tui.screens.chat import ChatScreen

__all__ = ["PolyApp", "run"]


class PolyApp(App[None]):
    """Chats with the tasks of an engine. The engine belongs to the caller, who also closes it.

    Chats are kept in the file `chats`, if it is given; `chat` is the number of the one to go on with. `url` is that of
    the server that does the work, if one does.
    """

    TITLE = "Poly"
    CSS_PATH = "poly.tcss"

    # Textual declares both as instance variables, so they cannot be marked as what they are
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (16, "-short"), (30, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "quit", id="app.quit", priority=True),
        Binding("f1", "help", "keys", id="app.help", key_display="F1"),
    ]

    def __init__(
        self,
        engine: Engine,
        *,
        task: str | None = None,
        chats: Path | None = None,
        chat: int | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__()
        self._url = url
        self._chats = chats
        self._first_chat = chat
        self._engine = engine
        self._first_task = task

    def get_default_screen(self) -> Screen[None]:
        """The chat, as the first thing that is painted."""
        return ChatScreen(self._engine, self._first_task, self._chats, self._first_chat, url=self._url)

    def on_transcript_settled(self) -> None:
        """Have the garbage collector leave a long chat alone, which else holds up a stream by twice as long (at 200
        messages 90 instead of 45 ms on a busy machine).
        """
        if not self.is_headless:
            gc.collect()
            gc.freeze()

    def action_help(self) -> None:
        """Show all keys, or hide them."""
        if self.screen.query("HelpPanel"):  # by name, because importing it brings Markdown, which costs 40 ms
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()


def run(
    engine: Engine,
    task: str | None = None,
    *,
    chats: Path | None = None,
    chat: int | None = None,
    url: str | None = None,
) -> int:
    """Show the terminal interface until the user quits, close the engine, and return the exit code.

    The arguments are those of the application.
    """
    gc.freeze()  # else every full collection looks at all the modules again, and holds up a stream by 50 ms
    know_alt_enter()
    return asyncio.run(_run(engine, PolyApp(engine, task=task, chats=chats, chat=chat, url=url)))


def know_alt_enter() -> None:
    """Tell Textual what terminals without the Kitty protocol send for alt+enter, lest it be taken for Enter."""
    assert isinstance(ANSI_SEQUENCES_KEYS, dict)
    ANSI_SEQUENCES_KEYS["\x1b\r"] = (Keys.ControlJ,)


async def _run(engine: Engine, app: PolyApp) -> int:
    async with engine:
        await app.run_async()
    return app.return_code or 0
