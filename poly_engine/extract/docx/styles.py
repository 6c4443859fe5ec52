"""What the styles of a DOCX say about paragraphs: which are headings, and which are items of lists."""

import re
from dataclasses import dataclass
from typing import Any

from poly_engine.extract.docx.names import W

_HEADING = re.compile(r"heading ([1-9])$", re.IGNORECASE)
_MAX_CHAIN = 20
_BODY = 9
"""The outline level of what is no heading."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a paragraph is: a heading of a `level` from 1 to 9, the title of the document, an item of the list with a
    number at a depth from 0 on. None is what is left open, to a style that it is based on.
    """

    level: int | None = None
    is_title: bool = False
    number: str | None = None
    depth: int | None = None

    def over(self, base: "Form") -> "Form":
        """The form itself, and where it leaves something open, that of `base`."""
        return Form(
            base.level if self.level is None else self.level,
            self.is_title or base.is_title,
            base.number if self.number is None else self.number,
            base.depth if self.depth is None else self.depth,
        )

    @property
    def item(self) -> tuple[str, int] | None:
        """The list and the depth in it, None if it is none; number 0 takes a paragraph out of its list."""
        return None if self.number in {None, "0"} else (self.number or "", self.depth or 0)


class Styles:
    """The styles by their ids; `root` is the part that defines them, or None."""

    def __init__(self, root: Any) -> None:  # Any: lxml carries no types
        styles = () if root is None else root.iter(W + "style")
        self._styles = {style.get(W + "styleId", ""): style for style in styles}
        self._forms: dict[str, Form] = {}

    def form(self, paragraph: Any) -> Form:
        """What a paragraph is, by itself and by its style."""
        properties = paragraph.find(W + "pPr")
        if properties is None:
            return Form()
        style = properties.find(W + "pStyle")
        return _own(properties).over(Form() if style is None else self._by_style(style.get(W + "val", "")))

    def _by_style(self, ident: str) -> Form:
        if ident not in self._forms:
            form = Form()
            for style in self._chain(ident):
                form = form.over(_of_style(style))
            self._forms[ident] = form
        return self._forms[ident]

    def _chain(self, ident: str) -> list[Any]:
        """A style, the one that it is based on, …"""
        chain: list[Any] = []
        while ident in self._styles and len(chain) < _MAX_CHAIN:
            chain.append(self._styles[ident])
            base = chain[-1].find(W + "basedOn")
            ident = "" if base is None else base.get(W + "val", "")
        return chain


def _of_style(style: Any) -> Form:
    name = style.find(W + "name")
    name = "" if name is None else name.get(W + "val", "")
    heading = _HEADING.match(name)
    by_name = Form(level=int(heading[1]) if heading else None, is_title=name.lower() == "title")
    properties = style.find(W + "pPr")
    return by_name if properties is None else _own(properties).over(by_name)


def _own(properties: Any) -> Form:
    outline, numbering = properties.find(W + "outlineLvl"), properties.find(W + "numPr")
    level, number, depth = None, None, None
    if outline is not None:
        value = number_of(outline, _BODY)
        level = value + 1 if value < _BODY else 0
    if numbering is not None:
        ident, ilvl = numbering.find(W + "numId"), numbering.find(W + "ilvl")
        number = None if ident is None else ident.get(W + "val")
        depth = None if ilvl is None else number_of(ilvl, 0)
    return Form(level, number=number, depth=depth)


def number_of(element: Any, default: int) -> int:
    """The number that is the value of a property, if it is one."""
    value = element.get(W + "val", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else default
