"""The terminal interface as an application."""

import asyncio
import gc
import importlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS  # there is no public way to add to what the parser knows
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import Monochrome, NoColor
from textual.keys import Keys
from textual.screen import ModalScreen
from textual.theme import Theme

from poly_engine.errors import ConfigError, suggestion
from poly_engine.places import data_dir
from poly_tui.attention import call
from poly_tui.backend import Backend
from poly_tui.clipboard import copied_by
from poly_tui.driver import TerminalDriver
from poly_tui.ending import describe_mistake, ended_by_signals
from poly_tui.palette import Palette
from poly_tui.preferences import Preferences, keep_theme
from poly_tui.registry import SECTIONS, Command
from poly_tui.screens.chat import ChatScreen
from poly_tui.screens.section import SectionScreen
from poly_tui.themes import THEMES, fitting
from poly_tui.widgets.composer import Composer

__all__ = ["PolyApp", "run"]

EVERYBODY = Preferences()

N_RECENT = 5


class PolyApp(App[None]):
    """Chats with the tasks of an engine, and looks after them. The backend belongs to the caller, who also closes it.

    Chats are kept in the file `chats`, if it is given; `chat` is the number of the one to go on with.
    """

    TITLE = "Poly"
    CSS_PATH = "poly.tcss"
    DEFAULT_MODE = "chat"
    COMMANDS = {Palette}  # noqa: RUF012 - as below

    # Textual declares both as instance variables, so they cannot be marked as what they are
    HORIZONTAL_BREAKPOINTS = [(0, "-cramped"), (40, "-narrow"), (60, "-normal"), (100, "-wide"), (140, "-xwide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (10, "-tiny"), (16, "-short"), (30, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority, so that the letter that is typed next does not overtake it
        Binding("ctrl+g", "pick_section", "go", id="app.go", priority=True),
        *(
            Binding(
                section.key,
                f"go('{section.name}')",
                section.title,
                id=f"app.go_{section.name}",
                show=False,
                priority=True,
            )
            for section in SECTIONS
        ),
        Binding("ctrl+q", "quit", "quit", id="app.quit", priority=True),
        Binding("f1", "help", "keys", id="app.help", key_display="F1"),
    ]

    def __init__(
        self,
        backend: Backend,
        *,
        task: str | None = None,
        chats: Path | None = None,
        chat: int | None = None,
        preferences: Preferences = EVERYBODY,
        preferences_file: Path | None = None,
    ) -> None:
        """What is changed of the preferences is kept in their file, if there is one."""
        super().__init__()
        self._backend = backend
        self._preferences = preferences
        self._preferences_file = preferences_file
        self._has_mouse = preferences.mouse
        self.recent_commands: list[Command] = []
        self.add_mode("chat", lambda: ChatScreen(backend, task, chats, chat))
        for section in SECTIONS[1:]:
            self.add_mode(section.name, partial(_screen, section.name, backend))

        self._follow_no_color()
        for theme in THEMES:
            self.register_theme(theme)
        if not preferences.motion:
            self.animation_level = "none"
        self.set_keymap(preferences.bound)

    def on_ready(self) -> None:
        """Collect garbage from now on, which had to wait for the first paint."""
        gc.enable()

    def on_mount(self) -> None:
        """Have the colours that are preferred, and keep those that are chosen from now on."""
        theme = fitting(self._preferences.theme, os.environ)
        if theme in self.available_themes:
            self.theme = theme
        else:
            words = f"there is no theme {theme}{suggestion(theme, self.available_themes)}"
            self.notify(words, severity="warning", markup=False)
        self.theme_changed_signal.subscribe(self, self._keep_theme)

    def _follow_no_color(self) -> None:
        """Paint without colours where none are wanted (https://no-color.org): Textual would paint in greys."""
        self.no_color = bool(os.environ.get("NO_COLOR"))
        if self.no_color:  # others make colours of what is dim or turned around
            self._filters = [NoColor()]
        else:
            self._filters = [one for one in self._filters if not isinstance(one, Monochrome)]

    def _keep_theme(self, theme: Theme) -> None:
        if self._preferences_file is None:
            return
        try:
            keep_theme(self._preferences_file, theme.name)
        except (OSError, ConfigError) as error:
            self.notify(f"the theme is not kept: {error}", severity="warning", markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text to where it can be pasted, and say what did it."""
        self._clipboard = text  # what Textual pastes itself
        self._copy(text)

    @work(group="copy")
    async def _copy(self, text: str) -> None:
        write = self._driver.write if self._driver is not None else None
        way = await asyncio.to_thread(copied_by, text, write)
        if way is not None:
            self.notify(f"copied {len(text)} characters · {way}", markup=False)
            return
        file = data_dir() / "copied.txt"
        try:
            await asyncio.to_thread(_write, file, text)
        except OSError as error:
            self.notify(f"not copied: {error.strerror}: {error.filename}", severity="error", markup=False)
        else:
            self.notify(f"too much for the terminal: written to {file}", markup=False)

    @on(ChatScreen.Answered)
    def tell_away(self, message: ChatScreen.Answered) -> None:
        """Tell whoever looks elsewhere of an answer that took a while."""
        wanted = self._preferences.notify_after_s
        if not self.app_focus and 0 < wanted <= message.seconds and self._driver is not None:
            self._driver.write(call(f"{message.task} has answered", os.environ))

    def action_toggle_mouse(self) -> None:
        """Let the terminal have the mouse, to select text by itself, or take it back."""
        self._has_mouse = not self._has_mouse
        switch = "_enable_mouse_support" if self._has_mouse else "_disable_mouse_support"
        getattr(self._driver, switch, lambda: None)()  # Textual has no public way, and drivers in browsers none at all
        self.notify("the mouse is ours" if self._has_mouse else "the mouse is the terminal's", markup=False)

    def action_toggle_motion(self) -> None:
        """Let nothing move but what is new, or let it."""
        self.animation_level = "full" if self.animation_level == "none" else "none"
        self.notify("things move" if self.animation_level == "full" else "nothing moves by itself", markup=False)

    def on_transcript_settled(self) -> None:
        """Have the garbage collector leave a long chat alone, which else holds up a stream by twice as long (at 200
        messages 90 instead of 45 ms on a busy machine).
        """
        if not self.is_headless:
            gc.collect()
            gc.freeze()

    @work(group="command")
    async def do(self, command: Command, rest: str = "") -> None:
        """Do what a command says, in its section, with what is said behind it."""
        others = [one for one in self.recent_commands if one is not command]
        self.recent_commands = [command, *others][:N_RECENT]
        action = f"{command.action}({rest!r})" if rest and command.takes else command.action
        if command.section == "app":
            await self.run_action(action, self)
        else:
            await self.action_go(command.section)
            await self.run_action(action, self.screen)

    @on(Composer.Commanded)
    def do_what_is_written(self, message: Composer.Commanded) -> None:
        """Do what stands behind a slash."""
        self.do(message.command, message.rest)

    async def action_go(self, section: str) -> None:
        """Show a section."""
        await self.switch_mode(section)

    @work(group="quit", exclusive=True)
    async def _quit(self) -> None:
        """Quit, unless a section would lose something and the user does not want that."""
        for stack in list(self._screen_stacks.values()):
            if stack and isinstance(stack[0], SectionScreen) and not await stack[0].may_quit():
                return
        self.exit()

    async def action_quit(self) -> None:
        """Quit, if all sections agree."""
        self._quit()

    def action_pick_section(self) -> None:
        """Wait for the letter of a section, and show it."""
        if isinstance(self.screen, ModalScreen):
            return
        from poly_tui.screens.go import GoScreen  # seldom shown

        def go(section: str | None) -> None:
            if section is not None:
                self.run_worker(self.action_go(section), group="command")

        self.push_screen(GoScreen(), go)

    def action_keep_screenshot(self) -> None:
        """Write the screen to a file in the working directory."""
        self.notify(f"written: {self.save_screenshot(path='.')}", markup=False)

    def get_driver_class(self) -> type[Driver]:
        """What paints on a terminal, and outlives it."""
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen  # such as the one that paints in a browser

    def _fatal_error(self) -> None:
        """Say in words what happened; that of Textual shows a traceback with the values of all variables."""
        error = sys.exc_info()[1]
        if error is None or self.is_headless:
            super()._fatal_error()
            return
        self._exit_renderables.append(Text(describe_mistake(error)))
        self._close_messages_no_wait()

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


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def run(
    backend: Backend,
    task: str | None = None,
    *,
    chats: Path | None = None,
    chat: int | None = None,
    preferences: Preferences = EVERYBODY,
    preferences_file: Path | None = None,
) -> int:
    """Show the terminal interface until the user quits, close the engine, and return the exit code.

    The arguments are those of the application.
    """
    gc.freeze()  # else every full collection looks at all the modules again, and holds up a stream by 50 ms
    know_alt_enter()
    app = PolyApp(
        backend, task=task, chats=chats, chat=chat, preferences=preferences, preferences_file=preferences_file
    )
    return asyncio.run(_run(backend, app, has_mouse=preferences.mouse))


def know_alt_enter() -> None:
    """Tell Textual what terminals without the Kitty protocol send for alt+enter, lest it be taken for Enter."""
    assert isinstance(ANSI_SEQUENCES_KEYS, dict)
    ANSI_SEQUENCES_KEYS["\x1b\r"] = (Keys.ControlJ,)


async def _run(backend: Backend, app: PolyApp, *, has_mouse: bool) -> int:
    async with backend:
        with ended_by_signals(app):
            await app.run_async(mouse=has_mouse)
    return app.return_code or 0
