"""A scroll view over the blocks of a conversation: cached rows, laid out when they come into view. It follows the end
while one reads it.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from poly_tui.transcript.block import Block, Part
from poly_tui.transcript.ink import Ink
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT, Row
from poly_tui.transcript.stack import Stack, selected_span

__all__ = ["StackView"]

MAX_WIDTH = 100 + INDENT
"""Longer rows are hard to read, however wide the terminal is."""

MAX_STRIPS = 128
"""A few screens of them. More would only make the garbage collector hold up the stream (100 ms at 2,000 rows)."""

SETTLE_S = 0.005
"""Blocks that nobody looks at yet are laid out for so long at a time, and then the loop is free for as long."""

MARK = "transcript--mark-of-current"


class StackView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows blocks of untrusted text one below the other; the last one may grow. Answers are shown as markdown.

    It follows the end as long as the reader is there. Nothing in a text is taken for markup of the terminal or of
    Textual.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(name for kind in Kind for name in kind.classes),
        *(ink.value for ink in Ink),
        MARK,
    }

    @dataclass
    class Moved(Message, namespace="transcript"):
        """The reader left the end or came back to it, or `n_new` rows were added below while away."""

        is_following: bool
        n_new: int

    @dataclass
    class Settled(Message, namespace="transcript"):
        """Everything is laid out, after much of it was not."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = {kind: Look(Style.null(), Style.null(), Style.null()) for kind in Kind}
        self._mark_style = Style.null()
        self._width = MAX_WIDTH
        self._stack = Stack(self._looks, self._width)
        self._strips: LRUCache[Row, Strip] = LRUCache(MAX_STRIPS)
        self._is_following = True
        self._is_raw = False
        self._n_rows_seen = 0
        self._marked: Block | None = None
        self._settling: Timer | None = None

    @property
    def is_following(self) -> bool:
        """Whether what is added scrolls into view."""
        return self._is_following

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, oldest first."""
        return self._stack.blocks

    def add(self, kind: Kind, text: str = "", title: str = "") -> Block:
        """Begin a new block, folded if it has a title."""
        self._show_from(self._stack.add(kind, Passage(text), title))
        return self.blocks[-1]

    def extend(self, parts: Iterable[Part]) -> None:
        """Add many blocks at once. Only those that come into view are laid out now, the others bit by bit."""
        first_row = self._stack.n_rows
        for kind, passage, title in parts:
            self._stack.add(kind, passage, title)
        self._show_from(first_row)

    def fold(self, block: Block, *, title: str | None = None, is_folded: bool = True) -> None:
        """Fold a block to its title, or unfold it. It may get another title."""
        self.screen.clear_selection()
        top, rows = self.scroll_offset.y, self._stack.rows_of(block)
        self._stack.change(block, title=title, is_folded=is_folded)
        n_more = self._measure(is_new=False)
        self._show_from(rows.start)
        self.refresh()
        if not self._is_following and rows.start < top:  # the rest of what is in view stays where it is
            self._go_to(top + n_more if rows.stop <= top else rows.start)

    def mark(self, block: Block | None) -> None:
        """Mark a block as the current one."""
        self._marked = block
        self.refresh()

    def append(self, passage: Passage) -> None:
        """Add text to the last block."""
        self._show_from(self._stack.append(passage))

    def clear(self) -> None:
        """Forget all blocks."""
        self.cut(0)

    def cut(self, n_blocks: int) -> None:
        """Forget all blocks but the first ones, and go to the end."""
        self._stack.cut(n_blocks)
        self._marked = self._marked if self._marked in self.blocks else None
        self.screen.clear_selection()
        self._follow(is_following=True)
        self._show_from(0)
        self.refresh()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._follow(is_following=True)
        self._settle()
        self._go_to(self.max_scroll_y)

    def show_markup(self, *, is_raw: bool) -> None:
        """Show markup as it was written, or rendered."""
        self._is_raw = is_raw
        self._lay_out()

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
        self.vertical_scrollbar.position = new_value  # Textual forgets it while the bar is about to be shown
        self._follow(is_following=round(new_value) >= self.max_scroll_y)
        self._settle()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        y += self.scroll_offset.y
        width = self.size.width
        if y >= self._stack.n_rows:
            return Strip.blank(width, self._looks[Kind.ANSWER].text)
        row = self._stack.row(y)
        selection = self.text_selection
        strip = self._strip(row) if selection is None else self._highlighted(row, selection.get_span(y))
        if self._marked is not None and self._marked is self._stack.block_at(y):
            strip = Strip.join([Strip([Segment(" ", self._mark_style)]), strip.crop(1)])
        return strip.crop_extend(0, width, row.look.text).apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """The selected text and what ends it."""
        return self._stack.text(selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - Textual's signature
        """Paint the selection."""
        self.refresh()

    def _read_looks(self) -> None:
        style = self.get_component_rich_style
        inks = {ink: style(ink.value) for ink in Ink}
        looks = {kind: Look.of(map(style, kind.classes), inks) for kind in Kind}
        self._mark_style = style(MARK)
        if looks != self._looks:
            self._looks = looks
            self._lay_out()

    def _lay_out(self) -> None:
        """Make all rows anew, and show the same text at the top as before."""
        stack, top = self._stack, self.scroll_offset.y
        place = None if self._is_following or top >= stack.n_rows else stack.place(top)
        stack.lay_out(self._looks, self._width, is_raw=self._is_raw)
        self._measure(is_new=False)
        self._show_from(0)
        self.refresh()  # what was below the last row is stale where there are fewer rows now
        if place is not None:
            self._go_to(stack.row_of(place))

    def _show_from(self, first_row: int) -> None:
        """Paint from `first_row` on, and follow the end if the reader is there."""
        self._measure(is_new=True)
        self.refresh_lines(first_row, self._stack.n_rows - first_row)
        if self._is_following:
            self.follow()
        else:
            self._settle()
            self._tell_moved()

    def _measure(self, *, is_new: bool) -> int:
        """Take in how many rows there are now; return how many more than before. If these are not new, but only laid
        out in another way, the reader has as much to see as before.
        """
        n_more = self._stack.n_rows - self.virtual_size.height
        if n_more:
            self.virtual_size = Size(self.size.width, self._stack.n_rows)
        if not is_new:
            self._n_rows_seen += n_more
        return n_more

    # Laying out what comes into view, and then the rest

    def _settle(self) -> None:
        """Lay out the blocks that are in view."""
        height = self.size.height
        if self._is_following:
            while self._stack.settle(self._stack.n_rows - height, self._stack.n_rows) is not None:
                self._take_moved(0)
        else:
            top = self.scroll_offset.y
            n_moved = self._stack.settle(top, top + height)
            if n_moved is not None:
                self._take_moved(n_moved)
        if self._settling is None and not self._stack.is_settled:
            self._settling = self.set_timer(SETTLE_S, self._settle_some)

    def _settle_some(self) -> None:
        """Lay out some of the blocks that are not in view, so that the heights are true before one scrolls there."""
        self._settling = None
        if self.text_selection is not None:  # it knows its rows by their numbers
            return
        began, n_moved = time.thread_time(), 0
        top = self._stack.n_rows if self._is_following else self.scroll_offset.y
        while time.thread_time() - began < SETTLE_S:
            n = self._stack.settle_one(top + n_moved)
            if n is None:
                break
            n_moved += n
        self._take_moved(n_moved)
        self._settle()
        if self._stack.is_settled:
            self.post_message(self.Settled())

    def _take_moved(self, n_rows: int) -> None:
        """Show the same text as before at the top, which moved by `n_rows`."""
        self._measure(is_new=False)
        self.refresh()
        if self._is_following:
            self._go_to(self.max_scroll_y)
        elif n_rows:
            self._go_to(self.scroll_offset.y + n_rows)

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
