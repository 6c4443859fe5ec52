"""The terminal that we paint on, which may be gone at any moment: its window is closed, its connection is lost."""

from collections.abc import Callable
from typing import Any, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

__all__ = ["TerminalDriver"]

GONE = 129
"""The exit code of who lost the terminal: 128 and the number of SIGHUP."""


class TerminalDriver(LinuxDriver):
    """Leaves the application when the terminal is gone.

    That of Textual dies in its threads then, and the loop waits for ever for a place in the queue of the one that
    writes.
    """

    def __init__(
        self, app: App[object], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert self._file is not None, "the program has seen a terminal"
        self._file = cast("Any", _Mortal(self._file, self._leave))  # Any: it has what is used of a file

    def run_input_thread(self) -> None:
        """Read keys until the end."""
        try:
            super().run_input_thread()
        except OSError:
            self._leave()

    def _leave(self) -> None:
        self._app.call_later(self._app.exit, return_code=GONE)


class _Mortal:
    """A terminal to write on. What is written when it is gone is lost, and `tell` is called."""

    def __init__(self, terminal: TextIO, tell: Callable[[], None]) -> None:
        self._terminal = terminal
        self._tell = tell
        self._is_gone = False

    def write(self, text: str) -> None:
        """Write a text."""
        self._attempt(lambda: self._terminal.write(text))

    def flush(self) -> None:
        """Have all of it shown."""
        self._attempt(self._terminal.flush)

    def fileno(self) -> int:
        """The descriptor of the terminal."""
        return self._terminal.fileno()

    def isatty(self) -> bool:
        """Whether it was a terminal."""
        return self._terminal.isatty()

    def _attempt(self, work: Callable[[], object]) -> None:
        if self._is_gone:
            return
        try:
            work()
        except OSError:
            self._is_gone = True
            self._tell()
