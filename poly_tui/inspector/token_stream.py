"""The tokens of an answer one after the other, coloured by how likely each was; one of them is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from poly_engine.types import Token
from poly_tui.inspector.token_rows import Likelihood, TokenRows

__all__ = ["TokenStream"]

CURSOR = "tokens--cursor"


class TokenStream(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows a list of tokens that may grow. The last one is looked at until the reader moves to another."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(kind.value for kind in Likelihood), CURSOR}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "token", id="tokens.previous", key_display="← →"),
        Binding("right,l", "move(1)", "next token", id="tokens.next", show=False),
        Binding("up,k", "move_row(-1)", "row up", id="tokens.up", show=False),
        Binding("down,j", "move_row(1)", "row down", id="tokens.down", show=False),
        Binding("pageup", "page(-1)", "page up", id="tokens.page_up", show=False),
        Binding("pagedown", "page(1)", "page down", id="tokens.page_down", show=False),
        Binding("home,g", "first", "first token", id="tokens.first", show=False),
        Binding("end,G", "last", "last token", id="tokens.last", show=False),
        Binding("u", "unlikely", "next unlikely", id="tokens.unlikely"),
    ]

    @dataclass
    class Looked(Message):
        """Another token is looked at; None if there is none."""

        number: int | None

    def __init__(self) -> None:
        super().__init__()
        self._tokens: Sequence[Token] = ()
        self._rows = TokenRows(1)
        self._cursor: int | None = None

    @property
    def looked_at(self) -> int | None:
        """The number of the token that is looked at, from 0."""
        n_tokens = len(self._rows.cells)
        return None if not n_tokens else n_tokens - 1 if self._cursor is None else min(self._cursor, n_tokens - 1)

    def show(self, tokens: Sequence[Token]) -> None:
        """Show the tokens of another answer; those that are added to the list later are shown by `grow`."""
        self._tokens = tokens
        self._cursor = None
        self._lay_out()

    def grow(self) -> None:
        """Show the tokens that were added to the list."""
        n_before = len(self._rows.cells)
        if len(self._tokens) > n_before:
            self._rows.extend(self._tokens[n_before:])
            self._measure()

    def on_resize(self) -> None:
        """Wrap anew."""
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """One row of tokens."""
        y += self.scroll_offset.y
        width = self.size.width
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        looked_at, segments = self.looked_at, list[Segment]()
        for number in self._rows.row(y):
            cell = self._rows.cells[number]
            mark = self.get_component_rich_style(cell.likelihood.value)
            text = self.get_component_rich_style(CURSOR) if number == looked_at else mark
            segments += (Segment(cell.text, text), Segment(cell.mark, mark))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Look at the token that was clicked on."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y + self.scroll_offset.y >= len(self._rows):
            return
        x = 0
        for number in self._rows.row(offset.y + self.scroll_offset.y):
            x += cell_len(self._rows.cells[number].text) + 1
            if offset.x < x:
                self._look_at(number)
                return

    # What the keys do

    def action_move(self, n_tokens: int) -> None:
        """Look at another token."""
        if self.looked_at is not None:
            self._look_at(self.looked_at + n_tokens)

    def action_move_row(self, n_rows: int) -> None:
        """Look at a token in another row, as far from its beginning."""
        if self.looked_at is None:
            return
        y = self._rows.row_of(self.looked_at)
        place = self.looked_at - self._rows.row(y).start
        row = self._rows.row(max(0, min(len(self._rows) - 1, y + n_rows)))
        self._look_at(min(row.start + place, row.stop - 1))

    def action_page(self, n_pages: int) -> None:
        """Move by pages."""
        self.action_move_row(n_pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        """Look at the first token."""
        self._look_at(0)

    def action_last(self) -> None:
        """Look at the last token, and at those that come."""
        self._cursor = None
        self._looked()

    def action_unlikely(self) -> None:
        """Look at the next token that was unlikely, from the beginning again after the last one."""
        cells = self._rows.cells
        begin = (self.looked_at or 0) + 1
        for number in (*range(begin, len(cells)), *range(min(begin, len(cells)))):
            if cells[number].likelihood is Likelihood.UNLIKELY:
                self._look_at(number)
                return

    # How it is done

    def _lay_out(self) -> None:
        self._rows = TokenRows(self.size.width)
        self._rows.extend(self._tokens)
        self._measure()

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._looked()

    def _look_at(self, number: int) -> None:
        self._cursor = max(0, min(len(self._rows.cells) - 1, number))
        self._looked()

    def _looked(self) -> None:
        """Bring what is looked at into view, and tell it."""
        number = self.looked_at
        if number is not None:
            y, top, height = self._rows.row_of(number), self.scroll_offset.y, self.size.height
            if y < top:
                self.scroll_to(y=y, animate=False, force=True)
            elif y >= top + height:
                self.scroll_to(y=y - height + 1, animate=False, force=True)
        self.refresh()
        self.post_message(self.Looked(number))
