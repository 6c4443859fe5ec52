"""What a search goes by, in one row: each figure is chosen with ← and →, and changed with + and -."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from poly_engine.types import RecallOptions

__all__ = ["OptionsRow"]

_MOST_HITS, _MOST_NEIGHBOURS = 100, 9
_STEPS = 20

N_HITS = 5


@dataclass(frozen=True, slots=True)
class _Field:
    """One figure: how it is written, and what the next one is."""

    name: str
    label: str

    def text(self, options: RecallOptions) -> str:
        """The figure in a few characters."""
        value = getattr(options, self.name)
        if value is None:
            return "as set"
        return str(value) if isinstance(value, int) else f"{value:.2f}".replace("0.", ".", 1)


_FIELDS = (_Field("n", "k"), _Field("min_score", "min"), _Field("mmr", "mmr"), _Field("neighbours", "around"))


class OptionsRow(Widget, can_focus=True):
    """Shows the options, and says when they are others. What is not changed is as the configuration has it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose(-1)", "which", id="options.left", show=False),
        Binding("right,l", "choose(1)", "which", id="options.right", key_display="←→"),
        Binding("plus,equals_sign,up,k", "change(1)", "more", id="options.more", key_display="+"),
        Binding("minus,down,j", "change(-1)", "less", id="options.less", key_display="-"),
        Binding("0,backspace,delete", "reset", "as configured", id="options.reset", key_display="0"),
    ]

    @dataclass
    class Changed(Message, namespace="options"):
        """A search goes by other figures now."""

        options: RecallOptions

    def __init__(self) -> None:
        super().__init__(id="options")
        self.options = RecallOptions(n=N_HITS)
        self.took_ms: float | None = None
        self._place = 0

    def show_time(self, took_ms: float | None) -> None:
        """How long the last search took."""
        self.took_ms = took_ms
        self.refresh()

    def render(self) -> Content:
        """The figures, and the time of the last search."""
        parts: list[Content | str] = [" "]
        for place, field in enumerate(_FIELDS):
            is_chosen = self.has_focus and place == self._place
            text = f"{field.label} {field.text(self.options)}"
            parts += [Content.styled(f"▸{text}◂", "bold $text-accent") if is_chosen else f" {text} "]
        time = "" if self.took_ms is None else f"{self.took_ms:.0f} ms"
        line = Content.assemble(*parts)
        room = self.size.width - line.cell_length - len(time) - 1
        return Content.assemble(line, " " * room, (time, "$text-muted")) if room > 0 else line

    def on_focus(self, _event: events.Focus) -> None:
        """Show which figure is changed."""
        self.refresh()

    def on_blur(self, _event: events.Blur) -> None:
        """Show that none is."""
        self.refresh()

    def action_choose(self, n: int) -> None:
        """Go to another figure."""
        self._place = (self._place + n) % len(_FIELDS)
        self.refresh()

    def action_change(self, n: int) -> None:
        """Make the figure larger or smaller."""
        name = _FIELDS[self._place].name
        self._set(name, _changed(name, getattr(self.options, name), n))

    def action_reset(self) -> None:
        """Go by what the configuration says."""
        name = _FIELDS[self._place].name
        self._set(name, N_HITS if name == "n" else None)

    def _set(self, name: str, value: float | None) -> None:
        changed: dict[str, Any] = {name: value}  # Any: as `replace` wants it for a name that is not known before
        options = replace(self.options, **changed)
        if options != self.options:
            self.options = options
            self.refresh()
            self.post_message(self.Changed(options))


def _changed(name: str, value: float | None, n: int) -> float:
    if name == "n":
        return min(_MOST_HITS, max(1, int(value or 1) + n))
    if name == "neighbours":
        return min(_MOST_NEIGHBOURS, max(0, int(value or 0) + (n if value is not None else max(0, n))))
    if value is None:
        return 0.3 if name == "min_score" else 0.7
    low = -1.0 if name == "min_score" else 0.0
    return min(1.0, max(low, round(value * _STEPS + n) / _STEPS))
