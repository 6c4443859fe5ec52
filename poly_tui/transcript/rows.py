"""Rows of a block, and the renderers that make them while the text grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from poly_tui.transcript.clean import drawable
from poly_tui.transcript.ink import Brush, Ink, Inked
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.wrap import row_starts

__all__ = ["INDENT", "InkedRow", "PlainRow", "PlainRows", "Renderer", "Row", "RuleRows"]

INDENT = 3
"""Cells, and characters, that stand before the text of every row: a margin, the sign of the block, a space."""


class Row(Protocol):
    """One row on the screen."""

    @property
    def text(self) -> str:
        """What the row says, without its margin."""

    @property
    def look(self) -> Look:
        """The styles of its block."""

    @property
    def ends_line(self) -> bool:
        """False where the line was wrapped, so that copying can mend it."""

    @property
    def n_lead(self) -> int:
        """So many characters at its beginning are not copied, because wrapping put them there."""

    def strip(self) -> Strip:
        """What is painted. A strip is a heavy thing, so it is made for the rows that are seen."""


@dataclass(frozen=True, slots=True, eq=False)
class PlainRow:
    """A row of text as it was written."""

    sign: str
    passage: Passage
    look: Look
    ends_line: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return self.passage.text

    @property
    def n_lead(self) -> int:
        """Nothing was put there."""
        return 0

    def strip(self) -> Strip:
        """The sign of the block, and the text."""
        look = self.look
        runs = [Segment(text, look.forced if is_forced else look.text) for text, is_forced in self.passage.runs()]
        return Strip([Segment(f" {self.sign} ", look.sign), *runs])


@dataclass(frozen=True, slots=True, eq=False)
class InkedRow:
    """A row of rendered text behind a `lead`: the signs of quotes, the marker of an item, or its margin. It is filled
    up to `fill` cells with the background of code.
    """

    sign: str
    lead: str
    inked: Inked
    look: Look
    ends_line: bool = False
    is_continued: bool = False
    fill: int = 0

    @property
    def text(self) -> str:
        """The lead and the text."""
        return self.lead + self.inked.text

    @property
    def n_lead(self) -> int:
        """The lead, if it only repeats that of the row above."""
        return len(self.lead) if self.is_continued else 0

    def strip(self) -> Strip:
        """The sign of the block, the lead, the text."""
        style = self.look.style
        segments = [Segment(f" {self.sign} ", self.look.sign)]
        if self.lead:
            segments.append(Segment(self.lead, style(Brush(Ink.MARKER))))
        segments += [Segment(text, style(brush)) for text, brush in self.inked.runs()]
        n_missing = self.fill - cell_len(self.text)
        if n_missing > 0:
            segments.append(Segment(" " * n_missing, style(Brush(Ink.FENCE))))
        return Strip(segments)


class Renderer(Protocol):
    """Makes the rows of one block at one width. Another kind of text gets another renderer."""

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of what was appended so far; at least one."""

    def append(self, passage: Passage) -> int:
        """Add cleaned text; return the index of the first row that changed."""


class PlainRows:
    """Wraps plain text. Only the last row is open, so appending costs the same however long the text is."""

    def __init__(self, kind: Kind, look: Look, width: int) -> None:
        self._kind = kind
        self._look = look
        self._width = max(2, width - INDENT)  # a wide character must fit
        self._rows: list[PlainRow] = []
        self._push(Passage())

    @property
    def rows(self) -> Sequence[Row]:
        """The rows so far; at least one, which may be empty."""
        return self._rows

    def append(self, passage: Passage) -> int:
        """Add cleaned text; return the index of the first row that changed."""
        first_changed = len(self._rows) - 1
        line, *more = passage.map(drawable).lines()
        self._extend_line(line)
        for line in more:
            self._push(self._rows.pop().passage, ends_line=True)
            self._push(Passage())
            self._extend_line(line)
        return first_changed

    def _extend_line(self, passage: Passage) -> None:
        line = self._rows.pop().passage + passage
        starts = row_starts(line.text, self._width)
        for start, end in zip(starts, [*starts[1:], len(line)], strict=True):
            self._push(line[start:end])

    def _push(self, passage: Passage, *, ends_line: bool = False) -> None:
        sign = " " if self._rows else self._kind.sign
        self._rows.append(PlainRow(sign, passage, self._look, ends_line))


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
        return (PlainRow(self._kind.sign, Passage(ruled), self._look),)

    def append(self, passage: Passage) -> int:
        """Add cleaned text; newlines become spaces."""
        self._text += drawable(passage.text).replace("\n", " ")
        return 0
