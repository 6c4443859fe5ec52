"""A question over whatever is shown, to be answered with yes or no."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from poly_tui.transcript.clean import clean

__all__ = ["Question"]


class Question(ModalScreen[bool]):
    """Asks something; the result is whether the answer was yes. `esc` is no: nothing is done by mistake."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes", id="question.yes", key_display="⏎"),
        Binding("n,escape,q", "answer(False)", "no", id="question.no", key_display="esc"),
    ]

    def __init__(self, words: str, yes: str) -> None:
        """`yes` is what yes does, in a word or two."""
        super().__init__()
        self._words = words
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, with what the keys do."""
        card = Static(Content(clean(self._words)), classes="card")
        card.border_subtitle = Content(f"⏎ {self._yes} · esc back")
        yield card

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - an action has no keywords
        """Answer."""
        self.dismiss(answer)
