"""The widget that shows a conversation: one scroll view over cached rows, which follows the end while one reads it."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from poly_tui.transcript.block import Block
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT, Row
from poly_tui.transcript.stack import Stack, selected_span

__all__ = ["Transcript"]

MAX_WIDTH = 100 + INDENT
"""Longer rows are hard to read, however wide the terminal is."""

MAX_STRIPS = 512
"""A few screens of them. More would only make the garbage collector hold up the stream (100 ms at 2,000 rows)."""


class Transcript(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows blocks of untrusted text one below the other; the last one may grow.

    It follows the end as long as the reader is there. Nothing in a text is taken for markup.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {name for kind in Kind for name in kind.classes}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "line(1)", "down", id="transcript.down", show=False),
        Binding("k,up", "line(-1)", "up", id="transcript.up", show=False),
        Binding("pagedown,space", "page(1)", "page down", id="transcript.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id="transcript.page_up", show=False),
        Binding("g,home", "top", "top", id="transcript.top", key_display="g"),
        Binding("G,end", "end", "end", id="transcript.end", key_display="G"),
        Binding("y", "copy", "copy", id="transcript.copy"),
    ]

    @dataclass
    class Moved(Message):
        """The reader left the end or came back to it, or `n_new` rows were added below while away."""

        is_following: bool
        n_new: int

    @dataclass
    class Copied(Message):
        """The text of the last answer went to the clipboard."""

        text: str

    def __init__(self) -> None:
        super().__init__()
        self._looks = {kind: Look(Style.null(), Style.null(), Style.null()) for kind in Kind}
        self._width = MAX_WIDTH
        self._stack = Stack(self._looks, self._width)
        self._strips: LRUCache[Row, Strip] = LRUCache(MAX_STRIPS)
        self._is_following = True
        self._n_rows_seen = 0
        self._marked: int | None = None

    @property
    def is_following(self) -> bool:
        """Whether what is added scrolls into view."""
        return self._is_following

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, oldest first."""
        return self._stack.blocks

    def add(self, kind: Kind, text: str = "") -> None:
        """Begin a new block."""
        self._show_from(self._stack.add(kind, text))

    def append(self, passage: Passage) -> None:
        """Add text to the last block."""
        self._show_from(self._stack.append(passage))

    def clear(self) -> None:
        """Forget all blocks."""
        self.cut(0)

    def cut(self, n_blocks: int) -> None:
        """Forget all blocks but the first ones, and go to the end."""
        self._marked = None
        self._stack.cut(n_blocks)
        self.screen.clear_selection()
        self._follow(is_following=True)
        self._show_from(0)
        self.refresh()

    def mark(self, block: int | None) -> None:
        """Point at a block in the margin, and show it; or point at none."""
        self._marked = block
        if block is not None:
            rows = self._stack.rows_of(block)
            if rows.start < self.scroll_offset.y or rows.start >= self.scroll_offset.y + self.size.height:
                self._go_to(rows.start - 1)
        self.refresh()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._follow(is_following=True)
        self._go_to(self.max_scroll_y)

    # What the keys do

    def action_line(self, n_rows: int) -> None:
        """Scroll by rows."""
        self._go_to(self.scroll_offset.y + n_rows)

    def action_page(self, n_pages: int) -> None:
        """Scroll by pages that overlap by a row."""
        self.action_line(n_pages * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """Go to the beginning."""
        self._go_to(0)

    def action_end(self) -> None:
        """Go to the end and follow it."""
        self.follow()

    def action_copy(self) -> None:
        """Copy the last answer, or else the last block, to the clipboard."""
        blocks = [block for block in self.blocks if block.kind is Kind.ANSWER] or self.blocks
        if blocks:
            self.app.copy_to_clipboard(blocks[-1].text)
            self.post_message(self.Copied(blocks[-1].text))

    # What Textual asks for

    def on_mount(self) -> None:
        """Read the styles of the theme."""
        self._read_looks()

    def notify_style_update(self) -> None:
        """Take the styles of a new theme into the rows."""
        super().notify_style_update()
        if self.is_mounted:
            self.call_next(self._read_looks)  # the styles of the components are not there yet

    def on_resize(self) -> None:
        """Wrap anew if the width changed."""
        width = min(MAX_WIDTH, self.scrollable_content_region.width)
        if width != self._width:
            self._width = width
            self.screen.clear_selection()
            self._lay_out()
        if self._is_following or self.scroll_offset.y >= self.max_scroll_y:
            self.follow()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end exactly while the reader is there."""
        super().watch_scroll_y(old_value, new_value)
        self._follow(is_following=round(new_value) >= self.max_scroll_y)

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        y += self.scroll_offset.y
        width = self.size.width
        if y >= self._stack.n_rows:
            return Strip.blank(width, self._looks[Kind.ANSWER].text)
        row = self._stack.row(y)
        selection = self.text_selection
        strip = self._strip(row) if selection is None else self._highlighted(row, selection.get_span(y))
        if self._marked is not None and y in self._stack.rows_of(self._marked):
            strip = Strip.join([Strip([Segment("▌", self._looks[Kind.PROMPT].sign)]), strip.crop(1)])
        return strip.crop_extend(0, width, row.look.text).apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """The selected text and what ends it."""
        return self._stack.text(selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - Textual's signature
        """Paint the selection."""
        self.refresh()

    def _read_looks(self) -> None:
        style = self.get_component_rich_style
        looks = {kind: Look(*map(style, kind.classes)) for kind in Kind}
        if looks != self._looks:
            self._looks = looks
            self._lay_out()

    def _lay_out(self) -> None:
        """Make all rows anew, and show the same text at the top as before."""
        stack, top = self._stack, self.scroll_offset.y
        place = None if self._is_following or top >= stack.n_rows else stack.place(top)
        stack.lay_out(self._looks, self._width)
        self._show_from(0)
        self.refresh()  # what was below the last row is stale where there are fewer rows now
        if place is not None:
            self._go_to(stack.row_of(place))

    def _show_from(self, first_row: int) -> None:
        """Paint from `first_row` on, and follow the end if the reader is there."""
        n_rows = self._stack.n_rows
        if n_rows != self.virtual_size.height:
            self.virtual_size = Size(self.size.width, n_rows)
        self.refresh_lines(first_row, n_rows - first_row)
        if self._is_following:
            self.follow()
        else:
            self._tell_moved()

    def _go_to(self, row: int) -> None:
        # Forced, because the scroll bar of what was just added may not have been laid out yet
        self.scroll_to(y=row, animate=False, force=True)

    def _follow(self, *, is_following: bool) -> None:
        if is_following != self._is_following:
            self._is_following = is_following
            self._n_rows_seen = self._stack.n_rows
            self._tell_moved()

    def _tell_moved(self) -> None:
        n_new = 0 if self._is_following else max(0, self._stack.n_rows - self._n_rows_seen)
        self.post_message(self.Moved(self._is_following, n_new))

    def _strip(self, row: Row) -> Strip:
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strips[row] = row.strip()
        return strip

    def _highlighted(self, row: Row, span: tuple[int, int] | None) -> Strip:
        strip = self._strip(row)
        if span is None:
            return strip
        start, end = selected_span(row, span)
        left, right = (INDENT + cell_len(row.text[:offset]) for offset in (start, end))
        style = self.screen.get_component_rich_style("screen--selection")
        selected = Strip([Segment(segment.text, style) for segment in strip.crop(left, right)])
        return Strip.join([strip.crop(0, left), selected, strip.crop(right)])
