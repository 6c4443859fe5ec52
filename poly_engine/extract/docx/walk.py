"""The walk over the XML of a DOCX in the order of the document, which python-docx does not offer: it leaves out
insertions, content controls, text boxes, fields, equations, notes and more.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from poly_engine.extract.docx.names import MC, A, M, W, is_on
from poly_engine.extract.docx.notes import Notes
from poly_engine.extract.docx.numbering import Numbering
from poly_engine.extract.docx.styles import Styles

_PARAGRAPH, _TABLE, _ROW, _CELL, _RUN = W + "p", W + "tbl", W + "tr", W + "tc", W + "r"
_BOX = W + "txbxContent"
_ALTERNATIVES, _CHOICE, _FALLBACK = MC + "AlternateContent", MC + "Choice", MC + "Fallback"
_TEXTS = frozenset({W + "t", M + "t", A + "t"})
_MARKS = {
    W + "tab": "\t",
    W + "ptab": "\t",
    W + "br": "\n",
    W + "cr": "\n",
    W + "noBreakHyphen": "-",
    A + "br": "\n",
}
_AROUND = {M + "den": "/{}", M + "sup": "^{}", M + "sub": "_{}", W + "rt": " ({}) ", A + "p": " {} "}
_WRAPPERS = frozenset(W + name for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"))
_REFERENCES = {W + "footnoteReference": "footnotes", W + "endnoteReference": "endnotes"}
_LEFT_OUT = frozenset(
    W + name
    for name in (
        *("del", "moveFrom", "delText", "instrText", "delInstrText"),
        *("rPr", "pPr", "sectPr", "sdtPr", "sdtEndPr", "tblPr", "tblGrid", "trPr", "tcPr", "rubyPr"),
    )
)
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or a table; `level` is that of a heading or 0."""

    text: str
    level: int = 0
    is_title: bool = False
    is_item: bool = False


class Walk:
    """Reads the blocks of parts of a document, which share what is counted: the items of lists, and the notes."""

    def __init__(self, styles: Styles, numbering: Numbering, notes: Notes) -> None:
        self._styles = styles
        self._numbering = numbering
        self._notes = notes

    def blocks(self, container: Any) -> Iterator[Block]:  # Any: lxml carries no types
        """The blocks in an element, in order."""
        for child in _seen(container):
            if child.tag == _PARAGRAPH:
                yield from self._paragraph(child)
            elif child.tag == _TABLE:
                yield from self._table(child)
            else:
                yield from self.blocks(child)

    def _paragraph(self, paragraph: Any) -> Iterator[Block]:
        behind: list[Block] = []
        text = "".join(self._inline(paragraph, behind))
        if text.strip():
            form = self._styles.form(paragraph)
            label = self._numbering.label(*form.item) if form.item else ""
            text = f"{label} {text}" if label else text
            yield Block(text, form.level or 0, form.is_title, form.item is not None)
        yield from behind

    def _inline(self, element: Any, behind: list[Block]) -> Iterator[str]:
        """The text within a paragraph; what does not stand in its lines goes `behind`."""
        for child in _seen(element):
            tag = child.tag
            if tag in _TEXTS:
                yield _BLANKS.sub(" ", child.text or "")
            elif tag in _MARKS:
                yield _MARKS[tag]
            elif tag == _BOX:
                behind.extend(self.blocks(child))
            elif tag in _REFERENCES:
                yield self._note(_REFERENCES[tag], child.get(W + "id", ""), behind)
            elif tag in _AROUND:
                inner = "".join(self._inline(child, behind))
                yield _AROUND[tag].format(inner) if inner.strip() else ""
            elif tag != _RUN or not _is_hidden(child):
                yield from self._inline(child, behind)

    def _note(self, kind: str, ident: str, behind: list[Block]) -> str:
        """The mark of a note; its text goes behind the paragraph, the first time that it is referred to."""
        note = self._notes.take(kind, ident)
        if note.element is not None:
            text = " ".join(block.text for block in self.blocks(note.element)).strip()
            behind.append(Block(f"{note.mark} {text}" if text else ""))
        return note.mark

    def _table(self, table: Any) -> Iterator[Block]:
        rows = [list(_within(row, _CELL)) for row in _within(table, _ROW)]
        if len(rows) == 1 and len(rows[0]) == 1:
            yield from self.blocks(rows[0][0])  # a frame around something, and no table
        else:
            yield Block("\n".join("\t".join(map(self._cell, row)) for row in rows))

    def _cell(self, cell: Any) -> str:
        """What is in a cell, in one line. One that is merged with the one before it holds nothing."""
        for name in ("vMerge", "hMerge"):
            merge = cell.find(f"{W}tcPr/{W}{name}")
            if merge is not None and merge.get(W + "val") != "restart":
                return ""
        return _BLANKS.sub(" ", " ".join(block.text for block in self.blocks(cell))).strip()


def _seen(element: Any) -> Iterator[Any]:
    """The children that a reader sees something of: of alternatives one, and nothing that was deleted."""
    for child in element:
        if child.tag == _ALTERNATIVES:
            choice = child.find(_CHOICE)
            choice = child.find(_FALLBACK) if choice is None else choice
            yield from () if choice is None else _seen(choice)
        elif isinstance(child.tag, str) and child.tag not in _LEFT_OUT and not _is_deleted(child):
            yield child


def _within(element: Any, tag: str) -> Iterator[Any]:
    """The rows of a table or the cells of a row, which may be wrapped."""
    for child in _seen(element):
        if child.tag == tag:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _within(child, tag)


def _is_deleted(element: Any) -> bool:
    if element.tag == _ROW:
        return element.find(f"{W}trPr/{W}del") is not None
    return element.tag == _CELL and element.find(f"{W}tcPr/{W}cellDel") is not None


def _is_hidden(run: Any) -> bool:
    return is_on(run.find(f"{W}rPr/{W}vanish"))
