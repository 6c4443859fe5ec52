"""The widget that shows a conversation, and what one can do with it: move, copy, fold, open a source."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from poly_tui.transcript.block import Block
from poly_tui.transcript.fences import fences
from poly_tui.transcript.look import Kind
from poly_tui.transcript.view import StackView

__all__ = ["Transcript"]


class Transcript(StackView):
    """One may move from block to block; what is done to a block is done to the current one, or else to the last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "line(1)", "down", id="transcript.down", show=False),
        Binding("k,up", "line(-1)", "up", id="transcript.up", show=False),
        Binding("pagedown", "page(1)", "page down", id="transcript.page_down", show=False),
        Binding("pageup", "page(-1)", "page up", id="transcript.page_up", show=False),
        Binding("left_curly_bracket", "message(-1)", "message", id="transcript.previous", key_display="{ }"),
        Binding("right_curly_bracket", "message(1)", "next message", id="transcript.next", show=False),
        Binding("y", "copy", "copy", id="transcript.copy"),
        Binding("Y", "copy_fence", "copy code", id="transcript.copy_fence"),
        Binding("space", "fold", "fold", id="transcript.fold"),
        Binding("m", "raw", "markup", id="transcript.raw"),
        Binding("g,home", "top", "top", id="transcript.top", key_display="g"),
        Binding("G,end", "end", "end", id="transcript.end", key_display="G"),
        *(
            Binding(str(number), f"cite({number})", f"source {number}", id=f"transcript.cite_{number}", show=False)
            for number in range(1, 10)
        ),
    ]

    @dataclass
    class CitationOpened(Message):
        """The reader wants to see source `number` of those that `block` goes by."""

        number: int
        block: Block

    def __init__(self) -> None:
        super().__init__()
        self._copied_fence: tuple[Block | None, int] = None, -1

    @property
    def current(self) -> Block | None:
        """The block that the reader moved to."""
        return self._marked

    def add(self, kind: Kind, text: str = "", title: str = "") -> Block:
        """Begin a new block, folded if it has a title. With a new prompt the reader is at the end again."""
        if kind is Kind.PROMPT:
            self.mark(None)
        return super().add(kind, text, title)

    def move_to(self, block: Block) -> None:
        """Let a block be the current one, and show it."""
        self.mark(block)
        self._bring_into_view(block)

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
        self.mark(None)
        self.follow()

    def action_message(self, n: int) -> None:
        """Move to the next message or, where `n` is -1, to the one before."""
        messages = [block for block in self.blocks if block.kind.is_message]
        if self._marked in messages:
            index = messages.index(self._marked) + n
        else:
            rows = range(self.scroll_offset.y, self.scroll_offset.y + self.size.height)
            seen = [i for i, block in enumerate(messages) if self._stack.rows_of(block).start in rows]
            index = (seen or [len(messages) - 1])[0 if n > 0 else -1]
        if 0 <= index < len(messages):
            self.move_to(messages[index])

    def action_copy(self) -> None:
        """Copy the current block, or else the last answer, or else the last block, as it was written."""
        block = self._marked or self._last(Kind.ANSWER) or next(iter(self.blocks[-1:]), None)
        if block is not None:
            self.app.copy_to_clipboard(block.text)

    def action_copy_fence(self) -> None:
        """Copy the first fence of the current block or the last answer; pressed again, the next one."""
        block = self._marked or self._last(Kind.ANSWER)
        texts = fences(block.text) if block else []
        if texts:
            last_block, last = self._copied_fence
            index = (last + 1) % len(texts) if last_block is block else 0
            self._copied_fence = block, index
            self.app.copy_to_clipboard(texts[index])

    def action_fold(self) -> None:
        """Unfold the current block, or the last one that can be, or fold it."""
        can_fold = [block for block in self.blocks if block.title]
        block = self._marked if self._marked in can_fold else can_fold[-1] if can_fold else None
        if block is not None:
            self.fold(block, is_folded=not block.is_folded)

    def action_raw(self) -> None:
        """Show markup as it was written, or rendered."""
        self.show_markup(is_raw=not self._is_raw)

    def action_cite(self, number: int) -> None:
        """Open a source of the current block, or else of the last answer."""
        block = self._marked or self._last(Kind.ANSWER)
        if block is not None:
            self.post_message(self.CitationOpened(number, block))

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
            self.fold(block, is_folded=not block.is_folded)

    def _bring_into_view(self, block: Block) -> None:
        rows, top, height = self._stack.rows_of(block), self.scroll_offset.y, self.size.height
        if rows.start < top or len(rows) >= height:
            self._go_to(rows.start)
        elif rows.stop > top + height:
            self._go_to(rows.stop - height)

    def _last(self, kind: Kind) -> Block | None:
        return next((block for block in reversed(self.blocks) if block.kind is kind), None)
