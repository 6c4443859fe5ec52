"""The numbers and bullets that Word puts in front of the items of lists; they are nowhere in the text."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from poly_engine.extract.docx.names import W
from poly_engine.extract.docx.styles import number_of

_PLACE = re.compile(r"%([1-9])")
_BULLET = "•"
_MAX_ROMAN = 3999
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Level:
    form: str
    text: str
    start: int


class Numbering:
    """Counts the items of the lists of one document, which has to be read in order. `root` is the part that defines
    them, or None.
    """

    def __init__(self, root: Any) -> None:  # Any: lxml carries no types
        elements = [] if root is None else list(root)
        abstract = {
            element.get(W + "abstractNumId"): element for element in elements if element.tag == W + "abstractNum"
        }
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counted_as: dict[str, str] = {}  # lists that share a definition go on counting where the other ended
        for element in elements:
            reference = element.find(W + "abstractNumId")
            if element.tag == W + "num" and reference is not None:
                number, definition = element.get(W + "numId", ""), reference.get(W + "val")
                overrides = element.findall(W + "lvlOverride")
                self._levels[number] = _levels(abstract.get(definition), overrides)
                self._counted_as[number] = number if overrides else f"abstract {definition}"
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)

    def label(self, number: str, depth: int) -> str:
        """What stands before the next item of a list, at a depth from 0 on; "" for nothing."""
        levels = self._levels.get(number, {})
        level = levels.get(depth)
        if level is None:
            return _BULLET
        if level.form == "bullet":
            return level.text if level.text.strip() and level.text < "\ue000" else _BULLET
        counts = self._counts[self._counted_as[number]]
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        return _PLACE.sub(lambda place: _count(int(place[1]) - 1, levels, counts), level.text)


def _levels(abstract: Any, overrides: list[Any]) -> dict[int, _Level]:
    found = {}
    definitions = [] if abstract is None else abstract.findall(W + "lvl")
    for element in [*definitions, *(level for override in overrides for level in override.findall(W + "lvl"))]:
        depth = element.get(W + "ilvl", "0")
        if depth.isdigit() and len(depth) == 1:
            form, text = _value(element, "numFmt", "decimal"), _value(element, "lvlText", "")
            start = element.find(W + "start")
            found[int(depth)] = _Level(form, text, 1 if start is None else number_of(start, 1))
    return found


def _count(depth: int, levels: dict[int, _Level], counts: dict[int, int]) -> str:
    level = levels.get(depth)
    if level is None:
        return ""
    return _FORMS.get(level.form, str)(counts.get(depth, level.start))


def _value(element: Any, name: str, default: str) -> str:
    child = element.find(W + name)
    return default if child is None else str(child.get(W + "val", default))


def _letter(number: int) -> str:
    """A to z, then aa to zz, as Word counts."""
    return chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 30)


def _roman(number: int) -> str:
    if number > _MAX_ROMAN:
        return str(number)
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letter,
    "upperLetter": lambda number: _letter(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
    "none": lambda number: "",  # noqa: ARG005 - it has the shape of the others
}
