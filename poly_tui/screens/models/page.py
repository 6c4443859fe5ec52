"""What the pages below the list of models have in common."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from poly_engine.interface import Engine
from poly_tui.screens.models.facts import ModelFacts

__all__ = ["Page"]


class Page(Vertical):
    """Something one can know of a model or do with it. Esc stops what it does, and then goes back to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", id="models.leave")]

    class Left(Message):
        """The list is to have the focus again."""

    def __init__(self, name: str) -> None:
        super().__init__(id=f"page-{name}", classes="page")
        self.engine: Engine | None = None
        self.model: ModelFacts | None = None

    def show(self, engine: Engine, model: ModelFacts) -> None:
        """Be about a model, or about what has become of it."""
        self.engine, self.model = engine, model
        self.show_model(model)

    def show_model(self, model: ModelFacts) -> None:
        """Paint what depends on the model."""

    def enter(self) -> None:
        """Take the focus, at once: what is typed next is meant for the page."""

    def stop(self) -> bool:
        """Stop what is going on; False if that is nothing."""
        return False

    def action_leave(self) -> None:
        """Stop, or go back to the list."""
        if not self.stop():
            self.post_message(self.Left())
