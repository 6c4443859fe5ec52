"""The fields of a draft, one in a row, to be walked through and changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from poly_tui.screens.tune.draft import Draft
from poly_tui.screens.tune.fields import Field, Kind, Where
from poly_tui.screens.tune.rows import Shape, field_row, saved_words
from poly_tui.transcript.clean import clean

__all__ = ["FieldHelp", "FieldList"]

_BEGINS_A_NUMBER = "0123456789.-"


class FieldList(OptionList):
    """The fields as rows. What is to be done with one is told to whoever shows them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "edit", id="tune.edit"),
        Binding("left", "step(-1)", "less", id="tune.less", key_display="←→"),
        Binding("right", "step(1)", "more", id="tune.more", show=False),
        Binding("shift+left", "step(-1, True)", "much less", id="tune.much_less", show=False),
        Binding("shift+right", "step(1, True)", "much more", id="tune.much_more", show=False),
        Binding("space", "next_value", "next value", id="tune.toggle", show=False),
        Binding("x,delete", "unset", "default", id="tune.unset", key_display="x"),
        Binding("backspace", "reset", "as saved", id="tune.reset", show=False),
        Binding("j", "cursor_down", "down", id="tune.down", show=False),
        Binding("k", "cursor_up", "up", id="tune.up", show=False),
    ]

    @dataclass
    class Wanted(Message):
        """Something is to be done with a field. `typed` is what was typed already, of a number."""

        deed: str
        field: Field
        typed: str = ""

    @dataclass
    class Stepped(Message):
        """A number is to go up or down by steps."""

        field: Field
        n_steps: int
        is_big: bool

    @dataclass
    class Walked(Message):
        """Another field is highlighted."""

        field: Field

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, compact=True)
        self._entries: list[Field | str] = []
        self._draft: Draft | None = None
        self._problems: Mapping[Where, str] = {}
        self._is_fixed: Callable[[Field], bool] = lambda _: False

    def show(
        self, fields: Sequence[Field], draft: Draft, problems: Mapping[Where, str], is_fixed: Callable[[Field], bool]
    ) -> None:
        """Show a draft, with what is wrong in it."""
        self._draft, self._problems, self._is_fixed = draft, problems, is_fixed
        entries = list(_with_headings(fields))
        if entries != self._entries:
            self._entries = entries
            self.clear_options()
            self.add_options(Option("", disabled=isinstance(entry, str)) for entry in entries)
            self.highlighted = 0
        self._draw()

    def clear(self) -> None:
        """Show nothing."""
        self.clear_options()
        self._entries, self._draft = [], None

    @property
    def field(self) -> Field | None:
        """The highlighted field."""
        entry = None if self.highlighted is None else self._entries[self.highlighted]
        return entry if isinstance(entry, Field) else None

    def walk_to(self, where: Where) -> None:
        """Highlight a field."""
        for number, entry in enumerate(self._entries):
            if isinstance(entry, Field) and entry.where == where:
                self.highlighted = number

    def on_resize(self) -> None:
        """Fit the rows to the new width."""
        self._draw()

    def on_key(self, event: events.Key) -> None:
        """Begin to type a number."""
        field = self.field
        if field is not None and field.kind.is_number and event.character and event.character in _BEGINS_A_NUMBER:
            event.stop()
            self.post_message(self.Wanted("edit", field, event.character))

    def on_option_list_option_highlighted(self, message: OptionList.OptionHighlighted) -> None:
        """Tell which field is walked to."""
        message.stop()
        if self.field is not None:
            self.post_message(self.Walked(self.field))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Have the field edited."""
        message.stop()
        self._want("edit")

    def action_step(self, n_steps: int, is_big: bool = False) -> None:  # noqa: FBT001, FBT002 - as actions have it
        """Step a number up or down; turn a switch."""
        if self.field is not None and self.field.kind.is_number:
            self.post_message(self.Stepped(self.field, n_steps, is_big))
        elif self.field is not None and self.field.kind in (Kind.SWITCH, Kind.NAME):
            self._want("toggle" if n_steps > 0 else "toggle_back")

    def action_next_value(self) -> None:
        """Turn a switch, or take the next name; edit what has no next."""
        field = self.field
        self._want("toggle" if field is not None and field.kind in (Kind.SWITCH, Kind.NAME) else "edit")

    def action_unset(self) -> None:
        """Have the field take its default."""
        self._want("unset")

    def action_reset(self) -> None:
        """Have the field be as it is saved."""
        self._want("reset")

    def _want(self, deed: str) -> None:
        if self.field is not None:
            self.post_message(self.Wanted(deed, self.field))

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if self._draft is None or width < 1:
            return
        for number, entry in enumerate(self._entries):
            row = self._row(entry, self._draft, Shape(width))
            before = self.get_option_at_index(number).prompt
            if not isinstance(before, Content) or not row.is_same(before):
                self.replace_option_prompt_at_index(number, row)

    def _row(self, entry: Field | str, draft: Draft, shape: Shape) -> Content:
        if isinstance(entry, str):
            return Content.styled(f"  {entry}", "dim italic")
        problem = self._problems.get(entry.where, "")
        return field_row(entry, draft, problem, shape, is_fixed=self._is_fixed(entry))


def _with_headings(fields: Sequence[Field]) -> Sequence[Field | str]:
    """The fields, those of a table within the task below its name."""
    entries: list[Field | str] = []
    heading = ""
    for field in fields:
        if len(field.where) > 1 and field.where[0] != heading:
            heading = field.where[0]
            entries.append(heading)
        entries.append(field)
    return entries


class FieldHelp(Static):
    """What the highlighted field is about, and what is wrong with it."""

    def explain(self, field: Field | None, draft: Draft, problem: str, refusal: str) -> None:
        """Show the words about a field."""
        if field is None:
            self.update("")
            return
        limits = f"  ({field.limits})" if field.limits else ""
        saved = saved_words(field, draft)
        parts = [
            Content.assemble((field.name, "bold"), (saved, "$text-warning"), "  ", clean(field.about), (limits, "dim"))
        ]
        if problem:
            parts.insert(0, Content.styled(f"! {clean(problem)}", "$text-error"))
        elif refusal:
            parts.insert(0, Content.styled(clean(refusal), "$text-warning"))
        self.update(Content("\n").join(parts))
