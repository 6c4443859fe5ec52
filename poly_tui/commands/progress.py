"""One line on a terminal that says how far a long piece of work is."""

import shutil
import sys
import time

import click

__all__ = ["ProgressLine"]

_EVERY_S = 0.1
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Shows what it is told on stderr, if that is a terminal, and leaves no trace when it is left."""

    def __init__(self) -> None:
        self.has_watcher = sys.stderr.isatty()
        self._shown_at = 0.0
        self._is_shown = False

    def show(self, text: str) -> None:
        """Replace the line, unless it was replaced just now."""
        now = time.monotonic()
        if self.has_watcher and now - self._shown_at > _EVERY_S:
            width = shutil.get_terminal_size().columns - 1
            click.echo(_CLEAR + _within(f"poly: {text}", width), err=True, nl=False)
            self._shown_at, self._is_shown = now, True

    def clear(self) -> None:
        """Remove the line, so that others can be written."""
        if self._is_shown:
            click.echo(_CLEAR, err=True, nl=False)
            self._shown_at, self._is_shown = 0.0, False


def _within(text: str, width: int) -> str:
    """The text in one line: of a longer one the end, which tells more."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width // 3]}…{line[len(line) - (width - width // 3 - 1) :]}"
