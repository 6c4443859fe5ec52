"""Rows of figures in columns, as many as there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from poly_tui.transcript.clean import clean, drawable

__all__ = ["Column", "aligned"]

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: of those with the least `weight` there is none first. Numbers stand at the right of it."""

    title: str
    weight: int
    is_number: bool = False


def aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The titles, and then the rows, of no more than `width` cells each. The first column is always there, and is cut
    where there is no room for all of it. Whatever the texts hold, they become safe to show.
    """
    texts = [[column.title for column in columns], *([_safe(text) for text in row] for row in rows)]
    widths = [max(cell_len(row[place]) for row in texts) for place in range(len(columns))]
    shown = list(range(len(columns)))
    while len(shown) > 1 and _total(widths, shown) > width:
        shown.remove(min(shown[1:], key=lambda place: columns[place].weight))
    widths[0] = max(1, min(widths[0], width - _total(widths, shown[1:]) - (_GAP if shown[1:] else 0)))
    return [_row(row, columns, widths, shown) for row in texts]


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    # A first column of a long name alone leaves room for others
    cells = [min(widths[place], 16) if place == 0 else widths[place] for place in shown]
    return sum(cells) + _GAP * max(0, len(cells) - 1)


def _row(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int]) -> str:
    cells = []
    for place in shown:
        text, room = row[place], widths[place]
        if cell_len(text) > room:
            text = set_cell_size(text, room - 1) + "…"
        blank = " " * (room - cell_len(text))
        cells.append(blank + text if columns[place].is_number else text + blank)
    return (" " * _GAP).join(cells).rstrip()


def _safe(text: str) -> str:
    return drawable(clean(text)).replace("\n", " ")
