"""The blocks of a transcript one below the other: which row belongs to whom, and what a stretch of rows says."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from textual.selection import Selection

from poly_tui.transcript.block import Block
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT, Row

__all__ = ["Place", "Stack"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the text that survives another width: a block, and the characters of it that lie above."""

    block: int
    n_characters: int


class Stack:
    """Blocks, and the row at which each of them begins. Only the last block may grow."""

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

    def add(self, kind: Kind, text: str) -> int:
        """Begin a block; return its first row."""
        start = self.n_rows
        self._blocks.append(Block(kind, self._looks[kind], self._width, text))
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

    def rows_of(self, index: int) -> range:
        """The rows of a block, without the gap before it."""
        first = self._starts[index] + self._gap(index)
        return range(first, first + len(self._blocks[index].rows))

    def lay_out(self, looks: Mapping[Kind, Look], width: int) -> None:
        """Make all rows anew, for another theme or width."""
        self._looks, self._width = looks, width
        self._gap_row = Row(" ", Passage(), looks[Kind.ANSWER], ends_line=True)
        start = 0
        for index, block in enumerate(self._blocks):
            block.lay_out(looks[block.kind], width)
            self._starts[index] = start
            start += self._height(index)

    def row(self, y: int) -> Row:
        """Row number `y`."""
        index, offset = self._locate(y)
        return self._blocks[index].rows[offset] if offset >= 0 else self._gap_row

    def place(self, y: int) -> Place:
        """The place in the text where row `y` begins."""
        index, offset = self._locate(y)
        return Place(index, sum(len(row.text) for row in self._blocks[index].rows[: max(0, offset)]))

    def row_of(self, place: Place) -> int:
        """The row that shows `place`."""
        above = 0
        first = self._starts[place.block] + self._gap(place.block)
        for offset, row in enumerate(self._blocks[place.block].rows):
            above += len(row.text)
            if above > place.n_characters:
                return first + offset
        return first

    def text(self, selection: Selection) -> str:
        """The selected text, without the breaks and margins that wrapping put in."""
        last = self.n_rows - 1
        first = selection.start.y if selection.start else 0
        parts: list[str] = []
        for y in range(first, min(selection.end.y if selection.end else last, last) + 1):
            row = self.row(y)
            start, end = selected_span(row, selection.get_span(y) or (0, 0))
            parts += (row.text[start:end], "\n" if row.ends_line or self._ends_block(y) else "")
        return "".join(parts).removesuffix("\n")

    def _gap(self, index: int) -> int:
        return int(index > 0 and self._blocks[index].kind.has_gap)

    def _height(self, index: int) -> int:
        return self._gap(index) + len(self._blocks[index].rows)

    def _ends_block(self, y: int) -> bool:
        index, offset = self._locate(y)
        return offset == len(self._blocks[index].rows) - 1

    def _locate(self, y: int) -> tuple[int, int]:
        """The block that row `y` belongs to, and the row in it; -1 is the gap before it."""
        index = bisect_right(self._starts, y) - 1
        return index, y - self._starts[index] - self._gap(index)


def selected_span(row: Row, span: tuple[int, int]) -> tuple[int, int]:
    """Return which characters of the text of `row` lie in a span of its screen columns; -1 is the end."""
    start, end = span
    return max(0, start - INDENT), len(row.text) if end < 0 else max(0, end - INDENT)
