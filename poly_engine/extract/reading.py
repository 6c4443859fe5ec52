"""Reading a document, whatever its type, in the process that may be ended for it."""

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.document import Extracted
from poly_engine.extract.kinds import DOCX, HTML, PDF, XHTML, kind_of
from poly_engine.extract.limits import Limits


def read(content: bytes, name: str, claimed: str | None, password: str | None, limits: Limits) -> Extracted:
    """Read a document. Raises UnreadableDocument, or whatever the libraries make of damaged files."""
    if not content.strip(b" \t\r\n\0"):
        raise UnreadableDocument("no_text", "it is empty")
    kind = kind_of(content, name, claimed)
    # Loaded when they are needed: each takes a tenth of a second or more.
    if kind == PDF:
        from poly_engine.extract.pdf import read_pdf

        return read_pdf(content, password, limits)
    if kind == DOCX:
        from poly_engine.extract.docx import read_docx

        return read_docx(content, limits)
    if kind in {HTML, XHTML}:
        from poly_engine.extract.html import read_html

        return read_html(content, kind, limits)
    from poly_engine.extract.plain import read_text

    return read_text(content, kind, limits)
