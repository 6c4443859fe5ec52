"""Prompts for a chat, line by line: typed at a terminal, or piped."""

import contextlib
import sys

import click

from poly_engine import InvalidRequest
from poly_tui.commands.prompt import decoded

__all__ = ["PromptReader"]

_PROMPT, _CONTINUED = "> ", ". "
_LONGEST_LINE_BYTES = 1024 * 1024


class PromptReader:
    """Reads prompts from stdin. A backslash at the end of a line continues it on the next one.

    A terminal shows where to type, and lets the line be edited.
    """

    def __init__(self) -> None:
        self.is_interactive = sys.stdin is not None and sys.stdin.isatty()
        if self.is_interactive:
            with contextlib.suppress(ImportError):  # some builds of Python lack it
                import readline  # noqa: F401 - `input` edits lines once it is there; it takes over the terminal

    def read(self) -> str | None:
        """The next prompt; None at the end. Raises KeyboardInterrupt if stdin is no terminal."""
        lines: list[str] = []
        while True:
            try:
                line = self._line(_CONTINUED if lines else _PROMPT)
            except KeyboardInterrupt:
                if not self.is_interactive:
                    raise
                click.echo("\npoly: Ctrl-D leaves the chat", err=True)
                lines.clear()
                continue
            if line is None:
                return "\n".join(lines) if lines else None
            if not line.endswith("\\"):
                return "\n".join([*lines, line])
            lines.append(line[:-1])

    def _line(self, prompt: str) -> str | None:
        return self._typed_line(prompt) if self.is_interactive else _piped_line()

    def _typed_line(self, prompt: str) -> str | None:
        if not sys.stdout.isatty():  # then `input` would write the prompt to stdout, which is for data
            click.echo(prompt, nl=False, err=True)
            prompt = ""
        try:
            return input(prompt)
        except EOFError:
            click.echo(err=True)
            return None


def _piped_line() -> str | None:
    if sys.stdin is None:
        return None
    line = sys.stdin.buffer.readline(_LONGEST_LINE_BYTES + 1)
    if len(line) > _LONGEST_LINE_BYTES:
        raise InvalidRequest(f"a line of stdin is longer than {_LONGEST_LINE_BYTES >> 20} MiB")
    return decoded(line).rstrip("\r\n") if line else None
