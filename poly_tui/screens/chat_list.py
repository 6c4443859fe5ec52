"""The list of chats: searched while one types, opened, renamed, deleted and had back."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from poly_engine.errors import PolyError
from poly_tui.chats.scribe import Scribe
from poly_tui.chats.store import MATCH, ChatStore, Found
from poly_tui.transcript.clean import clean

__all__ = ["ChatList", "ChatsScreen"]

T = TypeVar("T")

MOST = 200
"""Older chats are found by what is in them."""

_SEARCH, _TITLE = "search chats", "new title"


class ChatList(Vertical):
    """A line to search by over the chats. The keys of the list work when it has the focus: `tab` or `down` give it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="chats.leave"),
        Binding("up", "move(-1)", "up", id="chats.up", show=False, priority=True),
        Binding("down", "move(1)", "down", id="chats.down", show=False, priority=True),
        Binding("r", "rename", "rename", id="chats.rename"),
        Binding("d", "delete", "delete", id="chats.delete"),
        Binding("u", "undo", "undo", id="chats.undo"),
    ]

    @dataclass
    class Chosen(Message):
        """A chat is to be opened, such that one of its turns is seen."""

        number: int
        turn: int | None = None

    @dataclass
    class Renamed(Message):
        """A chat has another title."""

        number: int
        title: str

    @dataclass
    class Deleted(Message):
        """A chat was deleted."""

        number: int

    class Left(Message):
        """Nothing is to be opened."""

    def __init__(self, scribe: Scribe, current: int | None) -> None:
        super().__init__()
        self._scribe = scribe
        self._current = current
        self._found: list[Found] = []
        self._deleted: list[int] = []
        self._renamed: int | None = None
        self._words = ""
        self._input = Input(placeholder=_SEARCH, compact=True)
        self._list = OptionList()

    def compose(self) -> ComposeResult:
        """The line over the list."""
        yield self._input
        yield self._list

    def on_mount(self) -> None:
        """Show the last chats."""
        self.border_title = "Chats"
        self.border_subtitle = "⏎ open · ⇥ r rename · d delete · u undo"
        self.show_anew()

    def focus_search(self) -> None:
        """Let words be typed."""
        self._input.focus()

    def page(self, n_pages: int) -> None:
        """Move the highlight by as much as is seen."""
        self._list.focus()
        if n_pages < 0:
            self._list.action_page_up()  # type: ignore[no-untyped-call] # Textual's own
        else:
            self._list.action_page_down()  # type: ignore[no-untyped-call]

    def show_anew(self, current: int | None = None) -> None:
        """Show what there is now."""
        self._current = current or self._current
        self._search()

    # What the user does

    @on(Input.Changed)
    def search(self, message: Input.Changed) -> None:
        """Show the chats that hold what was typed."""
        message.stop()
        if self._renamed is None:
            self._words = message.value
            self._search()

    @on(Input.Submitted)
    def take(self, message: Input.Submitted) -> None:
        """Open the highlighted chat, or give it the title that was typed."""
        message.stop()
        if self._renamed is not None:
            self._rename(self._renamed, message.value)
        elif (found := self._highlighted) is not None:
            self.post_message(self.Chosen(found.chat.id, found.turn))

    @on(OptionList.OptionSelected)
    def open(self, message: OptionList.OptionSelected) -> None:
        """Open the chat that was chosen."""
        message.stop()
        found = self._found[message.option_index]
        self.post_message(self.Chosen(found.chat.id, found.turn))

    def on_key(self, event: events.Key) -> None:
        """Type into the search wherever the focus is, unless the key has a meaning there."""
        is_free = event.key not in ("r", "d", "u") and not self._input.has_focus
        if is_free and event.is_printable and event.character:
            event.stop()
            self._input.focus()
            self._input.insert_text_at_cursor(event.character)

    def action_move(self, n_rows: int) -> None:
        """Move the highlight, and the focus with it: into the list, and from its first row back to the search."""
        place = self._list.highlighted
        if self._renamed is not None or place is None:
            return
        if n_rows > 0:
            self._list.focus()
            self._list.highlighted = min(place + 1, len(self._found) - 1)
        elif place > 0:
            self._list.highlighted = place - 1
        else:
            self._input.focus()

    def action_leave(self) -> None:
        """Go back: from a title that is being written, or from the list."""
        if self._renamed is not None:
            self._end_renaming()
        else:
            self.post_message(self.Left())

    def action_rename(self) -> None:
        """Let another title be typed."""
        if (found := self._highlighted) is not None:
            self._renamed = found.chat.id
            self._input.placeholder = _TITLE
            self._input.value = found.chat.title
            self._input.focus()

    @work(group="chats")
    async def action_delete(self) -> None:
        """Delete the highlighted chat, such that it can be had back."""
        if (found := self._highlighted) is not None:
            number = found.chat.id
            with self._telling_errors():
                await self._have(lambda store: store.delete(number))
                self._deleted.append(number)
                self._current = None if self._current == number else self._current
                self.post_message(self.Deleted(number))
                self.notify(f"deleted {clean(found.chat.title)} · u brings it back", markup=False)
            self._search()

    @work(group="chats")
    async def action_undo(self) -> None:
        """Have back what was deleted last."""
        if self._deleted:
            number = self._deleted.pop()
            with self._telling_errors():
                await self._have(lambda store: store.undelete(number))
            self._search()

    @property
    def _highlighted(self) -> Found | None:
        place = self._list.highlighted
        return None if place is None or place >= len(self._found) else self._found[place]

    # How it is done

    @work(group="chats.search", exclusive=True)
    async def _search(self) -> None:
        words = self._words
        with self._telling_errors():
            self._show(await self._have(lambda store: store.search(words, MOST)))

    @work(group="chats")
    async def _rename(self, number: int, title: str) -> None:
        self._end_renaming()
        if title.strip():
            with self._telling_errors():
                await self._have(lambda store: store.rename(number, title))
                self.post_message(self.Renamed(number, title))
        self._search()

    def _end_renaming(self) -> None:
        self._input.placeholder = _SEARCH
        self._input.value = self._words
        self._renamed = None
        self._list.focus()

    async def _have(self, work: Callable[[ChatStore], T]) -> T:
        return await asyncio.wrap_future(self._scribe.submit(work))

    @contextmanager
    def _telling_errors(self) -> Iterator[None]:
        try:
            yield
        except PolyError as error:
            self.notify(str(error), severity="error", markup=False)

    def _show(self, found: list[Found]) -> None:
        was = self._highlighted
        self._found = found
        self._list.clear_options()
        self._list.add_options(Option(self._describe(one)) for one in found)
        numbers = [one.chat.id for one in found]
        wanted = was.chat.id if was and not self._words else self._current
        self._list.highlighted = numbers.index(wanted) if wanted in numbers else 0 if numbers else None

    def _describe(self, found: Found) -> Content:
        chat = found.chat
        sign = ("● ", "$text-success") if chat.id == self._current else "  "
        title = Content.assemble(sign, (clean(chat.title).replace("\n", " "), "bold"))
        turns = "1 turn" if chat.n_turns == 1 else f"{chat.n_turns} turns"
        facts = Content.styled(f"  {_when(chat.changed)} · {clean(chat.task)} · {turns}", "dim")
        below = Content("  ") + _excerpt(found.excerpt) if found.excerpt else facts
        return Content("\n").join([title, below])


