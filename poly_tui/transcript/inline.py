"""What stands inside a paragraph of markdown: emphasis, code, links, citations."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from poly_tui.transcript.clean import clean, drawable
from poly_tui.transcript.ink import PLAIN, Brush, Ink, Inked

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["inline_lines", "parser"]

_CITATIONS = re.compile(r"\[\d{1,3}(?:, ?\d{1,3})*\]")
_CITATION = re.compile(r"[\[, ]*(\d+)\]?")
_SAFE_LINK = re.compile("(?:https?|mailto):", re.IGNORECASE)


@cache
def parser() -> "MarkdownIt":
    """CommonMark with tables and strike-through, without HTML, and without definitions of links, which would change
    what was read long ago.
    """
    from markdown_it import MarkdownIt  # takes 40 ms, and the first answer is early enough

    rules = ["html_block", "html_inline", "reference"]
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(rules)


@lru_cache(256)  # the same open rows of a table are rendered again with every token
def inline_lines(source: str, brush: Brush = PLAIN) -> tuple[Inked, ...]:
    """Return the lines of a paragraph; at least one. A newline of the source begins a new one."""
    lines: list[list[Inked]] = [[]]
    brushes = [brush]
    for child in parser().parseInline(source)[0].children or ():
        if child.type in ("softbreak", "hardbreak"):
            lines.append([])
        elif child.nesting > 0:
            brushes.append(_change(brushes[-1], child))
        elif child.nesting < 0:
            brushes.pop()
        else:
            lines[-1] += _inked(child, brushes[-1])
    return tuple(Inked.join(line).rstrip() for line in lines)


def _change(brush: Brush, token: "Token") -> Brush:
    """The brush behind the beginning of a stretch."""
    match token.tag:
        case "strong":
            return replace(brush, is_bold=True)
        case "em":
            return replace(brush, is_italic=True)
        case "s":
            return replace(brush, is_struck=True)
        case "a":
            return replace(brush, ink=Ink.LINK, link=_address(token, "href"))
    return brush


def _inked(token: "Token", brush: Brush) -> Iterator[Inked]:
    text = drawable(clean(token.content))  # an entity such as &#27; is a control code only now
    if token.type == "code_inline":
        yield Inked.of(text, replace(brush, ink=Ink.CODE))
    elif token.type == "image":
        yield Inked.of(text or "image", replace(brush, ink=Ink.LINK, link=_address(token, "src")))
    elif brush.link:
        yield Inked.of(text, brush)
    else:
        yield from _with_citations(text, brush)


def _with_citations(text: str, brush: Brush) -> Iterator[Inked]:
    start = 0
    for numbers in _CITATIONS.finditer(text):
        yield Inked.of(text[start : numbers.start()], brush)
        for one in _CITATION.finditer(numbers[0]):
            yield Inked.of(one[0], replace(brush, ink=Ink.CITATION, citation=int(one[1])))
        start = numbers.end()
    yield Inked.of(text[start:], brush)


def _address(token: "Token", name: str) -> str:
    """Where a link leads, if it is to a place that a click may open."""
    address = clean(str(token.attrs.get(name, "")))
    return address if _SAFE_LINK.match(address) else ""
