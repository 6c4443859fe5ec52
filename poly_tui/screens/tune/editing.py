"""How each kind of field is edited: which card is shown, and what its result does to the draft."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.app import App

from poly_tui.screens.tune.cards import LineCard, NameCard, TextCard
from poly_tui.screens.tune.draft import Draft, effective_default
from poly_tui.screens.tune.fields import BIASER, Field, Kind, steps_of
from poly_tui.screens.tune.lists import BadText, format_texts, parse_texts
from poly_tui.screens.tune.schema_card import SchemaCard, Written
from poly_tui.screens.tune.schemas import FILE, biaser_of, text_of

__all__ = ["edit", "next_name", "parse_number", "schema_file_of", "step", "take_written"]


async def edit(app: App[Any], draft: Draft, field: Field, names: Sequence[str], typed: Callable[[], str]) -> None:
    """Have a field edited. `names` are those that there are, of a field that takes one; `typed` says how a number
    begins, as far as it was typed by then.
    """
    match field.kind:
        case Kind.SWITCH:
            draft.set(field.where, not _value(draft, field))
        case Kind.NAME:
            chosen = await app.push_screen_wait(NameCard(field.name, names, str(draft.value(field.where) or "")))
            if chosen is not None:
                draft.set(field.where, chosen)
        case Kind.WHOLE | Kind.NUMBER:
            await _edit_number(app, draft, field, typed)
        case Kind.TEXT:
            text = await app.push_screen_wait(TextCard(field.name, str(_value(draft, field) or ""), field.about))
            if text is not None:
                _put(draft, field, text)
        case Kind.TEXTS:
            await _edit_texts(app, draft, field)
        case Kind.BIASER:
            await _edit_biaser(app, draft)


def step(draft: Draft, field: Field, n_steps: int, *, is_big: bool) -> None:
    """Move a number up or down; one without a value begins at its default, or at its least."""
    value = _value(draft, field)
    if not isinstance(value, int | float):
        value = field.low or 0
    small, big = steps_of(field)
    draft.set(field.where, field.clamped(value + n_steps * (big if is_big else small)))


def next_name(draft: Draft, field: Field, names: Sequence[str], n_steps: int) -> None:
    """Take the next of the names that there are."""
    if names:
        current = draft.value(field.where)
        place = names.index(str(current)) + n_steps if current in names else 0
        draft.set(field.where, names[place % len(names)])


def parse_number(field: Field, text: str) -> int | float:
    """The number that is written so. Raises ValueError that says what would be right."""
    try:
        number: int | float = int(text)
    except ValueError:
        try:
            number = float(text.replace(",", ".", 1))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"must be {field.kind.value}, not {text}") from None
        if field.kind is Kind.WHOLE:
            raise ValueError(f"must be {field.kind.value}, not {text}") from None
    is_low = field.low is not None and (number <= field.low if field.is_open else number < field.low)
    if is_low or (field.high is not None and number > field.high):
        raise ValueError(f"must be {field.limits}, not {text}")
    return number


def take_written(draft: Draft, written: Written) -> None:
    """Have the answer look as it was written. No text is no biaser."""
    if not written.text.strip():
        draft.unset(BIASER)
    elif written.kind == FILE:
        draft.set_biaser({FILE: schema_file_of(draft)}, written.text)
    else:
        draft.set_biaser(biaser_of(written.kind, written.text), draft.saved.schema_text)


def schema_file_of(draft: Draft) -> str:
    """The file of the schema, as it is written in the configuration; beside it, if there is none yet."""
    named = draft.current.schema_file or draft.saved.schema_file
    return named or re.sub(r"[^\w.-]+", "-", draft.name) + ".schema.json"


async def _edit_number(app: App[Any], draft: Draft, field: Field, typed: Callable[[], str]) -> None:
    def check(text: str) -> str:
        try:
            parse_number(field, text) if text else None
        except ValueError as error:
            return str(error)
        return ""

    value = draft.value(field.where)
    about = " · ".join(filter(None, (field.limits, "nothing for the default")))
    card = LineCard(field.name, "" if value is None else str(value), about, check, typed)
    text = await app.push_screen_wait(card)
    if text is not None:
        _put(draft, field, parse_number(field, text) if text else None)


async def _edit_texts(app: App[Any], draft: Draft, field: Field) -> None:
    def check(text: str) -> str:
        try:
            parse_texts(text)
        except BadText as error:
            return f"line {error.row + 1}: {error}"
        return ""

    value = draft.value(field.where)
    texts = [str(text) for text in value] if isinstance(value, list | tuple) else []
    about = f"{field.about} One in each line; \\n is the end of one."
    text = await app.push_screen_wait(TextCard(field.name, format_texts(texts), about, check))
    if text is not None:
        _put(draft, field, list(parse_texts(text)))


async def _edit_biaser(app: App[Any], draft: Draft) -> None:
    given = draft.value(BIASER)
    biaser: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    texts = {kind: text_of(kind, value) for kind, value in biaser.items()}
    texts[FILE] = draft.current.schema_text or draft.saved.schema_text or ""
    card = SchemaCard(next(iter(biaser), "json_schema"), texts, schema_file_of(draft))
    written = await app.push_screen_wait(card)
    if written is not None:
        take_written(draft, written)


def _put(draft: Draft, field: Field, value: object) -> None:
    """Give a field a value; nothing is its default."""
    if value is None or value in ("", [], ()):
        draft.unset(field.where)
    else:
        draft.set(field.where, value)


def _value(draft: Draft, field: Field) -> object:
    """What counts for a field."""
    value = draft.value(field.where)
    return effective_default(field, draft.current.values) if value is None else value
