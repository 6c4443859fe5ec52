"""What type a document is of: by what is claimed, by its name, by its first bytes; and whether these agree."""

import codecs
import io
import re
import zipfile
from pathlib import PurePath

from poly_engine.errors import UnreadableDocument

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html"
XHTML = "application/xhtml+xml"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"

_BY_EXTENSION = {
    ".pdf": PDF,
    ".docx": DOCX,
    ".docm": DOCX,
    ".dotx": DOCX,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": XHTML,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".mdown": MARKDOWN,
    ".txt": PLAIN,
    ".text": PLAIN,
    ".log": PLAIN,
    ".rst": PLAIN,
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
}
_TEXTS = {"application/json", "application/xml", "application/yaml", "application/toml", "application/x-ndjson"}
_READABLE = "PDF, DOCX, HTML, Markdown and plain text can be read"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = {
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"{\\rtf": "an RTF document; save it as DOCX",
    b"%!PS": "a PostScript file; convert it to PDF",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"BZh": "a bzip2 archive; unpack it first",
    b"\xfd7zXZ\0": "an xz archive; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Rar!\x1a\x07": "a RAR archive; unpack it first",
    b"\x7fELF": "a program",
    b"SQLite format 3\0": "an SQLite database",
    b"GGUF": "a GGUF model",
}
_IN_ZIP = {
    "xl/": "an Excel workbook; save it as CSV",
    "ppt/": "a PowerPoint presentation; save it as PDF",
    "META-INF/container.xml": "an EPUB book; convert it to HTML",
    "content.xml": "an OpenDocument file; save it as DOCX",
}


def kind_of(content: bytes, name: str = "", claimed: str | None = None) -> str:
    """The media type of a document. Raises UnreadableDocument where it is none that can be read, or where its bytes
    contradict what is claimed or what its name says.
    """
    named = _BY_EXTENSION.get(PurePath(name).suffix.lower())
    wanted = claimed.partition(";")[0].strip().lower() if claimed else named
    if wanted and not _is_readable(wanted):
        raise UnreadableDocument("unsupported_type", f"there is no reader for the type {wanted!r}: {_READABLE}")
    found = _by_magic(content)
    if wanted is None:
        return found or PLAIN
    _check(wanted, found, content)
    return wanted


def is_text(kind: str) -> bool:
    """Whether a media type is one whose source is what a reader reads."""
    return (kind.startswith("text/") and kind != HTML) or kind in _TEXTS or kind.endswith(("+json", "+yaml"))


def _is_readable(kind: str) -> bool:
    return kind in {PDF, DOCX, HTML, XHTML} or is_text(kind)


def _check(wanted: str, found: str | None, content: bytes) -> None:
    if wanted != found and not {wanted, found}.isdisjoint({PDF, DOCX}):
        label = {PDF: "a PDF", DOCX: "a DOCX"}.get(wanted, wanted)
        help_ = "give it the name or the type of what it is"
        raise UnreadableDocument("unsupported_type", f"not {label}: it begins with {_beginning(content)}: {help_}")


def _by_magic(content: bytes) -> str | None:
    if re.search(rb"%PDF-\d", content[:1024]) or content.startswith(b"%PDF"):
        return PDF
    if content.startswith(b"PK\x03\x04"):
        return _by_zip(content)
    if content.startswith(_OLE):
        raise _ole_error(content)
    for magic, what in _FOREIGN.items():
        if content.startswith(magic):
            raise UnreadableDocument("unsupported_type", f"it is {what}: {_READABLE}")
    head = content[:1024].removeprefix(codecs.BOM_UTF8).replace(b"\0", b"").lstrip().lower()
    return HTML if head.startswith((b"<!doctype html", b"<html")) or _is_xhtml(head) else None


def _is_xhtml(head: bytes) -> bool:
    return head.startswith(b"<?xml") and b"<html" in head


def _by_zip(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        reason = f"its zip archive is cut off or damaged ({error}): get it again, or save it anew"
        raise UnreadableDocument("damaged", reason) from error
    if any(name.startswith("word/") for name in names) or _is_package_of_words(names):
        return DOCX
    for name, what in _IN_ZIP.items():
        if any(other.startswith(name) for other in names):
            raise UnreadableDocument("unsupported_type", f"it is {what}: {_READABLE}")
    raise UnreadableDocument("unsupported_type", f"it is a zip archive without a document: {_READABLE}")


def _is_package_of_words(names: list[str]) -> bool:
    """Whether the main part may lie elsewhere than in word/: the relations of the package name it."""
    known = any(name.startswith(("xl/", "ppt/", "META-INF/")) for name in names)
    return "[Content_Types].xml" in names and "_rels/.rels" in names and not known


def _ole_error(content: bytes) -> UnreadableDocument:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return UnreadableDocument("encrypted", "it is encrypted with a password: save it without one")
    return UnreadableDocument("unsupported_type", "it is a file of an old Office (.doc): save it as DOCX")


def _beginning(content: bytes) -> str:
    return repr(content[:12].decode("latin-1"))
