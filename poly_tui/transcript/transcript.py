"""The widget that shows a conversation: one scroll view over cached rows, which follows the end while one reads it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from poly_tui.transcript.block import Block
from poly_tui.transcript.fences import fences
from poly_tui.transcript.ink import Ink
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT, Row
from poly_tui.transcript.stack import Stack, selected_span

__all__ = ["Transcript"]

MAX_WIDTH = 100 + INDENT
"""Longer rows are hard to read, however wide the terminal is."""

MAX_STRIPS = 128
"""A few screens of them. More would only make the garbage collector hold up the stream (100 ms at 2,000 rows)."""


SETTLE_S = 0.005
"""Blocks that nobody looks at yet are laid out for so long at a time, and then the loop is free for as long."""

CURSOR = "transcript--cursor"


class Transcript(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows blocks of untrusted text one below the other; the last one may grow. Answers are shown as markdown.

    It follows the end as long as the reader is there. Nothing in a text is taken for markup of the terminal or of
    Textual. One may move from block to block; what is done to a block is done to the current one, or else to the last.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(name for kind in Kind for name in kind.classes),
        *(ink.value for ink in Ink),
        CURSOR,
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "line(1)", "down", id="transcript.down", show=False),
        Binding("k,up", "line(-1)", "up", id="transcript.up", show=False),
        Binding("pagedown", "page(1)", "page down", id="transcript.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id="transcript.page_up", show=False),
        Binding("y", "copy", "copy", id="transcript.copy"),
        Binding("Y", "copy_fence", "copy code", id="transcript.copy_fence"),
        Binding("space", "fold", "fold", id="transcript.fold"),
        Binding("left_curly_bracket", "message(-1)", "message", id="transcript.previous", key_display="{ }"),
        Binding("right_curly_bracket", "message(1)", "next message", id="transcript.next", show=False),
        Binding("m", "raw", "markup", id="transcript.raw"),
        Binding("g,home", "top", "top", id="transcript.top", key_display="g"),
        Binding("G,end", "end", "end", id="transcript.end", key_display="G"),
        *(
            Binding(str(number), f"cite({number})", f"source {number}", id=f"transcript.cite_{number}", show=False)
            for number in range(1, 10)
        ),
    ]

    @dataclass
    class Moved(Message):
        """The reader left the end or came back to it, or `n_new` rows were added below while away."""

        is_following: bool
        n_new: int

    @dataclass
    class Copied(Message):
        """Text went to the clipboard: an answer, or a fence of it."""

        text: str

    @dataclass
    class CitationOpened(Message):
        """The reader wants to see source `number` of those that `block` goes by."""

        number: int
        block: Block

    def __init__(self) -> None:
        super().__init__()
        self._looks = {kind: Look(Style.null(), Style.null(), Style.null()) for kind in Kind}
        self._cursor_style = Style.null()
        self._width = MAX_WIDTH
        self._stack = Stack(self._looks, self._width)
        self._strips: LRUCache[Row, Strip] = LRUCache(MAX_STRIPS)
        self._is_following = True
        self._n_rows_seen = 0
        self._is_raw = False
        self._current: Block | None = None
        self._n_fences_copied: tuple[Block | None, int] = (None, 0)
        self._settling: Timer | None = None

    @property
    def is_following(self) -> bool:
        """Whether what is added scrolls into view."""
        return self._is_following

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, oldest first."""
        return self._stack.blocks

    @property
    def current(self) -> Block | None:
        """The block that the reader moved to."""
        return self._current

    def add(self, kind: Kind, text: str = "", title: str = "") -> Block:
        """Begin a new block, folded if it has a title."""
        self._show_from(self._stack.add(kind, text, title))
        return self.blocks[-1]

    def extend(self, parts: Iterable[tuple[Kind, str]]) -> None:
        """Add many blocks at once. Only those that come into view are laid out now, the others bit by bit."""
        first_row = self._stack.n_rows
        for kind, text in parts:
            self._stack.add(kind, text)
        self._show_from(first_row)

    def fold(self, block: Block, title: str) -> None:
        """Give a block a title, and fold it to that."""
        self._change(block, title=title, is_folded=True)

    def append(self, passage: Passage) -> None:
        """Add text to the last block."""
        self._show_from(self._stack.append(passage))

    def clear(self) -> None:
        """Forget all blocks."""
        self._stack.clear()
        self._current = None
        self.screen.clear_selection()
        self._follow(is_following=True)
        self._show_from(0)
        self.refresh()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._follow(is_following=True)
        self._settle()
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

    def action_message(self, n: int) -> None:
        """Move to the next message or, where `n` is -1, to the one before."""
        messages = [block for block in self.blocks if block.kind.is_message]
        if self._current in messages:
            index = messages.index(self._current) + n
        else:
            rows = range(self.scroll_offset.y, self.scroll_offset.y + self.size.height)
            seen = [i for i, block in enumerate(messages) if self._stack.rows_of(block).start in rows]
            index = (seen or [len(messages) - 1])[0 if n > 0 else -1]
        if 0 <= index < len(messages):
            self._current = messages[index]
            self._bring_into_view(messages[index])
            self.refresh()

    def action_copy(self) -> None:
        """Copy the current block, or else the last answer, or else the last block, as it was written."""
        block = self._current or self._last(Kind.ANSWER) or next(iter(self.blocks[-1:]), None)
        if block is not None:
            self._copy(block.text)

    def action_copy_fence(self) -> None:
        """Copy the first fence of the current block or the last answer; pressed again, the next one."""
        block = self._current or self._last(Kind.ANSWER)
        texts = fences(block.text) if block else []
        if texts:
            last_block, n_copied = self._n_fences_copied
            n_copied = n_copied % len(texts) if last_block is block else 0
            self._n_fences_copied = block, n_copied + 1
            self._copy(texts[n_copied])

    def action_fold(self) -> None:
        """Unfold the current block, or the last one that can be, or fold it."""
        can_fold = [block for block in self.blocks if block.title]
        block = self._current if self._current in can_fold else can_fold[-1] if can_fold else None
        if block is not None:
            self._change(block, is_folded=not block.is_folded)

    def action_raw(self) -> None:
        """Show markup as it was written, or rendered."""
        self._is_raw = not self._is_raw
        self._lay_out()

    def action_cite(self, number: int) -> None:
        """Open a source of the current block, or else of the last answer."""
        block = self._current or self._last(Kind.ANSWER)
        if block is not None:
            self.post_message(self.CitationOpened(number, block))

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
        self._settle()

    def on_click(self, event: events.Click) -> None:
        """Open a citation, or fold and unfold by the title."""
        offset = event.get_content_offset(self)
        block = self._stack.block_at(offset.y + self.scroll_offset.y) if offset is not None else None
        if offset is None or block is None or self.text_selection is not None:
            return
        number = event.style.meta.get("citation")
        if number is not None:
            self.post_message(self.CitationOpened(number, block))
        elif block.title and self._stack.rows_of(block).start == offset.y + self.scroll_offset.y:
            self._change(block, is_folded=not block.is_folded)

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        y += self.scroll_offset.y
        width = self.size.width
        if y >= self._stack.n_rows:
            return Strip.blank(width, self._looks[Kind.ANSWER].text)
        row = self._stack.row(y)
        selection = self.text_selection
        strip = self._strip(row) if selection is None else self._highlighted(row, selection.get_span(y))
        if self._current is not None and self._current is self._stack.block_at(y):
            strip = Strip.join([Strip([Segment(" ", self._cursor_style)]), strip.crop(1)])
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
        self._cursor_style = style(CURSOR)
        if looks != self._looks:
            self._looks = looks
            self._lay_out()

    def _lay_out(self) -> None:
        """Make all rows anew, and show the same text at the top as before."""
        stack, top = self._stack, self.scroll_offset.y
        place = None if self._is_following or top >= stack.n_rows else stack.place(top)
        stack.lay_out(self._looks, self._width, is_raw=self._is_raw)
        self._show_from(0)
        self.refresh()  # what was below the last row is stale where there are fewer rows now
        if place is not None:
            self._go_to(stack.row_of(place))

    def _show_from(self, first_row: int) -> None:
        """Paint from `first_row` on, and follow the end if the reader is there."""
        self._measure()
        self.refresh_lines(first_row, self._stack.n_rows - first_row)
        if self._is_following:
            self.follow()
        else:
            self._settle()
            self._tell_moved()

    def _measure(self) -> None:
        if self._stack.n_rows != self.virtual_size.height:
            self.virtual_size = Size(self.size.width, self._stack.n_rows)

    def _change(self, block: Block, *, title: str | None = None, is_folded: bool | None = None) -> None:
        """Give a block another title, fold or unfold it."""
        self.screen.clear_selection()
        self._show_from(self._stack.change(block, title=title, is_folded=is_folded))
        self.refresh()

    def _bring_into_view(self, block: Block) -> None:
        rows, top, height = self._stack.rows_of(block), self.scroll_offset.y, self.size.height
        if rows.start < top or len(rows) >= height:
            self._go_to(rows.start)
        elif rows.stop > top + height:
            self._go_to(rows.stop - height)

    def _last(self, kind: Kind) -> Block | None:
        return next((block for block in reversed(self.blocks) if block.kind is kind), None)

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.post_message(self.Copied(text))

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
        if self._settling is None and not all(block.is_laid_out for block in self.blocks):
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

    def _take_moved(self, n_rows: int) -> None:
        """Show the same text as before at the top, which moved by `n_rows`."""
        self._measure()
        self.refresh()
        if self._is_following:
            self._go_to(self.max_scroll_y)
        elif n_rows:
            self._n_rows_seen += n_rows
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
