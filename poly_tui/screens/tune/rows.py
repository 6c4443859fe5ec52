"""A field of a task as one row: its name, its value, a slider where there is one, and what is saved."""

from collections.abc import Mapping
from dataclasses import dataclass

from textual.content import Content

from poly_tui.screens.tune.draft import Draft, effective_default
from poly_tui.screens.tune.fields import BIASER, Field, Kind, scale_of
from poly_tui.screens.tune.lists import quoted
from poly_tui.screens.tune.values import lookup
from poly_tui.transcript.clean import clean

__all__ = ["Shape", "field_row", "saved_words", "value_words"]

NUMBER_WIDTH = 7


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide a row is, and the name in it."""

    width: int

    @property
    def name(self) -> int:
        """Cells for the name."""
        return 27 if self.width >= 56 else 15

    @property
    def slider(self) -> int:
        """Cells for a slider; 0 where there is no room for a useful one."""
        room = self.width - 2 - self.name - NUMBER_WIDTH - len("  (saved 0.40)")
        return min(24, room) if room >= 8 else max(0, min(10, self.width - self.name - NUMBER_WIDTH - 4))


def field_row(field: Field, draft: Draft, problem: str, shape: Shape, *, is_fixed: bool) -> Content:
    """The row of a field. `is_fixed` says that it cannot be changed."""
    is_changed = draft.is_changed(field.where)
    label = field.where[-1]
    name = label if len(label) <= shape.name - 1 else f"{label[: shape.name - 2]}…"
    parts: list[str | Content | tuple[str, str]] = [
        ("● ", "$text-warning") if is_changed else "  ",
        (name.ljust(shape.name), "dim" if is_fixed else ""),
        _value(field, draft, shape),
    ]
    if problem:
        parts.append((f"  ! {clean(problem)}", "$text-error"))
    row = Content.assemble(*parts)
    saved = Content.styled(saved_words(field, draft), "dim")
    if row.cell_length + saved.cell_length <= shape.width:
        row = Content.assemble(row, saved)
    return row.truncate(shape.width, ellipsis=True)


def value_words(field: Field, value: object) -> str:
    """A value in one line; what takes several lines is cut."""
    match value:
        case None:
            return "—"
        case bool():
            return "● yes" if value else "○ no"
        case float() | int():
            return f"{value:g}" if isinstance(value, int) or value != round(value, 2) else f"{value:.2f}"
        case list() | tuple():
            return "  ".join(quoted(str(text)) for text in value) or "none"
        case Mapping():
            return _biaser_words(value)
    text = clean(str(value))
    lines = text.splitlines()
    if field.kind is Kind.NAME:
        return f"{text} ▾"
    return text if len(lines) < 2 else f"{next(filter(None, lines), '')}  ⏎ {len(lines)} lines"


def saved_words(field: Field, draft: Draft) -> str:
    """What is saved of a field that is changed, in a few words; nothing of a task that is new as a whole."""
    if draft.is_new or not draft.is_changed(field.where):
        return ""
    return f"  (saved {_saved(field, draft)})"


def _saved(field: Field, draft: Draft) -> str:
    if field.where == BIASER and draft.current.schema_text != draft.saved.schema_text:
        return "another text of the file"
    saved = lookup(draft.saved.values, field.where)
    if saved is None:
        return "not set"
    words = value_words(field, saved).removesuffix(" ▾")
    return words if len(words) <= 24 else f"{words[:23]}…"


def _value(field: Field, draft: Draft, shape: Shape) -> Content:
    given = draft.value(field.where)
    value = effective_default(field, draft.current.values) if given is None else given
    if value in ((), [], "") and given is None:
        value = None
    style = "dim" if given is None else ""
    words = value_words(field, value)
    scale = scale_of(field)
    if scale is None or not isinstance(value, int | float):
        return Content.styled(words, style)
    return Content.assemble((words.ljust(NUMBER_WIDTH), style), _slider(scale.share(value), shape.slider, style))


def _slider(share: float, width: int, style: str) -> Content:
    if width < 4:
        return Content("")
    knob = round(share * (width - 1))
    return Content.assemble(
        ("━" * knob, style or "$text-primary"), ("●", style or "bold"), ("─" * (width - 1 - knob), "dim")
    )


def _biaser_words(biaser: Mapping[str, object]) -> str:
    if not biaser:
        return "nothing"
    kind, value = next(iter(biaser.items()))
    match kind, value:
        case "json_schema", Mapping():
            properties = value.get("properties")
            names = ", ".join(map(str, properties)) if isinstance(properties, Mapping) else value.get("type", "any")
            return f"{kind} {clean(str(names))}"
        case "choice", list() | tuple():
            return f"{kind} {'  '.join(quoted(str(text)) for text in value)}"
    return f"{kind} {' '.join(clean(str(value)).split())}"
