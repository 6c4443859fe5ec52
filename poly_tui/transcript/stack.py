"""The blocks of a transcript one below the other: which row belongs to whom, and what a stretch of rows says."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from textual.selection import Selection

from poly_tui.transcript.block import Block
from poly_tui.transcript.clean import clean
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT, PlainRow, Row

__all__ = ["Place", "Stack"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the text that survives another width: a block, and the characters of it that lie above."""

    block: int
    n_characters: int


class Stack:
    """Blocks, and the row at which each of them begins. Only the last block may grow.

    Where blocks are not laid out yet, their heights are guesses, which settling makes true.
    """

    def __init__(self, looks: Mapping[Kind, Look], width: int) -> None:
        self._blocks: list[Block] = []
        self._starts: list[int] = []  # the gap before a block is its first row
        self.lay_out(looks, width)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, oldest first."""
        return tuple(self._blocks)

    @property
    def n_rows(self) -> int:
        """Rows of all blocks and of the gaps between them."""
        return self._starts[-1] + self._height(len(self._blocks) - 1) if self._blocks else 0

    @property
    def is_settled(self) -> bool:
        """Whether all blocks are laid out."""
        return all(block.is_laid_out for block in self._blocks)

    def add(self, kind: Kind, passage: Passage, title: str = "") -> int:
        """Begin a block, folded if it has a title; return its first row."""
        start = self.n_rows
        block = Block(kind, self._looks[kind], self._width, passage, title)
        block.lay_out(self._looks[kind], self._width, is_raw=self._is_raw)
        self._blocks.append(block)
        self._starts.append(start)
        return start

    def append(self, passage: Passage) -> int:
        """Add text to the last block; return the first row that changed."""
        index = len(self._blocks) - 1
        return self._starts[index] + self._gap(index) + self._blocks[index].append(passage)

    def clear(self) -> None:
        """Forget all blocks."""
        self.cut(0)

    def cut(self, n_blocks: int) -> None:
        """Forget all blocks but the first ones."""
        del self._blocks[n_blocks:]
        del self._starts[n_blocks:]

    def lay_out(self, looks: Mapping[Kind, Look], width: int, *, is_raw: bool = False) -> None:
        """Make all rows anew, for another theme or width, or with markup as it was written."""
        self._looks, self._width, self._is_raw = looks, width, is_raw
        self._gap_row = PlainRow(" ", Passage(), looks[Kind.ANSWER], ends_line=True)
        for block in self._blocks:
            block.lay_out(looks[block.kind], width, is_raw=is_raw)
        self._restack(0)

    def change(self, block: Block, *, title: str | None, is_folded: bool) -> None:
        """Fold or unfold a block; it may get another title."""
        if title is not None:
            block.title = clean(title)
        block.is_folded = is_folded and bool(block.title)
        self._restack(self._blocks.index(block))

    def settle(self, first: int, end: int) -> int | None:
        """Lay out the blocks that have rows in [first:end]; return by how many rows the text at `first` moved, None if
        they were all laid out.
        """
        moved: int | None = None
        while stale := self._stale(first + (moved or 0), end + (moved or 0)):
            moved = (moved or 0) + self._settle(stale[-1], first + (moved or 0))
        return moved

    def settle_one(self, top: int) -> int | None:
        """Lay out the last block that was not; return by how many rows the text at row `top` moved, None if there is
        no such block.
        """
        index = next((i for i in reversed(range(len(self._blocks))) if not self._blocks[i].is_laid_out), None)
        return None if index is None else self._settle(index, top)

    def row(self, y: int) -> Row:
        """Row number `y`, empty if its block is not laid out."""
        index, offset = self._locate(y)
        block = self._blocks[index]
        return block.row(offset) if offset >= 0 and block.is_laid_out else self._gap_row

    def block_at(self, y: int) -> Block | None:
        """The block that row `y` belongs to, None for the gap before it."""
        if not 0 <= y < self.n_rows:
            return None
        index, offset = self._locate(y)
        return self._blocks[index] if offset >= 0 else None

    def rows_of(self, block: Block) -> range:
        """The rows of a block."""
        index = self._blocks.index(block)
        first = self._starts[index] + self._gap(index)
        return range(first, first + block.n_rows)

    def place(self, y: int) -> Place:
        """The place in the text where row `y` begins."""
        index, offset = self._locate(y)
        return Place(index, sum(len(row.text) for row in self._blocks[index].rows[: max(0, offset)]))

    def row_of(self, place: Place) -> int:
        """The row that shows `place`."""
        self._settle(place.block, 0)
        above = 0
        first = self._starts[place.block] + self._gap(place.block)
        for offset, row in enumerate(self._blocks[place.block].rows):
            above += len(row.text)
            if above > place.n_characters:
                return first + offset
        return first

    def text(self, selection: Selection) -> str:
        """The selected text, without the breaks and margins that wrapping put in."""
        if selection.start is None or selection.end is None:
            while self.settle_one(0) is not None:
                pass
        last = self.n_rows - 1
        first = selection.start.y if selection.start else 0
        parts: list[str] = []
        for y in range(first, min(selection.end.y if selection.end else last, last) + 1):
            row = self.row(y)
            start, end = selected_span(row, selection.get_span(y) or (0, 0))
            start = max(start, row.n_lead)
            parts += (row.text[start:end], "\n" if row.ends_line or self._ends_block(y) else "")
        return "".join(parts).removesuffix("\n")

    def _gap(self, index: int) -> int:
        return int(index > 0 and self._blocks[index].kind.has_gap)

    def _height(self, index: int) -> int:
        return self._gap(index) + self._blocks[index].n_rows

    def _settle(self, index: int, top: int) -> int:
        """Lay out a block; return by how many rows that moves the text at `top`."""
        before = self._height(index)
        self._blocks[index].settle()
        n_more = self._height(index) - before
        self._starts[index + 1 :] = [start + n_more for start in self._starts[index + 1 :]]
        return n_more if self._starts[index] < top else 0

    def _stale(self, first: int, end: int) -> list[int]:
        """The blocks with rows in [first:end] that are not laid out."""
        begin = max(0, bisect_right(self._starts, first) - 1)
        indices = range(begin, bisect_left(self._starts, end))
        return [index for index in indices if not self._blocks[index].is_laid_out]

    def _restack(self, index: int) -> None:
        """Find out where the blocks from `index` on begin."""
        start = self._starts[index] if self._starts else 0
        for later in range(index, len(self._blocks)):
            self._starts[later] = start
            start += self._height(later)

    def _ends_block(self, y: int) -> bool:
        index, offset = self._locate(y)
        return offset == self._blocks[index].n_rows - 1

    def _locate(self, y: int) -> tuple[int, int]:
        """The block that row `y` belongs to, and the row in it; -1 is the gap before it."""
        index = bisect_right(self._starts, y) - 1
        return index, y - self._starts[index] - self._gap(index)


def selected_span(row: Row, span: tuple[int, int]) -> tuple[int, int]:
    """Return which characters of the text of `row` lie in a span of its screen columns; -1 is the end."""
    start, end = span
    return max(0, start - INDENT), len(row.text) if end < 0 else max(0, end - INDENT)
