"""The stream of a request that somebody else has asked, read-only."""

from collections import deque

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from poly_serve.reports import Written
from poly_tui.screens.pacer import Pacer
from poly_tui.transcript.clean import clean, drawable

__all__ = ["StreamView"]

_MOST_CHARACTERS = 16_000
"""The end of a stream that is kept in view."""
_STYLES = {"token": "", "thinking": "dim italic", "calling": "$text-accent", "note": "$text-warning"}


class StreamView(VerticalScroll):
    """Shows what is written, cleaned, and the end of it while the end is seen."""

    def __init__(self) -> None:
        super().__init__(id="stream")
        self._pieces: deque[Written] = deque()
        self._n_characters = 0
        self._last_words = ""
        self._text = Static(Content(""))
        self._pacer = Pacer(self, self._paint)

    def compose(self) -> ComposeResult:
        """The text."""
        yield self._text

    def begin(self) -> None:
        """Show another stream."""
        self._pieces.clear()
        self._n_characters, self._last_words = 0, ""
        self._pacer.want()

    def add(self, piece: Written) -> None:
        """Go on with a piece."""
        self._pieces.append(piece)
        self._n_characters += len(piece.text)
        while self._n_characters > _MOST_CHARACTERS and len(self._pieces) > 1:
            self._n_characters -= len(self._pieces.popleft().text)
        self._pacer.want()

    def end(self, words: str) -> None:
        """Say why nothing more comes."""
        self._last_words = words
        self._pacer.want()

    def _paint(self) -> None:
        is_at_end = self.is_vertical_scroll_end
        parts = [(drawable(clean(one.text)), _STYLES[one.type]) for one in self._pieces]
        if self._last_words:
            parts.append((f"\n— {clean(self._last_words)}", _STYLES["note"]))
        self._text.update(Content.assemble(*parts))
        if is_at_end:
            self.scroll_end(animate=False)
