"""Lays out markdown in rows while it grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from poly_tui.transcript.document import Document
from poly_tui.transcript.ink import Brush, Ink, Inked
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.pieces import Cells, Grid, Lead, Lines, Piece, Rule
from poly_tui.transcript.rows import INDENT, InkedRow, Row
from poly_tui.transcript.table import Layout, column_widths, n_decisive, table_lines, wrapped

__all__ = ["MarkdownRows"]

MIN_WIDTH = 8
"""Cells that are left for text, however deep the lists are that it stands in."""

RULE = "─"


@dataclass(slots=True)
class _LaidGrid:
    """The last closed table: where it begins, how many rows of it are laid out and in which columns."""

    grid: Grid
    first_row: int
    n_laid: int = 0
    n_decisive: int = -1
    layout: Layout | None = None


class MarkdownRows:
    """The rows of a document at one width. The rows of closed pieces are kept, those of the open end are made anew."""

    def __init__(self, document: Document, kind: Kind, look: Look, width: int) -> None:
        self._document = document
        self._kind = kind
        self._look = look
        self._width = max(2, width - INDENT)
        self._rows: list[Row] = []
        self._n_closed_rows = 0
        self._n_closed_pieces = 0
        self._joined: Row | None = None  # the last closed row, while the open end goes on in it
        self._table: _LaidGrid | None = None
        self._lay_out()

    @property
    def rows(self) -> Sequence[Row]:
        """The rows so far; at least one, which may be empty."""
        return self._rows

    def append(self, passage: Passage) -> int:
        """Add cleaned text; return the index of the first row that changed."""
        self._document.feed(passage.text)
        return self._lay_out()

    def _lay_out(self) -> int:
        """Lay out what is new; return the index of the first row that changed."""
        first_changed = min(self._take_off_open_end(), self._lay_more_of_table())
        closed = self._document.closed
        for index in range(self._n_closed_pieces, len(closed)):
            self._lay(closed[index])
        self._n_closed_pieces, self._n_closed_rows = len(closed), len(self._rows)
        for piece in self._document.open():
            self._lay(piece, is_open=True)
        if not self._rows:
            self._push(Lead(), Inked(), is_first=True, is_last=True)
        return first_changed

    def _take_off_open_end(self) -> int:
        del self._rows[self._n_closed_rows :]
        if self._joined is not None:
            self._rows[-1] = self._joined
            self._joined = None
        return max(0, self._n_closed_rows - 1)

    def _lay(self, piece: Piece, *, is_open: bool = False) -> None:
        if piece.has_gap and self._rows:
            self._push_gap(piece.lead)
        match piece:
            case Lines():
                self._lay_lines(piece, is_open=is_open)
            case Rule():
                rule = RULE * self._room(piece.lead)
                self._lay_line(piece.lead, Inked.of(rule, Brush(Ink.MARKER)), is_first=True)
            case Grid():
                self._lay_grid(piece, is_open=is_open)

    def _lay_lines(self, piece: Lines, *, is_open: bool) -> None:
        lines, lead = list(piece.lines), piece.lead
        is_first = True
        if piece.joint is not None and self._rows:
            last = self._rows.pop()
            assert isinstance(last, InkedRow)
            if is_open and len(self._rows) < self._n_closed_rows:
                self._joined = last
            lines[0] = Inked.join([last.inked, Inked.of(piece.joint), lines[0]])
            lead, is_first = Lead(last.lead, lead.rest), not last.is_continued
        for line in lines:
            self._lay_line(lead, line, is_first=is_first, is_code=piece.is_code)
            lead, is_first = Lead(piece.lead.rest, piece.lead.rest), True

    def _lay_line(self, lead: Lead, line: Inked, *, is_first: bool, is_code: bool = False) -> None:
        """Wrap a line. Its first row goes on in the line of the row above unless it `is_first`."""
        room = self._room(lead)
        rows = list(wrapped(line, room))
        for index, row in enumerate(rows):
            self._push(lead, row, is_first=is_first and not index, is_last=index == len(rows) - 1, is_code=is_code)
            lead = Lead(lead.rest, lead.rest)

    def _push_gap(self, lead: Lead) -> None:
        """An empty row, which inside a quote bears its signs."""
        above = self._rows[-1]
        before = above.lead if isinstance(above, InkedRow) else ""
        shared = takewhile(lambda pair: pair[0] == pair[1], zip(lead.rest, before, strict=False))
        signs = lead.rest[: len(list(shared))].rstrip()
        self._push(Lead(signs, signs), Inked(), is_first=True, is_last=True)

    def _room(self, lead: Lead) -> int:
        """Cells for text behind a lead."""
        return max(min(MIN_WIDTH, self._width), self._width - len(lead.rest))

    def _push(self, lead: Lead, row: Inked, *, is_first: bool, is_last: bool, is_code: bool = False) -> None:
        sign = " " if self._rows else self._kind.sign
        fill = self._width if is_code else 0
        first = lead.first[: self._width - self._room(lead)]
        self._rows.append(InkedRow(sign, first, row, self._look, is_last, not is_first, fill))

    # Tables

    def _lay_grid(self, grid: Grid, *, is_open: bool) -> None:
        if grid.goes_on and self._table is not None:
            self._lay_table_rows(self._table, grid.table.rows)
            return
        laid = _LaidGrid(grid, len(self._rows))
        self._set_columns(laid)
        self._lay_table_rows(laid, grid.table.rows)
        laid.n_laid = len(grid.table.rows)
        if not is_open:
            self._table = laid

    def _lay_more_of_table(self) -> int:
        """Lay out the rows that were added to the last closed table, or all of it if its columns change; return the
        index of the first row that changed.
        """
        laid = self._table
        n_rows = len(self._rows)
        if laid is None or laid.n_laid == len(laid.grid.table.rows):
            return n_rows
        before = laid.layout
        self._set_columns(laid)
        if laid.layout != before:
            n_rows = laid.first_row
            del self._rows[n_rows:]
            laid.n_laid = 0
        self._lay_table_rows(laid, laid.grid.table.rows[laid.n_laid :])
        laid.n_laid = len(laid.grid.table.rows)
        return n_rows

    def _set_columns(self, laid: _LaidGrid) -> None:
        rows = laid.grid.table.rows
        n = n_decisive(len(rows) - 1)
        if n != laid.n_decisive:
            laid.n_decisive = n
            laid.layout = column_widths(rows[: 1 + n], self._room(laid.grid.lead))

    def _lay_table_rows(self, laid: _LaidGrid, rows: Sequence[Cells]) -> None:
        lead = laid.grid.lead
        for mark, line in table_lines(laid.grid.table, rows, laid.layout):
            self._lay_line(Lead(lead.first + mark, lead.rest + " " * len(mark)), line, is_first=True)
            lead = Lead(lead.rest, lead.rest)
