"""PDF: read by PDFium, page by page; what it cannot read, by pypdf."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # it carries no types
from pypdfium2 import raw

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.assembly import Assembly, readable
from poly_engine.extract.document import Extracted, Heading
from poly_engine.extract.garbage import MAX_READABLE_SHARE, MAX_SHARE, garbage_share
from poly_engine.extract.kinds import PDF
from poly_engine.extract.limits import Limits, too_many_pages
from poly_engine.extract.pdf_page import page_text, without_hyphens

if TYPE_CHECKING:
    from poly_engine.extract.pypdf_text import SecondOpinion

_MAX_TITLE_WORDS = 40
_CATALOG = re.compile(rb"\b(\d{1,7}) 0 obj\s*<<[^>]{0,200}/Type\s*/Catalog")


def read_pdf(content: bytes, password: str | None, limits: Limits) -> Extracted:
    """Read a PDF. Raises UnreadableDocument."""
    document = _opened(content, password)
    reading = PdfReading(document, content, password, limits)
    assembly = Assembly(limits)
    for text in reading.pages():
        assembly.add_page(text)
    if not assembly.size:
        raise reading.no_text()
    extracted = assembly.extracted(PDF)
    if document is None:
        return extracted
    for heading in _outline(document, extracted, limits):
        assembly.add_heading(heading)
    return assembly.extracted(PDF, document.get_metadata_dict().get("Title", ""))


class PdfReading:
    """One reading of a PDF, which PDFium may have failed to open: then its `document` is None."""

    def __init__(self, document: Any, content: bytes, password: str | None, limits: Limits) -> None:
        self._document = document  # Any: pypdfium2 carries no types
        self._content = content
        self._password = password
        self._limits = limits
        self._second: SecondOpinion | None = None
        self._n_pages = 0
        self._n_missing = 0
        self._n_garbled = 0

    def pages(self) -> Iterator[str]:
        """The text of each page. Raises UnreadableDocument if there are no pages, or too many."""
        if self._document is None:
            texts = self._second_opinion().pages()
        else:
            if len(self._document) > self._limits.pages:
                raise too_many_pages(len(self._document), self._limits)
            texts = map(self._page, range(len(self._document)))
        for text in texts:
            self._n_pages += 1
            yield self._if_readable(text)
        if not self._n_pages:
            reason = "no page can be found in it, it seems cut off or damaged: get it again, or print it to a PDF"
            raise UnreadableDocument("damaged", reason)

    def no_text(self) -> UnreadableDocument:
        """The error for a document in which there was nothing to read."""
        where = "page 1" if self._n_pages == 1 else f"pages 1-{self._n_pages}"
        if self._n_missing == self._n_pages:
            return UnreadableDocument("damaged", f"{where} cannot be loaded: get it again, or print it to a PDF")
        if self._n_garbled:
            reason = f"the fonts on {where} do not say what their characters mean"
        else:
            reason = f"there is no text layer on {where}"
        return UnreadableDocument("no_text", f"{reason}: run a recognition of characters (OCR) over it first")

    def _page(self, index: int) -> str:
        text = page_text(self._document, index)
        if text is None:
            other = self._second_opinion().page(index)
            self._n_missing += not other.strip()
            return other
        share = garbage_share(text)
        if share <= MAX_SHARE:
            return text
        other = self._second_opinion().page(index)
        return other if other.strip() and garbage_share(other) < share else text

    def _if_readable(self, text: str) -> str:
        if garbage_share(text) > MAX_READABLE_SHARE:
            self._n_garbled += 1
            return ""
        return readable(without_hyphens(text))

    def _second_opinion(self) -> "SecondOpinion":
        from poly_engine.extract.pypdf_text import SecondOpinion  # takes 0.3 s, and is seldom needed

        self._second = self._second or SecondOpinion(self._content, self._password, self._limits)
        return self._second


def _opened(content: bytes, password: str | None) -> Any:
    """The document, None if PDFium cannot open it."""
    document = _tried(content, password)
    catalog = None if document else _CATALOG.search(content)
    if catalog:  # the end is missing, and with it the trailer, which says where to begin
        document = _tried(content + b"\ntrailer << /Root %b 0 R >>\n%%%%EOF\n" % catalog[1], password)
    return document


def _tried(content: bytes, password: str | None) -> Any:
    try:
        document = pdfium.PdfDocument(content, password=password)
    except pdfium.PdfiumError as error:
        if error.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}:
            raise _encrypted(password) from error
        return None
    return document if len(document) else None


def _encrypted(password: str | None) -> UnreadableDocument:
    if password:
        return UnreadableDocument("encrypted", "it is encrypted, and not with the password that was given")
    return UnreadableDocument("encrypted", "it is encrypted: give its password, or save it without one")


def _outline(document: Any, extracted: Extracted, limits: Limits) -> Iterator[Heading]:
    """The entries of the outline, each where its title stands on its page, or else where the page begins."""
    starts = (*extracted.page_starts, len(extracted.text))
    for bookmark in islice(document.get_toc(), limits.headings):
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        title = " ".join(readable(bookmark.get_title()).split())
        if title and page is not None and 0 <= page < len(starts) - 1:
            start = _place(title, extracted.text, starts[page], starts[page + 1])
            yield Heading(start, bookmark.level + 1, title)


def _place(title: str, text: str, start: int, end: int) -> int:
    words = title.split()[:_MAX_TITLE_WORDS]
    match = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE).search(text, start, end)
    return match.start() if match else start
