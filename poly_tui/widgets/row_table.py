"""A table of any number of rows: each is made when it is painted, so that ten thousand cost as much as a screenful."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from poly_tui.transcript.clean import clean, drawable

__all__ = ["Column", "Row", "RowTable", "cell"]

GAP = 1
"""Cells between two columns, and before the first one."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, `width` cells wide; 0 takes what the others leave. A table of less than `from_width` lacks it."""

    title: str
    width: int = 0
    is_right: bool = False
    from_width: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """What is painted of a row: a cell for each column, also of those that there is no room for, in a `style`."""

    cells: Sequence[Content]
    style: str = ""


class RowTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows rows below their titles, one of which the cursor is on. `show` says what they are."""

    DEFAULT_CSS = """
    RowTable {
        height: 1fr;
        background: $background;
        text-wrap: nowrap;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-color: $foreground 20%;

        &:focus {
            scrollbar-color: $primary;
        }
        & > .rows--titles {
            color: $text-muted;
        }
        & > .rows--cursor {
            background: $primary 40%;
            text-style: bold;
        }
        & > .rows--cursor-away {
            background: $surface;
        }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--titles", "rows--cursor", "rows--cursor-away"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", id="rows.up", show=False),
        Binding("down,j", "move(1)", "down", id="rows.down", show=False),
        Binding("pageup", "page(-1)", "page up", id="rows.page_up", show=False),
        Binding("pagedown", "page(1)", "page down", id="rows.page_down", show=False),
        Binding("home,g", "go(0)", "first", id="rows.first", show=False),
        Binding("end,G", "go(-1)", "last", id="rows.last", show=False),
        Binding("enter", "choose", "open", id="rows.choose"),
    ]

    @dataclass
    class Moved(Message, namespace="rows"):
        """The cursor is on another row."""

        table: "RowTable"
        place: int

        @property
        def control(self) -> "RowTable":
            """What it happened in, for a selector."""
            return self.table

    @dataclass
    class Chosen(Message, namespace="rows"):
        """A row is to be opened."""

        table: "RowTable"
        place: int

        @property
        def control(self) -> "RowTable":
            """What it happened in, for a selector."""
            return self.table

    def __init__(self, columns: Sequence[Column], *, empty: Content | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._columns = columns
        self._has_titles = any(column.title for column in columns)
        self._empty = empty or Content("")
        self._n_rows = 0
        self._row_at: Callable[[int], Row] = lambda _: Row(())
        self._cursor = 0

    @property
    def cursor(self) -> int | None:
        """The place of the row that the cursor is on, None where there are no rows."""
        return self._cursor if self._n_rows else None

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return self._n_rows

    def show(self, n_rows: int, row_at: Callable[[int], Row], cursor: int | None = None) -> None:
        """Show so many rows, each of which `row_at` makes when it is painted. The cursor stays where it is, unless it
        is to be elsewhere.
        """
        has_grown = n_rows != self._n_rows
        self._n_rows, self._row_at = n_rows, row_at
        self._measure()
        self._put_cursor(self._cursor if cursor is None else cursor)
        self.refresh(layout=has_grown and self.styles.is_auto_height)

    def show_empty(self, words: Content) -> None:
        """What is to be read where there are no rows."""
        self._empty = words
        self.refresh()

    def move_to(self, place: int) -> None:
        """Put the cursor on a row."""
        self._put_cursor(place)

    def action_move(self, n_rows: int) -> None:
        """Go up or down."""
        self._put_cursor(self._cursor + n_rows)

    def action_page(self, n_pages: int) -> None:
        """Go up or down by as much as is in view."""
        self._put_cursor(self._cursor + n_pages * max(1, self._n_in_view - 1))

    def action_go(self, place: int) -> None:
        """Go to a row; from the end if negative."""
        self._put_cursor(place if place >= 0 else self._n_rows + place)

    def action_choose(self) -> None:
        """Open the row that the cursor is on."""
        if not self._n_rows:
            raise SkipAction  # the key may mean something else to who is around
        self.post_message(self.Chosen(self, self._cursor))

    # What Textual asks for

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's signature
        """The titles and all rows, where a style sheet wants that."""
        return self._has_titles + max(1, self._n_rows)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._measure()
        self._put_cursor(self._cursor)

    def on_click(self, event: events.Click) -> None:
        """Go to what was clicked; a double click opens it."""
        place = self.scroll_offset.y + event.y - self._has_titles
        if event.y - self._has_titles >= 0 and place < self._n_rows:
            self._put_cursor(place)
            if event.chain > 1:
                self.post_message(self.Chosen(self, place))

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        if self._has_titles and y == 0:
            titles = [Content(column.title) for column in self._columns]
            return self._strip(self._line(titles), "rows--titles")
        place = self.scroll_offset.y + y - self._has_titles
        if place >= self._n_rows:
            is_first = place == 0
            return self._strip(Content.assemble(" " * GAP, self._empty) if is_first else Content(""))
        row = self._row_at(place)
        line = self._line(row.cells)
        line = line.stylize(row.style) if row.style else line
        if place != self._cursor:
            return self._strip(line)
        return self._strip(line, "rows--cursor" if self.has_focus else "rows--cursor-away")

    def _strip(self, line: Content, look: str | None = None) -> Strip:
        width = self.size.width
        style = self.visual_style if look is None else self.get_visual_style(look)
        strips = Visual.to_strips(self, line.truncate(width, ellipsis=True, pad=True), width, 1, style)
        return strips[0].adjust_cell_length(width, style.rich_style)

    def _line(self, cells: Sequence[Content]) -> Content:
        """The cells of those columns that there is room for."""
        room = self.scrollable_content_region.width
        shown = [(column, one) for column, one in zip(self._columns, cells, strict=True) if room >= column.from_width]
        rest = room - sum(column.width + GAP for column, _ in shown)
        parts: list[Content | str] = []
        for column, one in shown:
            width = column.width or max(1, rest)
            text = one.truncate(width, ellipsis=True)
            padding = " " * (width - text.cell_length)
            parts += [" " * GAP, padding, text] if column.is_right else [" " * GAP, text, padding]
        return Content.assemble(*parts)

    @property
    def _n_in_view(self) -> int:
        return max(1, self.scrollable_content_region.height - self._has_titles)

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self._n_rows + self._has_titles)

    def _put_cursor(self, place: int) -> None:
        before, self._cursor = self._cursor, min(max(0, place), max(0, self._n_rows - 1))
        top, last = self.scroll_offset.y, self._cursor - self._n_in_view + 1
        if self._cursor < top or last > top:
            # Forced, because the scroll bar of what is new may not have been laid out yet
            self.scroll_to(y=min(self._cursor, top) if self._cursor < top else last, animate=False, force=True)
        if self._cursor != before:
            self.refresh()
            self.post_message(self.Moved(self, self._cursor))


def cell(text: str, style: str = "") -> Content:
    """Untrusted text as it is put into a cell: in one row, and such that a terminal obeys nothing in it."""
    plain = " ".join(drawable(clean(text)).split())
    return Content.styled(plain, style) if style else Content(plain)
