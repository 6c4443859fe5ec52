"""Rows of a block, and the renderers that make them while the text grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from poly_tui.transcript.clean import drawable
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.wrap import row_starts

__all__ = ["INDENT", "PlainRows", "Renderer", "Row", "RuleRows"]

INDENT = 3
"""Cells, and characters, that stand before the text of every row: a margin, the sign of the block, a space."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row on the screen. `ends_line` is False where the line was wrapped, so that copying can mend it."""

    sign: str
    text: str
    look: Look
    ends_line: bool = False

    def strip(self) -> Strip:
        """What is painted. A strip is a heavy thing, so it is made for the rows that are seen."""
        return Strip([Segment(f" {self.sign} ", self.look.sign), Segment(self.text, self.look.text)])


class Renderer(Protocol):
    """Makes the rows of one block at one width. Another kind of text gets another renderer."""

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of what was appended so far; at least one."""

    def append(self, text: str) -> int:
        """Add cleaned text; return the index of the first row that changed."""


class PlainRows:
    """Wraps plain text. Only the last row is open, so appending costs the same however long the text is."""

    def __init__(self, kind: Kind, look: Look, width: int) -> None:
        self._kind = kind
        self._look = look
        self._width = max(2, width - INDENT)  # a wide character must fit
        self._rows: list[Row] = []
        self._push("")

    @property
    def rows(self) -> Sequence[Row]:
        """The rows so far; at least one, which may be empty."""
        return self._rows

    def append(self, text: str) -> int:
        """Add cleaned text; return the index of the first row that changed."""
        first_changed = len(self._rows) - 1
        line, *more = drawable(text).split("\n")
        self._extend_line(line)
        for line in more:
            self._push(self._rows.pop().text, ends_line=True)
            self._push("")
            self._extend_line(line)
        return first_changed

    def _extend_line(self, text: str) -> None:
        line = self._rows.pop().text + text
        starts = row_starts(line, self._width)
        for start, end in zip(starts, [*starts[1:], len(line)], strict=True):
            self._push(line[start:end])

    def _push(self, text: str, *, ends_line: bool = False) -> None:
        sign = " " if self._rows else self._kind.sign
        self._rows.append(Row(sign, text, self._look, ends_line))


class RuleRows:
    """A single row that ends in a rule, and is cut where it is too long."""

    def __init__(self, kind: Kind, look: Look, width: int) -> None:
        self._kind = kind
        self._look = look
        self._width = max(2, width - INDENT)
        self._text = ""

    @property
    def rows(self) -> Sequence[Row]:
        """The row."""
        ruled = set_cell_size(f"{self._text} " + "─" * self._width, self._width)
        return (Row(self._kind.sign, ruled, self._look),)

    def append(self, text: str) -> int:
        """Add cleaned text; newlines become spaces."""
        self._text += drawable(text).replace("\n", " ")
        return 0
