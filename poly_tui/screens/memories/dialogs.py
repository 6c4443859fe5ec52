"""What lies over the section for a moment: a line to type, a form for another memory, and a card to read."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from poly_engine.errors import InvalidRequest
from poly_tui.transcript.clean import clean, drawable

_NAME = re.compile(r"[\w.-]{1,64}")

__all__ = ["FileCard", "NewMemoryCard", "ReadingCard"]


class ReadingCard(ModalScreen[None]):
    """Something to read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,space,enter", "leave", "back", id="card.leave")]

    def __init__(self, title: str, text: Content | str) -> None:
        super().__init__()
        self._title = title
        self._text = text if isinstance(text, Content) else Content(drawable(clean(text)))

    def compose(self) -> ComposeResult:
        """The text under its title."""
        with VerticalScroll(classes="card") as card:
            card.border_title = Content(drawable(clean(self._title)))
            card.border_subtitle = "esc back"
            yield Static(self._text)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss()


class FileCard(ModalScreen[str | None]):
    """One line to be typed. The result is what was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", id="file.leave")]

    def __init__(self, title: str, value: str = "", remark: str = "") -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._remark = remark

    def compose(self) -> ComposeResult:
        """The line, and a remark on it."""
        with Vertical(classes="card") as card:
            card.border_title = Content(drawable(clean(self._title)))
            card.border_subtitle = "⏎ do it · esc back"
            yield Input(self._value, compact=True)
            yield Static(Content.styled(drawable(clean(self._remark)), "$text-muted"))

    @on(Input.Submitted)
    def take(self, message: Input.Submitted) -> None:
        """Take what was typed."""
        self.dismiss(message.value.strip() or None)

    def action_leave(self) -> None:
        """Take nothing."""
        self.dismiss(None)


class NewMemoryCard(ModalScreen[Mapping[str, str | int | float] | None]):
    """A form for another memory. The result is its settings, with its `name` among them, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", id="form.leave")]

    def __init__(self, known: Sequence[str], models: Sequence[str], model: str) -> None:
        super().__init__()
        self._known = list(known)
        self._models = list(models)
        self._memory = Input(placeholder="letters, digits, dots, - and _", compact=True, id="name")
        self._model = Input(model, placeholder="the model that embeds", compact=True, id="model")
        self._longest = Input(placeholder="255", compact=True, id="longest", type="integer")
        self._least = Input(placeholder="none", compact=True, id="least", type="number")
        self._wrong = Static(id="wrong")

    def compose(self) -> ComposeResult:
        """A line for each setting, and below what is wrong with them."""
        with Vertical(classes="card") as card:
            card.border_title = "A new memory"
            card.border_subtitle = "⏎ next, then make it · esc back"
            for label, field in self._fields.items():
                yield Static(label, classes="label", markup=False)
                yield field
            yield self._wrong

    @property
    def _fields(self) -> Mapping[str, Input]:
        return {
            "name": self._memory,
            f"embedded by ({', '.join(self._models)})": self._model,
            "tokens of the longest chunk": self._longest,
            "least likeness of what is recalled (min_score, -1 to 1)": self._least,
        }

    @on(Input.Submitted)
    def go_on(self, message: Input.Submitted) -> None:
        """Go to the next line; from the last one, make it."""
        fields = list(self._fields.values())
        if message.input is not fields[-1]:
            fields[fields.index(message.input) + 1].focus()
            return
        try:
            self.dismiss(self._settings())
        except InvalidRequest as error:
            self._wrong.update(Content.styled(drawable(clean(str(error))), "$text-error"))

    def action_leave(self) -> None:
        """Make none."""
        self.dismiss(None)

    def _settings(self) -> Mapping[str, str | int | float]:
        """What was typed. Raises InvalidRequest for what cannot be."""
        name, model = self._memory.value.strip(), self._model.value.strip()
        _check_name(name, self._known)
        if model not in self._models:
            raise InvalidRequest(f"there is no model {model or 'without a name'}: there is {', '.join(self._models)}")
        settings: dict[str, str | int | float] = {"name": name, "embedding_model": model}
        if self._longest.value:
            settings["chunk_max_tokens"] = _whole(self._longest.value)
        if self._least.value:
            settings["min_score"] = _share(self._least.value)
        return settings


def _check_name(name: str, known: Collection[str]) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidRequest("a memory needs a name of letters, digits, dots, - and _, 64 at most")
    if name in known:
        raise InvalidRequest(f"there is a memory {name} already: choose another name")


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise InvalidRequest("the longest chunk has a number of tokens, 1 at least")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise InvalidRequest("min_score is a cosine, -1 to 1")
    return value
