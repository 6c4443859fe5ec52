"""The list of models: a table with a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from poly_tui.screens.models.columns import laid_out
from poly_tui.screens.models.facts import ModelFacts

__all__ = ["ModelList"]

SCROLLBAR_CELLS = 1


class ModelList(Vertical):
    """Shows models in as many columns as fit. One of them is the current one, whatever becomes of the others."""

    @dataclass
    class Moved(Message):
        """Another model is the current one."""

        name: str

    @dataclass
    class Chosen(Message):
        """A model is to be looked at."""

        name: str

    def __init__(self) -> None:
        super().__init__()
        self._models: tuple[ModelFacts, ...] = ()
        self._rows: tuple[Content, ...] = ()
        self._wanted: str | None = None
        self._header = Static(Content.styled("opening…", "dim"), id="models-header")
        self._list = OptionList(compact=True)

    def compose(self) -> ComposeResult:
        """The titles of the columns over the rows."""
        yield self._header
        yield self._list

    @property
    def current(self) -> ModelFacts | None:
        """The model under the cursor."""
        place = self._list.highlighted
        return self._models[place] if place is not None and place < len(self._models) else None

    def take_focus(self) -> None:
        """Let the keys of the list work."""
        self.screen.set_focus(self._list)

    def look_for(self, name: str) -> None:
        """Have the cursor on a model as soon as it is listed."""
        self._wanted = name

    def say(self, words: str) -> None:
        """Say why there are no rows."""
        self._header.update(Content.styled(words, "dim"))

    def show(self, models: Sequence[ModelFacts]) -> None:
        """Show these, the cursor on the same one as before."""
        names = [one.name for one in self._models]
        current = self.current
        wanted = self._wanted or (current.name if current is not None else None)
        self._models = tuple(models)
        if names == [one.name for one in models]:
            self._paint()
            return
        self._list.clear_options()
        self._rows = ()
        self._paint()
        places = [place for place, one in enumerate(models) if one.name == wanted]
        self._list.highlighted = next(iter(places), 0) if models else None
        self._wanted = None

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self._paint()

    @on(OptionList.OptionHighlighted)
    def tell_moved(self, message: OptionList.OptionHighlighted) -> None:
        """Say which model is the current one now."""
        message.stop()
        if self.current is not None:
            self.post_message(self.Moved(self.current.name))

    @on(OptionList.OptionSelected)
    def tell_chosen(self, message: OptionList.OptionSelected) -> None:
        """Say which model was chosen."""
        message.stop()
        self.post_message(self.Chosen(self._models[message.option_index].name))

    def _paint(self) -> None:
        """Put down the rows that are not as they were."""
        if not self._models:
            return
        table = laid_out(self._models, self.size.width - SCROLLBAR_CELLS)
        self._header.update(table.header)
        if len(self._rows) != len(table.rows):
            self.styles.max_height = len(table.rows) + 1
            self._list.clear_options()
            self._list.add_options(map(Option, table.rows))
        else:
            for place, (before, row) in enumerate(zip(self._rows, table.rows, strict=True)):
                if before != row:
                    self._list.replace_option_prompt_at_index(place, row)
        self._rows = table.rows
