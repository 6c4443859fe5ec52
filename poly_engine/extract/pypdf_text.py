"""A second opinion on PDF: pypdf, which is slow, but opens some files and pages that PDFium does not."""

import io
import time
import zlib
from collections.abc import Iterator

import pypdf
from pypdf.errors import PyPdfError

from poly_engine.extract.limits import Limits, too_many_pages

_FAILURES = (
    PyPdfError, ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, OSError,
    RecursionError, TypeError, ValueError, zlib.error,
)  # fmt: skip
"""What pypdf raises at damaged files."""


class SecondOpinion:
    """Reads pages of a PDF with pypdf, for at most a third of the time that the whole document may take."""

    def __init__(self, content: bytes, password: str | None, limits: Limits) -> None:
        self._content = content
        self._password = password
        self._limits = limits
        self._deadline = time.process_time() + limits.cpu_s / 3
        self._reader: pypdf.PdfReader | None = None
        self._has_failed = False

    def page(self, index: int) -> str:
        """The text of a page, "" where there is none or it is not to be had."""
        try:
            reader = self._opened()
            return reader.pages[index].extract_text() if reader else ""
        except _FAILURES:
            return ""

    def pages(self) -> Iterator[str]:
        """The text of all pages, none where that is not to be had. Raises UnreadableDocument if there are too many."""
        try:
            reader = self._opened()
            n_pages = len(reader.pages) if reader else 0
        except _FAILURES:
            return iter(())
        if n_pages > self._limits.pages:
            raise too_many_pages(n_pages, self._limits)
        return map(self.page, range(n_pages))

    def _opened(self) -> pypdf.PdfReader | None:
        if self._has_failed or time.process_time() > self._deadline:
            return None
        if self._reader is None:
            self._has_failed = True  # until it is open
            reader = pypdf.PdfReader(io.BytesIO(self._content), strict=False)
            if reader.is_encrypted and not reader.decrypt(self._password or ""):
                return None
            self._reader, self._has_failed = reader, False
        return self._reader
