"""The sources of an answer: what a memory recalled for it, as a block to fold and as a card to read one of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from poly_engine.types import Hit
from poly_tui.transcript.clean import clean

__all__ = ["SourceCard", "sources_text", "sources_title"]


def sources_title(hits: Sequence[Hit]) -> str:
    """The sources in one row, the best first."""
    n_sources = "1 source" if len(hits) == 1 else f"{len(hits)} sources"
    return "  ".join([n_sources, *(f"[{number}] {_short_origin(hit)}" for number, hit in enumerate(hits, 1))])


def sources_text(hits: Sequence[Hit]) -> str:
    """What the sources say, each under its number."""
    return "\n\n".join(f"[{number}] {_origin(hit)}\n{hit.text.strip()}" for number, hit in enumerate(hits, 1))


class SourceCard(ModalScreen[None]):
    """Shows one source; it has no number if it was left out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,space,enter", "leave", "back", id="source.leave"),
    ]

    def __init__(self, number: int | None, hit: Hit) -> None:
        super().__init__()
        self._number = number
        self._hit = hit

    def compose(self) -> ComposeResult:
        """The text under its origin."""
        number = "" if self._number is None else f"[{self._number}] "
        with VerticalScroll(id="source") as card:
            card.border_title = Content(clean(f"{number}{_origin(self._hit)}"))
            card.border_subtitle = "esc back"
            yield Static(Content(clean(self._hit.text.strip())))

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss()


def _short_origin(hit: Hit) -> str:
    """The origin without the folder of the file: where many stand in one row."""
    path = Path(hit.source)
    return _origin(hit).removeprefix(f"{path.parent}/" if path.is_absolute() else "")


def _origin(hit: Hit) -> str:
    return f"{hit.origin} {hit.score:.2f}".replace(" 0.", " .")
