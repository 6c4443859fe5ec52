"""The prompt of a verb: what was typed, and what was piped.

Stdin is read if it is a pipe or a file, or if nothing was typed; a terminal is never waited for.
"""

import os
import stat
import sys
from collections.abc import Sequence
from typing import BinaryIO, TypeVar

import click

from poly_engine import InvalidRequest

__all__ = ["check_text", "decoded", "is_readable", "read_prompt", "read_stdin"]

T = TypeVar("T")

MAX_STDIN_BYTES = 16 * 1024 * 1024


def check_text(ctx: click.Context, param: click.Parameter, value: T) -> T:
    """The callback of an argument or option that holds text, since on the command line it may be anything."""
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and not _is_utf8(text):
            raise click.BadParameter("it is not UTF-8 text", ctx, param)
    return value


def read_prompt(words: Sequence[str]) -> str:
    """The words joined by spaces; what was piped goes before them, and an empty line between.

    Newlines at the end of what was piped are left out. Raises UsageError if there is no prompt, and InvalidRequest if
    stdin holds no text.
    """
    said = " ".join(words)
    piped = read_stdin() if _is_to_be_read(has_words=bool(words)) else ""
    parts = [part for part in (piped.rstrip("\r\n"), said) if part.strip()]
    if not parts:
        where = "the words and stdin are empty" if words or is_readable() else "give words, or pipe text into it"
        raise click.UsageError(f"there is no prompt: {where}", click.get_current_context())
    return "\n\n".join(parts)


def read_stdin() -> str:
    """All of stdin as text. Raises InvalidRequest if there is too much of it, or if it is not UTF-8 text."""
    if sys.stdin is None:
        return ""
    source: BinaryIO = sys.stdin.buffer
    content = source.read(MAX_STDIN_BYTES + 1)
    if len(content) > MAX_STDIN_BYTES:
        raise InvalidRequest(f"stdin holds more than {MAX_STDIN_BYTES >> 20} MiB, which is too long for a prompt")
    return decoded(content)


def decoded(content: bytes) -> str:
    """What was read from stdin as text. Raises InvalidRequest if it is none."""
    nul = content.find(0)
    if nul >= 0:
        raise InvalidRequest(f"stdin is not text: byte {nul + 1} is zero")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"stdin is not UTF-8 text: byte {error.start + 1} is 0x{content[error.start]:02x}"
        ) from None


def is_readable() -> bool:
    """Whether there is a stdin that is no terminal."""
    return sys.stdin is not None and not sys.stdin.isatty()


def _is_to_be_read(*, has_words: bool) -> bool:
    if not is_readable():
        return False
    return not has_words or _is_pipe_or_file()


def _is_pipe_or_file() -> bool:
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):  # of the program that we are part of, such as a test
        return True
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
