"""The terminal interface as an application."""

import asyncio
import gc
import importlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS  # there is no public way to add to what the parser knows
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.keys import Keys
from textual.screen import Screen

from poly_tui.backend import Backend
from poly_tui.registry import COMMANDS, SECTIONS, Command
from poly_tui.screens.chat import ChatScreen
from poly_tui.screens.section import SectionScreen

__all__ = ["PolyApp", "run"]


class PolyApp(App[None]):
    """Chats with the tasks of an engine, and looks after them. The backend belongs to the caller, who also closes it.

    Chats are kept in the file `chats`, if it is given; `chat` is the number of the one to go on with.
    """

    TITLE = "Poly"
    CSS_PATH = "poly.tcss"
    DEFAULT_MODE = "chat"

    # Textual declares both as instance variables, so they cannot be marked as what they are
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal"), (100, "-wide"), (140, "-xwide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (16, "-short"), (30, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "pick_section", "go", id="app.go"),
        *(
            Binding(section.key, f"go('{section.name}')", section.title, id=f"app.go_{section.name}", show=False)
            for section in SECTIONS
        ),
        Binding("ctrl+q", "quit", "quit", id="app.quit", priority=True),
        Binding("f1", "help", "keys", id="app.help", key_display="F1"),
    ]

    def __init__(
        self, backend: Backend, *, task: str | None = None, chats: Path | None = None, chat: int | None = None
    ) -> None:
        super().__init__()
        self._backend = backend
        self.add_mode("chat", lambda: ChatScreen(backend, task, chats, chat))
        for section in SECTIONS[1:]:
            self.add_mode(section.name, partial(_screen, section.name, backend))

    def on_transcript_settled(self) -> None:
        """Have the garbage collector leave a long chat alone, which else holds up a stream by twice as long (at 200
        messages 90 instead of 45 ms on a busy machine).
        """
        if not self.is_headless:
            gc.collect()
            gc.freeze()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: that of the section first."""
        here = screen.SECTION if isinstance(screen, SectionScreen) else ""
        for command in sorted(COMMANDS, key=lambda command: command.section != here):
            yield SystemCommand(command.name, command.help, partial(self.do, command))

    @work(group="command")
    async def do(self, command: Command) -> None:
        """Do what a command says, in its section."""
        if command.section == "app":
            await self.run_action(command.action, self)
        else:
            await self.action_go(command.section)
            await self.run_action(command.action, self.screen)

    async def action_go(self, section: str) -> None:
        """Show a section."""
        await self.switch_mode(section)

    @work(group="command", exclusive=True)
    async def action_pick_section(self) -> None:
        """Wait for the letter of a section, and show it."""
        from poly_tui.screens.go import GoScreen  # seldom shown

        section = await self.push_screen_wait(GoScreen())
        if section is not None:
            await self.action_go(section)

    def action_keep_screenshot(self) -> None:
        """Write the screen to a file in the working directory."""
        self.notify(f"written: {self.save_screenshot(path='.')}", markup=False)

    def action_help(self) -> None:
        """Show all keys, or hide them."""
        if self.screen.query("HelpPanel"):  # by name, because importing it brings Markdown, which costs 40 ms
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()


def _screen(section: str, backend: Backend) -> SectionScreen:
    """The screen of a section, which is imported when it is first gone to."""
    module = importlib.import_module(f"poly_tui.screens.{section}.screen")
    screen = getattr(module, f"{section.title()}Screen")(backend)
    assert isinstance(screen, SectionScreen)
    return screen


def run(backend: Backend, task: str | None = None, *, chats: Path | None = None, chat: int | None = None) -> int:
    """Show the terminal interface until the user quits, close the engine, and return the exit code.

    The arguments are those of the application.
    """
    gc.freeze()  # else every full collection looks at all the modules again, and holds up a stream by 50 ms
    know_alt_enter()
    return asyncio.run(_run(backend, PolyApp(backend, task=task, chats=chats, chat=chat)))


def know_alt_enter() -> None:
    """Tell Textual what terminals without the Kitty protocol send for alt+enter, lest it be taken for Enter."""
    assert isinstance(ANSI_SEQUENCES_KEYS, dict)
    ANSI_SEQUENCES_KEYS["\x1b\r"] = (Keys.ControlJ,)


async def _run(backend: Backend, app: PolyApp) -> int:
    async with backend:
        await app.run_async()
    return app.return_code or 0
