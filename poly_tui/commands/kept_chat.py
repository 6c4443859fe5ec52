"""A chat of `poly chat`, kept for another day."""

from collections.abc import Callable

import click

from poly_engine import Event, InvalidRequest
from poly_tui import connect
from poly_tui.chats.errors import ChatsFailed
from poly_tui.chats.log import ChatLog
from poly_tui.chats.scribe import Scribe
from poly_tui.chats.tree import Chat

__all__ = ["KeptAnswer", "KeptChats"]


class KeptChats:
    """Where chats begin: kept if `is_kept`, or else only remembered. `close` waits until all is written."""

    def __init__(self, *, is_kept: bool) -> None:
        self._scribe = Scribe(connect.chats_file(), _tell) if is_kept else None

    def new(self) -> ChatLog:
        """A chat that begins with its first prompt."""
        return ChatLog(self._scribe)

    def again(self, number: int | None) -> ChatLog:
        """A chat that goes on: that of a number, or the last one. Raises ChatNotFound, and InvalidRequest."""
        assert self._scribe is not None
        wanted = number or self._scribe.submit(lambda store: store.newest()).result()
        if wanted is None:
            raise InvalidRequest("there is no chat to go on with: none was kept yet")
        chat: Chat = self._scribe.submit(lambda store: store.load(wanted)).result()
        return ChatLog(self._scribe, chat)

    def number_of(self, log: ChatLog) -> int | None:
        """The number of a chat, once it is in the file; None if it is not kept."""
        if self._scribe is None or not log.chat.roots:
            return None
        try:
            self._scribe.submit(lambda _: None).result()
        except ChatsFailed:  # which was told when the first prompt could not be kept
            return None
        return log.chat.id

    def close(self) -> None:
        """Write what is left."""
        if self._scribe is not None:
            self._scribe.close()


class KeptAnswer:
    """An Answer that goes to a chat, and to another Answer."""

    def __init__(self, log: ChatLog, hear: Callable[[Event], None], end: Callable[[], None]) -> None:
        self._log = log
        self._hear = hear
        self._end = end

    def hear(self, event: Event) -> None:
        self._log.hear(event)
        self._hear(event)

    def end(self) -> None:
        self._end()


def _tell(message: str) -> None:
    click.echo(f"poly: {message}", err=True)
