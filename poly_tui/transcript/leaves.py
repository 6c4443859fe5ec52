"""The leaves of a piece of markdown: its paragraphs, headings, tables, fences, each with the quotes and list items that
it stands in.

The parser is markdown-it; here its tokens become a flat list, and it is known how to open the same quotes and items
again, so that a text may be cut in front of any leaf and parsed on from there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from poly_tui.transcript.inline import parser

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["Container", "Leaf", "LeafKind", "leaves_of", "reopened"]

_QUOTE = re.compile(" {0,3}> ?")
_ITEM = re.compile(r"( {0,3})([-+*]|\d{1,9}[.)])( *)")


class LeafKind(Enum):
    """What a leaf is."""

    PARAGRAPH = auto()
    HEADING = auto()
    FENCE = auto()
    CODE = auto()
    TABLE = auto()
    RULE = auto()
    NOTHING = auto()
    """An item without anything in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """A quote, or the item of a list that has `marker`; `line` is the one that opens it."""

    line: int
    marker: str = ""


@dataclass(slots=True)
class Leaf:
    """Lines [first:end] of a text, inside the containers of `path`, the outermost first.

    `content` is the text of a paragraph or heading, or the lines of code. `rows` are the lines of a table, each with
    its cells, the header first.
    """

    kind: LeafKind
    first: int
    end: int
    path: tuple[Container, ...]
    content: str = ""
    level: int = 0
    language: str = ""
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    aligns: list[str] = field(default_factory=list)

    @property
    def code_lines(self) -> list[str]:
        """The lines of code."""
        return self.content.split("\n")[:-1]

    @property
    def is_open_fence(self) -> bool:
        """Whether this is a fence that was not closed yet."""
        return self.kind is LeafKind.FENCE and self.end - self.first - 1 <= len(self.code_lines)


@dataclass(frozen=True, slots=True)
class Reopened:
    """Lines that open containers, and the margin of further lines inside them."""

    lines: list[str]
    margin: str


def leaves_of(lines: Sequence[str]) -> list[Leaf]:
    """Parse a text."""
    tokens: list[Token] = []
    markdown = parser()
    markdown.block.parse("".join(f"{line}\n" for line in lines), markdown, {}, tokens)
    return list(_leaves(tokens))


def reopened(lines: Sequence[str], leaf: Leaf, line: int) -> Reopened | None:
    """Return how the containers of `leaf` are opened once more before number `line`, which goes on inside them.
    Containers that this line opens by itself are left alone. None if the indentation is beyond us (tabs).
    """
    widths = _widths(lines, leaf)
    if widths is None:
        return None
    prefix: list[str] = []
    margin = ""
    for container, (indent, width) in zip(leaf.path, widths, strict=True):
        if container.line < line and container.marker:
            prefix.append(margin + " " * indent + container.marker)
        margin += " " * width if container.marker else "> "
    return Reopened(prefix, margin)


def _widths(lines: Sequence[str], leaf: Leaf) -> list[tuple[int, int]] | None:
    """How far each container of the path is indented, and how wide its margin is."""
    widths: list[tuple[int, int]] = []
    for depth, container in enumerate(leaf.path):
        line, start = lines[container.line], 0
        for outer, (_, width) in zip(leaf.path[:depth], widths, strict=True):
            start = start + width if outer.marker else _end_of_quote(line, start)
        item = _ITEM.match(line[start:]) if container.marker else None
        if container.marker and item is None:
            return None
        widths.append(_measured(line[start:], item) if item else (0, 2))
    return widths


def _end_of_quote(line: str, start: int) -> int:
    quote = _QUOTE.match(line[start:])
    return start + quote.end() if quote else start


def _measured(line: str, item: re.Match[str]) -> tuple[int, int]:
    """The indentation that makes an item with an empty first line as wide as `item`, and that width."""
    n_spaces = len(item[3])
    is_blank = item.end() == len(line)
    width = len(item[1]) + len(item[2]) + (n_spaces if 1 <= n_spaces <= 4 and not is_blank else 1)
    return min(3, width - len(item[2]) - 1), width


def _leaves(tokens: "Sequence[Token]") -> Iterator[Leaf]:
    path: list[Container] = []
    is_empty = False  # the container that was opened last holds nothing yet
    leaf: Leaf | None = None
    for token in tokens:
        match token.type:
            case "blockquote_open" | "list_item_open":
                first, _ = token.map or (0, 0)
                path.append(Container(first, token.info + token.markup if token.type == "list_item_open" else ""))
                is_empty = True
            case "blockquote_close" | "list_item_close":
                if is_empty:
                    first = path[-1].line
                    yield Leaf(LeafKind.NOTHING, first, first + 1, tuple(path))
                    is_empty = False
                path.pop()
            case "paragraph_close" | "heading_close" | "table_close":
                assert leaf is not None
                yield leaf
                leaf = None
            case _ if leaf is not None:
                _fill(leaf, token)
            case _ if token.type in _KINDS:
                is_empty = False
                leaf = _begin(token, path)
                if not token.nesting:
                    yield leaf
                    leaf = None


_KINDS = {
    "paragraph_open": LeafKind.PARAGRAPH,
    "heading_open": LeafKind.HEADING,
    "table_open": LeafKind.TABLE,
    "fence": LeafKind.FENCE,
    "code_block": LeafKind.CODE,
    "hr": LeafKind.RULE,
}


def _begin(token: "Token", path: Sequence[Container]) -> Leaf:
    first, end = token.map or (0, 0)
    words = token.info.split()
    level = int(token.tag[1:]) if token.type == "heading_open" else 0
    return Leaf(_KINDS[token.type], first, end, tuple(path), token.content, level, words[0] if words else "")


def _fill(leaf: Leaf, token: "Token") -> None:
    """Take in a token that lies inside a leaf."""
    if token.type == "tr_open":
        leaf.rows.append(((token.map or (leaf.end,))[0], []))
    elif token.type == "th_open":
        leaf.aligns.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
    elif token.type == "inline" and leaf.kind is LeafKind.TABLE:
        leaf.rows[-1][1].append(token.content)
    elif token.type == "inline":
        leaf.content = token.content
