"""Breaks a line of text into rows of at most so many terminal cells, between words where possible."""

import re
from collections.abc import Iterator

from rich.cells import cell_len, get_character_cell_size

__all__ = ["row_starts"]

_UNIT = re.compile(" +|[^ ]+")


def row_starts(line: str, width: int) -> list[int]:
    """Return the offsets at which the rows of `line` begin; the first is 0.

    Spaces at the end of a row may hang over its edge. A word longer than a row is cut; wide characters (CJK,
    emoji) may part anywhere. Breaking is greedy and looks only at the row so far, hence appending to `line`
    never moves the beginning of a row, and breaking from the beginning of a row on gives the same rows.
    """
    starts = [0]
    if len(line) <= width and line.isascii():
        return starts
    used = 0
    is_blank = True  # the row holds nothing but spaces, so that moving on would gain nothing
    for start, end, cells in _units(line):
        if line[start] == " ":
            used += cells
            continue
        if used + cells > width and not is_blank:
            starts.append(start)
            used = 0
        is_blank = False
        if used + cells > width:
            cuts, used = _cut(line, start, end, used, width)
            starts += cuts
        else:
            used += cells
    return starts


def _units(line: str) -> Iterator[tuple[int, int, int]]:
    """Yield what is kept together, as (start, end, cells): runs of spaces, words, wide characters."""
    for match in _UNIT.finditer(line):
        start, end = match.span()
        if match[0].isascii():
            yield start, end, end - start
        else:
            yield from _units_of_word(line, start, end)


def _units_of_word(line: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    was_wide = False
    for offset in range(start, end):
        cells = get_character_cell_size(line[offset])
        is_mark = cells == 0  # a combining mark belongs to the character before it
        if offset > start and not is_mark and (cells == 2 or was_wide):
            yield start, offset, cell_len(line[start:offset])
            start = offset
        was_wide = cells == 2 or (is_mark and was_wide)
    yield start, end, cell_len(line[start:end])


def _cut(line: str, start: int, end: int, used: int, width: int) -> tuple[list[int], int]:
    """Cut line[start:end] where a row is full, the first one having `used` cells already. Return the beginnings of
    the new rows and the cells that are used in the last one.
    """
    starts: list[int] = []
    for offset in range(start, end):
        cells = get_character_cell_size(line[offset])
        if used + cells > width:
            starts.append(offset)
            used = 0
        used += cells
    return starts, used