class ChatsScreen(ModalScreen[ChatList.Chosen | None]):
    """The list of chats over a screen that has no room beside it. The result is what was chosen, or None."""

    def __init__(self, scribe: Scribe, current: int | None) -> None:
        super().__init__()
        self._below = ChatList(scribe, current)

    def compose(self) -> ComposeResult:
        """The list."""
        yield self._below

    def on_mount(self) -> None:
        """Let words be typed."""
        self._below.focus_search()

    @on(ChatList.Chosen)
    def open(self, message: ChatList.Chosen) -> None:
        """Open a chat."""
        self.dismiss(message)

    @on(ChatList.Left)
    def leave(self) -> None:
        """Open none."""
        self.dismiss(None)

    @on(ChatList.Renamed)
    @on(ChatList.Deleted)
    def pass_on(self, message: ChatList.Renamed | ChatList.Deleted) -> None:
        """Let the chat know that is behind."""
        self.app.screen_stack[0].post_message(message)


def _when(seconds: float) -> str:
    then, now = datetime.fromtimestamp(seconds).astimezone(), datetime.now().astimezone()
    if then.date() == now.date():
        return then.strftime("%H:%M")
    return then.strftime("%d %b" if then.year == now.year else "%d %b %Y")


def _excerpt(text: str) -> Content:
    """Text with the words that were searched for marked."""
    parts: list[tuple[str, str]] = []
    for number, part in enumerate(text.replace("\n", " ").split(MATCH[0])):
        hit, _, rest = part.rpartition(MATCH[1]) if number else ("", "", part)
        parts += [(clean(hit), "bold $text-accent"), (clean(rest), "dim")]
    return Content.assemble(*parts)
