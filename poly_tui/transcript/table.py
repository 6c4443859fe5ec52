"""Tables in columns that fit a width."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat, zip_longest

from rich.cells import cell_len

from poly_tui.transcript.ink import Brush, Ink, Inked
from poly_tui.transcript.pieces import Cells, Table
from poly_tui.transcript.wrap import row_starts

__all__ = ["Layout", "column_widths", "n_decisive", "table_lines", "wrapped"]

GAP = 2
"""Cells between two columns. There are no lines between them, which would be copied along."""

MAX_WORD = 16
"""Cells. Words up to this are not broken in a column: where there is no room for them, each row is shown as a list of
names and values.
"""

N_FIRST_ROWS = 8

Layout = tuple[int, ...]
"""The widths of the columns."""


def n_decisive(n_rows: int) -> int:
    """Return how many of the rows that are there decide on the widths of the columns: all of up to 8, and then 8, 16,
    32 and so on. So no row is laid out more than once for every doubling of the table, which is twice on average.
    """
    if n_rows <= N_FIRST_ROWS:
        return n_rows
    return int(2 ** (n_rows.bit_length() - 1))


def column_widths(rows: Sequence[Sequence[Inked]], width: int) -> Layout | None:
    """Return the widths of columns that fit `width` together, or None if they would be too narrow to read."""
    columns = list(zip_longest(*rows, fillvalue=Inked()))
    wanted = [max(1, *(cell.n_cells for cell in column)) for column in columns]
    room = width - GAP * (len(columns) - 1)
    if sum(wanted) <= room:
        return tuple(wanted)
    needed = [max(_longest_word(cell) for cell in column) for column in columns]
    if sum(needed) > room:
        return None
    return tuple(_shared(needed, wanted, room))


def table_lines(table: Table, rows: Sequence[Cells], layout: Layout | None) -> Iterator[tuple[str, Inked]]:
    """Yield the lines of rows of a table: in columns, or each row as a list of names and values. Beside each stands
    what marks it as an item, or as a line of one.
    """
    for cells in rows:
        if layout is not None:
            yield from (("", line) for line in _row_lines(cells, table, layout))
        elif cells is not table.rows[0]:
            yield from zip(chain(["• "], repeat("  ")), _record_lines(table.rows[0], cells), strict=False)


def wrapped(line: Inked, width: int) -> Iterator[Inked]:
    """Yield the rows of a line; at least one."""
    starts = row_starts(line.text, width)
    for start, end in zip(starts, [*starts[1:], len(line)], strict=True):
        yield line[start:end]


def _row_lines(cells: Cells, table: Table, layout: Layout) -> Iterator[Inked]:
    """The header is underlined, as far as the columns are wide."""
    columns = [list(wrapped(cell, width)) for cell, width in zip(cells, layout, strict=False)]
    for line in zip_longest(*columns, fillvalue=Inked()):
        parts = [Inked.of(" " * GAP)] * (2 * len(line) - 1)
        parts[::2] = [_aligned(*cell) for cell in zip(line, layout, table.aligns, strict=False)]
        if cells is table.rows[0]:
            parts[::2] = [_underlined(cell) for cell in parts[::2]]
            yield Inked.join(parts)
        else:
            yield Inked.join(parts).rstrip()


def _record_lines(header: Cells, cells: Cells) -> Iterator[Inked]:
    for name, value in zip(header, cells, strict=False):
        yield Inked.join([name, Inked.of(": " if name.text else "", Brush(Ink.MARKER)), value])


def _longest_word(cell: Inked) -> int:
    return min(MAX_WORD, max((cell_len(word) for word in cell.text.split()), default=1))


def _shared(needed: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Give all columns what they need, and share what is left among those that want more, the most modest first."""
    widths = list(needed)
    left = room - sum(needed)
    columns = sorted(range(len(wanted)), key=lambda column: wanted[column] - needed[column])
    for n_before, column in enumerate(columns):
        n_more = min(wanted[column] - needed[column], left // (len(columns) - n_before))
        widths[column] += n_more
        left -= n_more
    return widths


def _aligned(cell: Inked, width: int, align: str) -> Inked:
    cell = cell.rstrip()
    n_spaces = max(0, width - cell.n_cells)
    n_before = {"right": n_spaces, "center": n_spaces // 2}.get(align, 0)
    return Inked.join([Inked.of(" " * n_before), cell, Inked.of(" " * (n_spaces - n_before))])


def _underlined(cell: Inked) -> Inked:
    return Inked(cell.text, tuple((end, replace(brush, is_underlined=True)) for end, brush in cell.stretches))
