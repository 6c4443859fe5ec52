"""What somebody types into the editor of a biaser: checked, with the place of what is wrong."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from poly_engine.config.schemas import check
from poly_engine.errors import InvalidSchema, json_path
from poly_engine.types import Bias, BiasKind
from poly_tui.screens.tune.lists import BadText, format_texts, parse_texts
from poly_tui.screens.tune.places import Place, place_of

__all__ = ["FILE", "KINDS", "Fault", "biaser_of", "fault_of", "text_of"]

FILE = "json_schema_file"

KINDS: Sequence[str] = ("json_schema", FILE, "choice", "regex", "lark", "gbnf")
"""The keys of a biaser. In a file there is a JSON schema, too, which is edited in its place."""


_PLACE = re.compile(r"(?:at )?(\d+)\((\d+)\): ")
"""Line and column, as llguidance tells them of a grammar in Lark."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text, and where."""

    words: str
    place: Place

    @property
    def told(self) -> str:
        """The fault with its place, as editors count."""
        return f"line {self.place[0] + 1}, column {self.place[1] + 1}: {self.words}"


def fault_of(kind: str, text: str) -> Fault | None:
    """What is wrong with a biaser of a kind that is written so, None if it can be enforced.

    Compiling it can take a second.
    """
    if kind in ("json_schema", FILE):
        return _schema_fault(text, is_in_toml=kind == "json_schema")
    if not text.strip():
        return Fault("is empty: nothing would fit it", (0, 0))
    try:
        check(_bias(kind, text))
    except BadText as error:
        return Fault(str(error), (error.row, error.column))
    except InvalidSchema as error:
        place = _PLACE.match(str(error)) if kind == "lark" else None
        if place is None:
            return Fault(str(error), (0, 0))
        return Fault(str(error)[place.end() :], (int(place[1]) - 1, int(place[2]) - 1))
    return None


def _schema_fault(text: str, *, is_in_toml: bool) -> Fault | None:
    try:
        schema = json.loads(text)
    except json.JSONDecodeError as error:
        return Fault(f"this is not JSON: {error.msg}", (error.lineno - 1, error.colno - 1))
    except (ValueError, RecursionError) as error:
        return Fault(f"this is not JSON that can be used: {error}", (0, 0))
    if is_in_toml:
        if not isinstance(schema, dict):
            return Fault("a schema in the configuration is a table: { … }", (0, 0))
        for path in _nulls(schema, ()):
            words = f"{json_path(path)}: TOML has no null; keep the schema in a file of its own ({FILE})"
            return Fault(words, place_of(text, path))
    try:
        check(Bias("json_schema", text))
    except InvalidSchema as error:
        words = f"{json_path(error.where)}: {error.reason}" if error.where else error.reason
        return Fault(words, place_of(text, error.where))
    return None


def _nulls(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if value is None:
        yield path
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _nulls(child, (*path, key))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _nulls(child, (*path, number))


def _bias(kind: str, text: str) -> Bias:
    if kind == "choice":
        return Bias("choice", json.dumps(parse_texts(text)))
    kinds: Mapping[str, BiasKind] = {"regex": "regex", "lark": "lark", "gbnf": "gbnf"}
    return Bias(kinds[kind], text)


def biaser_of(kind: str, text: str, file: str = "") -> dict[str, object]:
    """The biaser that is written so; `file` is where its schema is. Raises ValueError for a text without a value."""
    match kind:
        case "json_schema":
            schema = json.loads(text)
            if not isinstance(schema, dict):
                raise ValueError("a schema in the configuration is a table")  # noqa: TRY004 - of a text
            return {kind: schema}
        case "json_schema_file":
            return {kind: file}
        case "choice":
            return {kind: list(parse_texts(text))}
        case _:
            return {kind: text}


def text_of(kind: str, value: object) -> str:
    """A biaser as it is written in the editor."""
    if kind == "json_schema":
        return json.dumps(value, indent=2, ensure_ascii=False)
    if kind == "choice" and isinstance(value, list | tuple):
        return format_texts([str(text) for text in value])
    return str(value)
