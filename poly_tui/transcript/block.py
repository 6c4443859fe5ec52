"""One part of a conversation: a prompt, an answer, a notice; its text, and its rows at the current width."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from poly_tui.transcript.clean import clean, drawable
from poly_tui.transcript.document import Document
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.markdown_rows import MarkdownRows
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import INDENT, PlainRow, PlainRows, Renderer, Row, RuleRows

__all__ = ["Block", "Part"]

FOLDED = "▸"
UNFOLDED = "▾"
EMPTY = Passage()


class Part(NamedTuple):
    """What a block is made of. It is folded if it has a title."""

    kind: Kind
    passage: Passage
    title: str = ""


class Block:
    """Keeps the text of one message part and the rows it takes. White space around the text is not shown.

    A block that has a title can be folded to it. The rows are made when they are first asked for: a long conversation
    opens at once, as only its end is seen.
    """

    def __init__(self, kind: Kind, look: Look, width: int, passage: Passage = EMPTY, title: str = "") -> None:
        self.kind = kind
        self.title = clean(title)
        self.is_folded = bool(title)
        self._look = look
        self._width = width
        self._is_raw = False
        self._has_forced = False
        self._parts: list[Passage] = []
        self._held = Passage()
        self._document: Document | None = None
        self._renderer: Renderer | None = None
        self._take_in(passage)

    @property
    def text(self) -> str:
        """The text, cleaned."""
        return "".join(part.text for part in self._parts)

    @property
    def is_laid_out(self) -> bool:
        """Whether the rows are there. Until then their number is a guess."""
        return self._renderer is not None

    @property
    def rows(self) -> Sequence[Row]:
        """The rows at the width of the last layout."""
        title = [self._title_row()] if self.title else []
        return [*title, *([] if self.is_folded else self._laid_out().rows)]

    @property
    def n_rows(self) -> int:
        """How many rows there are, or probably are."""
        if self.is_folded:
            return 1
        n_rows = self._guess() if self._renderer is None else len(self._renderer.rows)
        return n_rows + bool(self.title)

    def row(self, index: int) -> Row:
        """One of the rows."""
        if not self.title:
            return self._laid_out().rows[index]
        return self._laid_out().rows[index - 1] if index else self._title_row()

    def append(self, passage: Passage) -> int:
        """Add untrusted text; return the index of the first row that changed."""
        renderer = self._laid_out()
        shown = self._take_in(passage)
        if self._renderer is None:  # it has to be laid out in another way
            return 0
        return renderer.append(shown) + bool(self.title)

    def lay_out(self, look: Look, width: int, *, is_raw: bool = False) -> None:
        """Make the rows anew when they are needed: for another width or theme, or with the markup as it was written."""
        self._look, self._width, self._is_raw = look, width, is_raw
        self._renderer = None

    def settle(self) -> None:
        """Make the rows."""
        self._laid_out()

    def _take_in(self, passage: Passage) -> Passage:
        """Add to the text; return what of it is to be shown."""
        passage = self._held + passage.map(clean)
        if not self._parts:
            passage = passage.lstrip("\n")
        shown = passage.rstrip()
        # White space is shown once something follows it: an answer that ends in newlines leaves no empty rows.
        self._held = passage[len(shown) :]
        if shown:
            self._parts.append(shown)
        if shown.forced and not self._has_forced:  # what is bound to a schema is no markdown
            self._has_forced = True
            self._renderer = self._renderer if not self._is_markdown_kind else None
        return shown

    @property
    def _is_markdown_kind(self) -> bool:
        return self.kind is Kind.ANSWER

    def _laid_out(self) -> Renderer:
        if self._renderer is None:
            self._renderer = self._rendered()
        return self._renderer

    def _rendered(self) -> Renderer:
        if self._is_markdown_kind and not self._is_raw and not self._has_forced:
            if self._document is None:
                self._document = Document()
                self._document.feed(self.text)
            return MarkdownRows(self._document, self.kind, self._look, self._width)
        self._document = None  # it would not get to know what is appended now
        rows = RuleRows if self.kind is Kind.DIVIDER else PlainRows
        renderer = rows(self.kind, self._look, self._width)
        renderer.append(Passage.join(self._parts))
        return renderer

    def _guess(self) -> int:
        width = max(2, self._width - INDENT)
        return sum(max(1, -(-len(line) // width)) for line in self.text.split("\n"))

    def _title_row(self) -> Row:
        title, room = drawable(self.title).replace("\n", " "), max(2, self._width - INDENT)
        if cell_len(title) > room:
            title = set_cell_size(title, room - 1).rstrip() + "…"
        return PlainRow(FOLDED if self.is_folded else UNFOLDED, Passage(title), self._look, ends_line=True)
