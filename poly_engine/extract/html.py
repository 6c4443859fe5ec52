"""HTML: its text block by block, without scripts, styles, and what no reader sees."""

import re
from typing import Any

from lxml import etree, html  # type: ignore[import-untyped]  # it carries no types

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.assembly import Assembly, readable
from poly_engine.extract.document import Extracted
from poly_engine.extract.encodings import decode
from poly_engine.extract.limits import Limits

_UNSEEN = frozenset({"script", "style", "noscript", "template", "head", "iframe", "object"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "html", "legend", "li", "listing", "main", "menu", "nav", "ol", "optgroup", "option", "p",
    "pre", "search", "section", "select", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead",
    "title", "tr", "ul",
})  # fmt: skip
_LISTS = frozenset({"ul", "ol", "dl", "menu", "dir", "select"})
_CELLS = frozenset({"td", "th"})
_KEPT = frozenset({"pre", "textarea", "listing"})
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_BLANKS_BETWEEN = re.compile(r" {2,}")
_AROUND = re.compile(r" ?([\n\t]) ?")
_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,400}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE
)
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read_html(content: bytes, media_type: str, limits: Limits) -> Extracted:
    """Read an HTML document. Raises UnreadableDocument."""
    declared = _CHARSET.search(content[:4096])
    source = readable(decode(content, declared[1].decode("ascii", "replace") if declared else None))
    if source.count("<") > limits.elements * 2:
        raise UnreadableDocument("too_large", f"it has more than {limits.elements} elements: split it")
    # The text is given as UTF-8, whatever it declares. `huge_tree` lets elements be nested deeper than 256 levels,
    # where the library would leave the rest out without a word.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True)
    root = etree.fromstring(source.encode(), parser)
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise UnreadableDocument("too_large", "its elements are nested more than 2,000 levels deep")
    if root is None:
        raise UnreadableDocument("no_text", "there is no text in it")
    reading = HtmlReading(Assembly(limits))
    reading.walk(root)
    return reading.assembly.extracted(media_type, root.findtext(".//title") or "")


class HtmlReading:
    """A walk over a tree, which gathers the text of a block until another one begins."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._block: list[str] = []
        self._level = 0  # of the heading we are in
        self._n_kept = 0  # how many <pre> we are in
        self._n_lists = 0
        self._is_list_going_on = False
        self._grid: Any = None  # the table we are in, if it is one of rows and cells
        self._is_row_going_on = False
        self._skipped: Any = None

    def walk(self, root: Any) -> None:  # Any: lxml carries no types
        """Take all there is. It walks without recursion, as documents may be deep."""
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "start" and _is_unseen(element):
                self._skipped = element
                walk.skip_subtree()
            elif event == "start":
                self._begin(element)
                self._take(element.text)
            else:
                if element is not self._skipped:
                    self._end(element)
                self._take(element.tail)
        self._flush()

    def _begin(self, element: Any) -> None:
        tag = element.tag
        if tag == "br":
            self._block.append(" " if self._grid is not None else "\n")
        elif self._grid is not None:
            self._step_in_grid(tag)
        elif tag in _BLOCKS:
            self._flush()
        self._level = _LEVELS.get(tag, self._level)
        self._n_kept += tag in _KEPT
        if tag in _LISTS:
            self._is_list_going_on = self._n_lists > 0 and self._is_list_going_on
            self._n_lists += 1
        if tag == "table" and self._grid is None and _is_grid(element):
            self._grid = element

    def _end(self, element: Any) -> None:
        tag = element.tag
        if self._grid is not None and element is not self._grid:
            self._block.append(" " if tag in _BLOCKS else "")
        elif tag in _BLOCKS:
            self._flush()
        if element is self._grid:
            self._grid = None
        self._level = 0 if tag in _LEVELS else self._level
        self._n_kept -= tag in _KEPT
        self._n_lists -= tag in _LISTS

    def _step_in_grid(self, tag: str) -> None:
        """A table is one block: a row a line, its cells apart by a tab. Blocks within a cell are not kept apart."""
        if tag == "tr":
            self._block.append("\n")
            self._is_row_going_on = False
        elif tag in _CELLS:
            self._block.append("\t" if self._is_row_going_on else "")
            self._is_row_going_on = True
        elif tag in _BLOCKS:
            self._block.append(" ")

    def _take(self, text: str | None) -> None:
        if text:
            self._block.append(text if self._is_kept else _BLANKS.sub(" ", text))

    @property
    def _is_kept(self) -> bool:
        return self._n_kept > 0 and self._grid is None

    def _flush(self) -> None:
        """The block ends here."""
        text = "".join(self._block)
        self._block.clear()
        if not self._is_kept:
            text = _AROUND.sub(r"\1", _BLANKS_BETWEEN.sub(" ", text)).strip(" \n")
        if not text.strip():
            return
        self.assembly.add(text, level=self._level, apart="\n" if self._is_list_going_on and self._n_lists else "\n\n")
        self._level = 0
        self._is_list_going_on = self._n_lists > 0


def _is_unseen(element: Any) -> bool:
    return element.tag in _UNSEEN or "hidden" in element.attrib or bool(_INVISIBLE.search(element.get("style", "")))


def _is_grid(table: Any) -> bool:
    """Whether a table is one, and not there to lay out the page."""
    return next(table.iterdescendants("table", "pre", *_LEVELS), None) is None
