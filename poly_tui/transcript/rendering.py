"""Makes pieces of the leaves of a text, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from poly_tui.transcript.code import Coder
from poly_tui.transcript.ink import PLAIN, Brush, Ink, Inked
from poly_tui.transcript.inline import inline_lines
from poly_tui.transcript.leaves import Container, Leaf, LeafKind
from poly_tui.transcript.pieces import Grid, Lead, Lines, Piece, Rule, Table

__all__ = ["Begun", "Rendering"]

BULLET = "•"
QUOTE = "> "
"""A quoted row begins as it does in markdown, so that copying it with the terminal gives a quote."""

_HEADING = Brush(Ink.HEADING, is_bold=True)
_TITLE = replace(_HEADING, is_underlined=True)
_HEADER = replace(PLAIN, is_bold=True)


@dataclass(slots=True)
class Begun:
    """What is known of the first leaf of a text from what was cut off before: whether it `goes_on`, in the very line
    if there is a `joint`; the coder of its fence, or its table and how many rows of that are closed.
    """

    has_gap: bool = False
    goes_on: bool = False
    joint: str | None = None
    coder: Coder | None = None
    table: Table | None = None
    n_rows: int = 0


class Rendering:
    """Renders the leaves of `lines` one after the other. The first of them is known as `begun`, and the first
    `n_prefix` lines open containers that were open before.
    """

    def __init__(self, lines: Sequence[str], n_prefix: int, begun: Begun) -> None:
        self._lines = lines
        self._n_prefix = n_prefix
        self._begun = begun
        self._is_first = True
        self._marked: set[Container] = set()

    def pieces(self, leaf: Leaf) -> list[Piece]:
        """Render the next leaf."""
        begun = self._step(leaf)
        lead = self._lead(leaf)
        match leaf.kind:
            case LeafKind.PARAGRAPH:
                return [Lines(lead, begun.has_gap, inline_lines(leaf.content), joint=begun.joint)]
            case LeafKind.HEADING:
                brush = _TITLE if leaf.level == 1 else _HEADING
                return [Lines(lead, begun.has_gap, inline_lines(leaf.content, brush), joint=begun.joint)]
            case LeafKind.FENCE | LeafKind.CODE:
                coder = begun.coder or Coder(leaf.language)
                return _code(lead, begun, coder.paint(leaf.code_lines))
            case LeafKind.TABLE:
                return [self._grid(leaf, lead, begun)]
            case LeafKind.RULE:
                return [Rule(lead, begun.has_gap)]
            case LeafKind.NOTHING:
                return [Lines(lead, begun.has_gap, (Inked(),))] if lead.first != lead.rest else []

    def close(self, leaf: Leaf) -> list[Piece]:
        """Render the next leaf for good. Its rows are added to those of the table that goes on."""
        if leaf.kind is not LeafKind.TABLE:
            return self.pieces(leaf)
        begun = self._step(leaf)
        grid = self._grid(leaf, self._lead(leaf), begun)
        begun.n_rows += len(leaf.rows) - 1
        if grid.goes_on and begun.table is not None:
            begun.table.rows += grid.table.rows
            return []
        begun.table, begun.goes_on = grid.table, True
        return [grid]

    def close_code(self, leaf: Leaf, *, is_forced: bool = False) -> list[Piece] | None:
        """Render the lines of an open fence for good, or return None if their colours may still change."""
        begun = self._step(leaf)
        begun.coder = begun.coder or Coder(leaf.language)
        inked = begun.coder.finish(leaf.code_lines, is_forced=is_forced)
        if inked is None:
            return None
        pieces = _code(self._lead(leaf), begun, inked)
        begun.goes_on, begun.joint = True, None
        return pieces

    def has_gap_before(self, leaf: Leaf) -> bool:
        """Whether an empty row sets a leaf off from the one before."""
        return leaf.kind is LeafKind.HEADING or not self._lines[leaf.first - 1].strip(" \t>")

    def _step(self, leaf: Leaf) -> Begun:
        """What is known of the next leaf."""
        if not self._is_first:
            return Begun(has_gap=self.has_gap_before(leaf))
        self._is_first = False
        if self._begun.goes_on:
            self._marked.update(leaf.path)
            self._begun.has_gap = False
        return self._begun

    def _lead(self, leaf: Leaf) -> Lead:
        first = rest = ""
        for container in leaf.path:
            if not container.marker:
                first, rest = first + QUOTE, rest + QUOTE
                continue
            sign = BULLET if container.marker in "-+*" else container.marker
            margin = " " * (len(sign) + 1)
            is_marked = container.line < self._n_prefix or container in self._marked
            first, rest = first + (margin if is_marked else f"{sign} "), rest + margin
            self._marked.add(container)
        return Lead(first, rest)

    @staticmethod
    def _grid(leaf: Leaf, lead: Lead, begun: Begun) -> Grid:
        """The rows of a table, without the header if it stands above."""
        goes_on = begun.table is not None
        header, *body = [cells for _, cells in leaf.rows]
        rows = [] if goes_on else [tuple(_cell(cell, _HEADER) for cell in header)]
        rows += [tuple(_cell(cell, PLAIN) for cell in cells) for cells in body]
        return Grid(lead, begun.has_gap, Table(tuple(leaf.aligns), rows), goes_on)


def _code(lead: Lead, begun: Begun, lines: Sequence[Inked]) -> list[Piece]:
    if begun.goes_on and not lines:
        return []
    return [Lines(lead, begun.has_gap, tuple(lines) or (Inked(),), is_code=True, joint=begun.joint)]


def _cell(source: str, brush: Brush) -> Inked:
    first, *more = inline_lines(source, brush)
    return Inked.join([first, *(part for line in more for part in (Inked.of(" "), line))])
