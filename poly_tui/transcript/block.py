"""One part of a conversation: a prompt, an answer, a notice; its text, and its rows at the current width."""

from collections.abc import Sequence

from poly_tui.transcript.clean import clean
from poly_tui.transcript.look import Kind, Look
from poly_tui.transcript.passage import Passage
from poly_tui.transcript.rows import PlainRows, Renderer, Row, RuleRows

__all__ = ["Block"]


class Block:
    """Keeps the text of one message part and the rows it takes. White space around the text is not shown."""

    def __init__(self, kind: Kind, look: Look, width: int, text: str = "") -> None:
        self.kind = kind
        self._parts: list[Passage] = []
        self._held = Passage()
        self._rows: Renderer
        self.lay_out(look, width)
        self.append(Passage(text))

    @property
    def text(self) -> str:
        """The text, cleaned."""
        return "".join(part.text for part in self._parts)

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of the text at the width of the last layout."""
        return self._rows.rows

    def append(self, passage: Passage) -> int:
        """Add untrusted text; return the index of the first row that changed."""
        passage = self._held + passage.map(clean)
        if not self._parts:
            passage = passage.lstrip("\n")
        shown = passage.rstrip()
        # White space is shown once something follows it: an answer that ends in newlines leaves no empty rows.
        self._held = passage[len(shown) :]
        if shown:
            self._parts.append(shown)
        return self._rows.append(shown)

    def lay_out(self, look: Look, width: int) -> None:
        """Make the rows anew, for another width or theme."""
        renderer = RuleRows if self.kind is Kind.DIVIDER else PlainRows
        self._rows = renderer(self.kind, look, width)
        self._rows.append(Passage.join(self._parts))
