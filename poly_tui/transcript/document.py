"""Markdown that grows: what can no longer change is rendered once and kept, only an open end is parsed again.

Lines are taken in one at a time, and after each of them everything but the last leaf (paragraph, fence, table, …) is
closed. A last leaf that gets long is closed in parts: the rows of a table, the lines of a fence, and of a paragraph all
but its last line; a line without end is cut between two words. So the open end stays short whatever the text is, and
what it looks like depends on the text alone, not on the tokens in which it came.
"""

from poly_tui.transcript.leaves import Leaf, LeafKind, leaves_of, reopened
from poly_tui.transcript.pieces import Piece
from poly_tui.transcript.rendering import Begun, Rendering
from poly_tui.transcript.seam import seam

__all__ = ["MAX_OPEN", "N_OPEN_CODE_LINES", "N_OPEN_TABLE_ROWS", "Document"]

MAX_OPEN = 1000
"""Characters of a paragraph that are parsed again with every token."""

N_OPEN_TABLE_ROWS = 8
"""Tables with more rows than that are closed in parts. The widths of their columns then follow from the rows so far."""

N_OPEN_CODE_LINES = 16
"""The same for code without a fence."""


class Document:
    """The pieces of a text. `max_open` is for tests."""

    def __init__(self, max_open: int = MAX_OPEN) -> None:
        self.closed: list[Piece] = []
        """What stays as it is. Only the table of the last Grid may get more rows."""
        self._max_open = max_open
        self._lines: list[str] = []  # of the open end, below lines that open the containers it stands in
        self._n_prefix = 0
        self._begun = Begun()
        self._line = ""
        self._next_cut = max_open

    def feed(self, text: str) -> None:
        """Take in more text."""
        line, *more = text.split("\n")
        self._extend(line)
        for line in more:
            self._end_line()
            self._extend(line)

    def open(self) -> list[Piece]:
        """Return what the end looks like for now."""
        lines = [*self._lines, self._line] if self._line else self._lines
        rendering = Rendering(lines, self._n_prefix, self._begun)
        return [piece for leaf in leaves_of(lines) for piece in rendering.pieces(leaf)]

    def _extend(self, text: str) -> None:
        """Add to the last line, and cut it when it is too long."""
        while len(self._line) + len(text) >= self._next_cut:
            n_characters = self._next_cut - len(self._line)
            self._line += text[:n_characters]
            text = text[n_characters:]
            self._cut_line()
            self._next_cut = len(self._line) + max(1, self._max_open // 2)
        self._line += text

    def _end_line(self) -> None:
        is_blank = not self._line.strip()
        self._lines.append(self._line)
        self._line = ""
        self._next_cut = self._max_open
        if not is_blank:  # nothing ends at a blank line that would not end at the next one
            self._close()

    def _close(self) -> None:
        """Close all leaves but the last, and of that one as much as can be."""
        leaves = leaves_of(self._lines)
        if len(leaves) > 1:
            leaves = self._close_before(leaves)
        if len(leaves) == 1:
            self._close_part(leaves[0])

    def _close_before(self, leaves: list[Leaf]) -> list[Leaf]:
        """Close all leaves but the last; return what is left of them."""
        *done, last = leaves
        reopening = reopened(self._lines, last, last.first)
        if reopening is None:
            return leaves
        rendering = self._rendering()
        for leaf in done:
            self.closed += rendering.close(leaf)
        self._begun = Begun(has_gap=rendering.has_gap_before(last))
        self._restart(reopening.lines, self._lines[last.first :])
        return leaves_of(self._lines)

    def _close_part(self, leaf: Leaf) -> None:
        match leaf.kind:
            case LeafKind.FENCE if leaf.is_open_fence and leaf.code_lines:
                self._close_code(leaf)
            case LeafKind.TABLE if self._begun.n_rows + len(leaf.rows) - 1 > N_OPEN_TABLE_ROWS:
                self._close_rows(leaf)
            case LeafKind.PARAGRAPH if len(leaf.content) > self._max_open:
                self._close_lines(leaf)
            case LeafKind.CODE if len(leaf.code_lines) > N_OPEN_CODE_LINES:
                self._close_lines(leaf)

    def _close_code(self, leaf: Leaf, *, is_forced: bool = False) -> None:
        """Close the lines of a fence whose colours can no longer change."""
        pieces = self._rendering().close_code(leaf, is_forced=is_forced)
        if pieces is not None:
            self.closed += pieces
            del self._lines[leaf.first + 1 :]

    def _close_rows(self, leaf: Leaf) -> None:
        """Close all rows of a table but the last."""
        last_line, _ = leaf.rows.pop()
        self.closed += self._rendering().close(leaf)
        del self._lines[leaf.first + 2 : last_line]

    def _close_lines(self, leaf: Leaf) -> None:
        """Close all lines of a paragraph, or of code without a fence, but the last."""
        n_last = leaf.content.rstrip("\n").rfind("\n") + 1
        reopening = reopened(self._lines, leaf, leaf.end - 1)
        if not n_last or reopening is None:
            return
        leaf.content = leaf.content[: n_last if leaf.kind is LeafKind.CODE else n_last - 1]
        self.closed += self._rendering().close(leaf)
        self._begun = Begun(goes_on=True)
        self._restart(reopening.lines, self._lines[leaf.end - 1 :])

    def _cut_line(self) -> None:
        """Close the beginning of a line that is too long, if it is one of a paragraph or of a fence."""
        offset = seam(self._line, self._max_open // 2)
        if offset is None:
            return
        beginning, rest = self._line[:offset], self._line[offset:]
        lines = [*self._lines, beginning]
        last = leaves_of(lines)[-1]
        reopening = reopened(lines, last, len(lines))
        if reopening is None or not (last.kind is LeafKind.PARAGRAPH or last.is_open_fence):
            return
        self._lines.append(beginning)
        self._close()
        leaf, *more = leaves_of(self._lines)
        if more:  # they could not be parted
            self._line = self._lines.pop() + rest
            return
        self._line = reopening.margin + rest
        if leaf.is_open_fence:
            self._close_code(leaf, is_forced=True)
            self._begun.joint = ""
        else:
            self.closed += self._rendering().close(leaf)
            self._begun = Begun(goes_on=True, joint=" " if beginning.endswith(" ") else "")
            self._restart(reopening.lines, [])

    def _rendering(self) -> Rendering:
        return Rendering(self._lines, self._n_prefix, self._begun)

    def _restart(self, prefix: list[str], lines: list[str]) -> None:
        """Go on with `lines` inside the containers that `prefix` opens."""
        self._lines = prefix + lines
        self._n_prefix = len(prefix)
