"""Cards to change one value: a text, a line, or one of a few names."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from poly_tui.transcript.clean import clean
from poly_tui.widgets.editor import edited

__all__ = ["LineCard", "NameCard", "TextCard", "lend_to_editor"]

Check = Callable[[str], str]
"""Says what is wrong with a text; nothing if it can be taken."""


def _anything(_: str) -> str:
    return ""


class TextCard(ModalScreen[str | None]):
    """Lets a long text be written. The result is the text, or None if it is as it was.

    One that `check` has something against is given up only by leaving twice.
    """

    AUTO_FOCUS = "TextArea"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "finish", "done", id="tune.card_done", priority=True),
        Binding("ctrl+o", "editor", "$EDITOR", id="tune.card_editor", priority=True),
    ]

    def __init__(self, title: str, text: str, about: str = "", check: Check = _anything) -> None:
        super().__init__()
        self._title = title
        self._about = about
        self._check = check
        self._given_up = ""
        self._area = TextArea(clean(text), compact=True, highlight_cursor_line=False)
        self._area.cursor_blink = False
        self._before = self._area.text
        self._words = Static(id="tune-words")

    def compose(self) -> ComposeResult:
        """The text, and what there is to say about it."""
        with Vertical(id="tune-card", classes="-text") as card:
            card.border_title = Content(clean(self._title))
            card.border_subtitle = "esc done · ^o $EDITOR"
            yield self._area
            yield self._words

    def on_mount(self) -> None:
        """Begin at the end, where one goes on."""
        self._area.move_cursor(self._area.document.end)
        self._tell()

    def on_key(self, event: events.Key) -> None:
        """Take what is typed before the text has the focus."""
        if event.is_printable and event.character and not self._area.has_focus:
            self._area.insert(event.character)

    @on(TextArea.Changed)
    def check_text(self) -> None:
        """Say what is wrong, as long as it is."""
        self._tell()

    def action_finish(self) -> None:
        """Take the text as it is."""
        text = self._area.text
        if text == self._before:
            self.dismiss(None)
        elif not (problem := self._check(text)):
            self.dismiss(text)
        elif self._given_up == text:
            self.dismiss(None)
        else:
            self._given_up = text
            self._words.update(Content.styled(f"{clean(problem)} · esc again gives it up", "$text-error"))

    def action_editor(self) -> None:
        """Write in the editor of the user."""
        text = lend_to_editor(self, self._area.text)
        if text is not None:
            self._area.text = text

    def _tell(self) -> None:
        problem = self._check(self._area.text)
        style = "$text-error" if problem else "dim"
        self._words.update(Content.styled(clean(problem or self._about), style))


class LineCard(ModalScreen[str | None]):
    """Lets one line be written, such as a number or a name. The result is the line, or None."""

    AUTO_FOCUS = "Input"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", id="tune.card_back")]

    def __init__(self, title: str, text: str, about: str, check: Check, typed: Callable[[], str] = str) -> None:
        """`typed` tells what was typed until the card was shown, in place of `text`."""
        super().__init__()
        self._title = title
        self._about = about
        self._check = check
        self._typed = typed
        self._line = Input(text, compact=True)
        self._line.cursor_blink = False
        self._words = Static(Content.styled(clean(about), "dim"), id="tune-words")

    def compose(self) -> ComposeResult:
        """The line, and what there is to say about it."""
        with Vertical(id="tune-card", classes="-line") as card:
            card.border_title = Content(clean(self._title))
            card.border_subtitle = "⏎ set · esc back"
            yield self._line
            yield self._words

    def on_mount(self) -> None:
        """Go on behind what was typed before the card stood there."""
        self._take(self._typed())

    def on_key(self, event: events.Key) -> None:
        """Take what is typed before the line has the focus."""
        if event.is_printable and event.character and not self._line.has_focus:
            self._take(event.character)

    def _take(self, typed: str) -> None:
        """Put what was typed in place of what was there before, or behind what was typed already."""
        if typed:
            self._line.value = typed if self._line.select_on_focus else self._line.value + typed
            self._line.cursor_position = len(self._line.value)
            self._line.select_on_focus = False

    @on(Input.Submitted)
    def finish(self, message: Input.Submitted) -> None:
        """Take the line, unless something is wrong with it."""
        text = message.value.strip()
        problem = self._check(text)
        if problem:
            self._words.update(Content.styled(clean(problem), "$text-error"))
        else:
            self.dismiss(text)

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class NameCard(ModalScreen[str | None]):
    """Lets one of a few names be chosen. The result is the name, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", id="tune.card_back")]

    def __init__(
        self, title: str, names: Sequence[str], current: str, about: Sequence[str] = (), words: str = ""
    ) -> None:
        """`about` says something about each of the names, `words` about all of it."""
        super().__init__()
        self._title = title
        self._words = words
        self._names = names
        self._current = current
        self._about = about or [""] * len(names)

    def compose(self) -> ComposeResult:
        """The names in rows."""
        with Vertical(id="tune-card", classes="-names") as card:
            card.border_title = Content(clean(self._title))
            card.border_subtitle = "⏎ choose · esc back"
            if self._words:
                yield Static(Content.styled(clean(self._words), "$text-warning"), id="tune-words")
            names = OptionList(*(Option(self._row(number)) for number in range(len(self._names))), compact=True)
            names.highlighted = self._names.index(self._current) if self._current in self._names else 0
            yield names

    @on(OptionList.OptionSelected)
    def choose(self, message: OptionList.OptionSelected) -> None:
        """Choose a name."""
        self.dismiss(self._names[message.option_index])

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def _row(self, number: int) -> Content:
        name = self._names[number]
        sign = ("● ", "$text-success") if name == self._current else "  "
        about = self._about[number]
        return Content.assemble(sign, clean(name), (f"  {clean(about)}" if about else "", "dim"))


def lend_to_editor(screen: Screen[Any], text: str) -> str | None:
    """Have a text edited in the editor of the user; None if that did not work, which is told."""
    try:
        with screen.app.suspend():
            return clean(edited(text))
    except SuspendNotSupported:
        screen.notify("this terminal cannot be lent to an editor", markup=False)
    except OSError as error:
        screen.notify(f"{error.filename}: {error.strerror}; set $EDITOR", severity="error", markup=False)
    except ValueError as error:
        screen.notify(str(error), severity="error", markup=False)
    finally:
        screen.app.refresh(layout=True)
    return None
