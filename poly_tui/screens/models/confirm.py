"""A question before something that cannot be taken back."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from poly_tui.transcript.clean import clean

__all__ = ["Question"]


class Question(ModalScreen[bool]):
    """Says what would happen, and takes a yes or a no. Enter alone is no answer: it may still be meant for before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="question.yes"),
        Binding("n,escape", "answer(False)", "no", id="question.no"),
    ]

    def __init__(self, title: str, words: str, deed: str) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._deed = deed

    def compose(self) -> ComposeResult:
        """The words, and the keys that answer."""
        with Vertical(id="question") as card:
            card.border_title = Content(clean(self._title))
            yield Static(Content(clean(self._words)))
            yield Static(
                Content.assemble(("y", "bold $text-accent"), f" {self._deed}   ", ("n", "bold $text-accent"), " no")
            )

    def action_answer(self, is_yes: bool) -> None:  # noqa: FBT001 - it is what is answered
        """Close with the answer."""
        self.dismiss(is_yes)
