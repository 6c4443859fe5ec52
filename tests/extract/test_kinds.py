"""What type a document is of, and what is said of those that cannot be read."""

import io
import zipfile

import pytest

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.kinds import DOCX, HTML, MARKDOWN, PDF, PLAIN, kind_of
from tests.extract.docx_files import docx_of, paragraph, zip_of
from tests.extract.pdf_files import text_pdf

A_PDF = text_pdf(["x"])
A_DOCX = docx_of(paragraph("x"))


@pytest.mark.parametrize(
    ("content", "name", "claimed", "kind"),
    [
        (A_PDF, "", None, PDF),
        (b"junk before it\n" + A_PDF, "", None, PDF),
        (A_PDF, "report", None, PDF),
        (A_DOCX, "", None, DOCX),
        (b"  <!DOCTYPE html><p>x", "", None, HTML),
        (b"\xef\xbb\xbf<HTML>", "", None, HTML),
        ("<html>".encode("utf-16"), "", None, PLAIN),
        (b"# x", "", None, PLAIN),
        (b"# x", "README.MD", None, MARKDOWN),
        (b"a,b", "table.csv", None, "text/csv"),
        (b"{}", "", "application/json; charset=utf-8", "application/json"),
        (b"# x", "a.txt", "text/markdown", MARKDOWN),
        (b"<html>", "a.txt", None, PLAIN),
        (b"x", "a.unknown", None, PLAIN),
    ],
)
def test_the_type_is_what_is_claimed_or_named_or_found(
    content: bytes, name: str, claimed: str | None, kind: str
) -> None:
    assert kind_of(content, name, claimed) == kind


@pytest.mark.parametrize(
    ("content", "name", "claimed", "complaint"),
    [
        (b"<html>log in</html>", "a.pdf", None, "not a PDF: it begins with '<html>log in"),
        (A_PDF, "a.docx", None, "not a DOCX: it begins with '%PDF-1.7"),
        (A_PDF, "a.txt", None, "not text/plain: it begins with '%PDF"),
        (A_DOCX, "", "text/html", "not text/html: it begins with 'PK"),
        (b"x", "", "image/png", "no reader for the type 'image/png'"),
        (b"\x89PNG\r\n\x1a\n", "a.txt", None, "it is a PNG image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", None, "old Office"),
        (zip_of({"xl/workbook.xml": "x"}), "", None, "an Excel workbook; save it as CSV"),
        (zip_of({"a.txt": "x"}), "", None, "a zip archive without a document"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, name: str, claimed: str | None, complaint: str) -> None:
    with pytest.raises(UnreadableDocument, match=complaint) as caught:
        kind_of(content, name, claimed)

    assert caught.value.cause == "unsupported_type"


def test_an_office_file_with_a_password_is_called_encrypted() -> None:
    with pytest.raises(UnreadableDocument) as caught:
        kind_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100) + "EncryptedPackage".encode("utf-16-le"), "a.docx")

    assert caught.value.cause == "encrypted"


def test_an_archive_that_is_cut_off_is_damaged() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "x" * 1000)

    with pytest.raises(UnreadableDocument) as caught:
        kind_of(out.getvalue()[:-30])

    assert caught.value.cause == "damaged"
