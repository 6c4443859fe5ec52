"""Where to go: a row of letters over whatever is shown."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from poly_tui.registry import SECTIONS

__all__ = ["GoScreen"]


class GoScreen(ModalScreen[str | None]):
    """Takes the letter of a section; the result is its name, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "leave", "back", id="go.leave"),
        *(
            Binding(section.letter, f"choose('{section.name}')", section.title, id=f"go.{section.name}")
            for section in SECTIONS
        ),
    ]

    def compose(self) -> ComposeResult:
        """The letters with what they stand for, one a line: in a row they would break apart where it is narrow."""
        parts = [Content.assemble((f" {one.letter}  ", "bold $text-accent"), f"{one.title} ") for one in SECTIONS]
        card = Static(Content("\n").join(parts), id="go")
        card.border_title = "Go to"
        yield card

    def action_choose(self, section: str) -> None:
        """Go to a section."""
        self.dismiss(section)

    def action_leave(self) -> None:
        """Stay."""
        self.dismiss(None)
