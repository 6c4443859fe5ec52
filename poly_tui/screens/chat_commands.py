"""What can be done with a chat from the palette, besides what has a key."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from textual.command import DiscoveryHit, Hit, Hits, Provider

from poly_tui.chats.tree import Chat, ChatTurn

__all__ = ["ChatCommands", "code_of", "write_export"]

SERVER = "http://localhost:3000"
"""Where `poly serve` answers unless it is told otherwise."""


class ChatCommands(Provider):
    """Exports the chat that is shown, and copies the turn that is meant as a program."""

    async def discover(self) -> Hits:
        for name, words, work in self._commands():
            yield DiscoveryHit(name, work, help=words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, words, work in self._commands():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), work, help=words)

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        from poly_tui.screens.chat import ChatScreen  # which has these commands

        screen = self.screen
        assert isinstance(screen, ChatScreen)
        for name, form in (("Markdown", "md"), ("JSON", "json"), ("HTML", "html")):
            words = f"Write the chat to a .{form} file in the working directory"
            yield f"Export chat as {name}", words, lambda form=form: screen.export(form)  # type: ignore[misc]
        for name, kind in (("curl", "curl"), ("Python (openai)", "openai"), ("Python (poly_engine)", "library")):
            words = "Copy what asks the turn again"
            yield f"Copy turn as {name}", words, lambda kind=kind: screen.copy_as(kind)  # type: ignore[misc]


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
