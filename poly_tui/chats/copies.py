"""A chat as a file, and a turn of it as a program."""

import re
from pathlib import Path

from poly_tui.chats.tree import Chat, ChatTurn

__all__ = ["code_of", "write_export"]

SERVER = "http://localhost:3000"
"""Where `poly serve` answers unless it is told otherwise."""


def write_export(chat: Chat, form: str, folder: Path) -> Path:
    """Write a chat to a file named for its title, next to those that are there already. Raises OSError."""
    from poly_tui.chats.export import FORMATS  # a few ms that the start need not pay

    name = re.sub(r"[^\w-]+", "-", chat.title.casefold()).strip("-") or "chat"
    for number in range(1, 10_000):
        path = folder / f"{name}{f'-{number}' if number > 1 else ''}.{form}"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(FORMATS[form](chat))
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, "there are too many files of that name", str(folder / name))


def code_of(turn: ChatTurn, kind: str, url: str | None) -> str:
    """A turn as a program: "curl", "openai" or "library"."""
    from poly_tui.chats.code import as_curl, as_python  # as above

    if kind == "curl":
        return as_curl(turn, url or SERVER)
    return as_python(turn, None if kind == "library" else url or SERVER)
