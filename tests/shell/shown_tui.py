"""The terminal interface in a terminal of its own, whose screen the tests look at."""

import os
import signal
import sqlite3
import termios
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import psutil

from tests.shell.screen import Screen
from tests.shell.terminal import PATIENCE_S, Terminal

__all__ = ["ShownTui", "answers", "drafts"]


class ShownTui(Terminal):
    """`poly`, which opens it, with arguments, until the end of the `with` block."""

    def __init__(
        self,
        *args: str,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
        program: str = "poly_tui",
        ignored: tuple[signal.Signals, ...] = (),
    ) -> None:
        self.screen = Screen(*size)
        super().__init__(*args, size=size, env=env, program=program, ignored=ignored)

    def until(self, is_shown: str | Callable[[Screen], bool]) -> None:
        """Let the program work until a text is on the screen, or something is so."""
        is_true = is_shown if callable(is_shown) else lambda screen: is_shown in screen.text
        deadline = time.monotonic() + PATIENCE_S
        while not is_true(self.screen):
            assert time.monotonic() < deadline, f"waited in vain for {is_shown!r}:\n{self.screen.text}"
            assert self._read(1.0) or self.process.poll() is None, f"it has ended:\n{self.screen.text}"

    def say(self, prompt: str) -> None:
        """Type a prompt and send it. What is typed is a paste, so that the Enter behind it is not part of it."""
        self.press(f"\x1b[200~{prompt}\x1b[201~")
        self.until(prompt)
        self.press("\r")

    def resize(self, width: int, height: int) -> None:
        """Have another size, and tell the program."""
        self.screen.resize(width, height)
        termios.tcsetwinsize(self._master, (height, width))

    def take_in(self) -> None:
        """Show what has come so far."""
        while self._read(0):
            pass

    def kill(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        os.kill(self.process.pid, number)

    def models(self) -> list[psutil.Process]:
        """The processes that models live in."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in children if any("poly_engine.batch.process" in word for word in one.cmdline())]

    def close_window(self) -> None:
        """Take the terminal away."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDWR)

    def end(self) -> int:
        """Read to the end of the program; its exit code."""
        self.read_to_end()
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def has_echo(self) -> bool:
        """Whether the terminal shows what is typed, and makes lines of it, as shells want it."""
        flags = termios.tcgetattr(self._master)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON and flags & termios.ISIG)

    def _take(self, text: str) -> None:
        self.screen.feed(text)


def answers(home: Path) -> list[tuple[str, str]]:
    """All answers that are kept, with their states."""
    return [(answer, state) for answer, state in _rows(home, "select answer, state from turn order by id")]


def drafts(home: Path) -> list[str]:
    """What was being written, in chats and for a new one."""
    found = _rows(home, "select draft from chat where draft <> '' union all select text from draft where text <> ''")
    return [draft for (draft,) in found]


def _rows(home: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(home / "data/poly/chats.db")) as connection:
        return connection.execute(query).fetchall()
