"""Writes small PDF files, whole ones and others."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdf

CONTENT = 4
"""The number of what is on the first page."""
HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


@dataclass
class PdfFile:
    """Objects with their numbers, and a trailer. Number 1 is the catalog, 2 the tree of pages, 3 the font."""

    objects: dict[int, bytes] = field(default_factory=dict)
    trailer: bytes = b"/Root 1 0 R"

    def add(self, body: bytes, number: int | None = None) -> int:
        number = number or max(self.objects, default=9) + 1
        self.objects[number] = body
        return number

    def add_stream(self, content: bytes, entries: bytes = b"", number: int | None = None) -> int:
        length = b"/Length %d" % len(content)
        return self.add(b"<< %s %s >>\nstream\n%s\nendstream" % (length, entries, content), number)

    def write(self) -> bytes:
        out = io.BytesIO()
        out.write(b"%PDF-1.7\n")
        places = {}
        for number, body in self.objects.items():
            places[number] = out.tell()
            out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        start = out.tell()
        size = max(places) + 1
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
        for number in range(1, size):
            place = places.get(number)
            out.write(b"%010d 00000 n \n" % place if place else b"0000000000 65535 f \n")
        out.write(b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, self.trailer, start))
        return out.getvalue()


def pdf_of(pages: Sequence[bytes], font: bytes = HELVETICA) -> PdfFile:
    """A file whose pages have these content streams; /F1 is the font."""
    file = PdfFile({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"", 3: font})
    kids = []
    for content in pages:
        stream = file.add_stream(content)
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
        kids.append(file.add(page + b"/Contents %d 0 R >>" % stream))
    refs = b" ".join(b"%d 0 R" % kid for kid in kids)
    file.objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (refs, len(kids))
    return file


def lines(*texts: str, leading: int = 14) -> bytes:
    """A content stream with these lines, from the top of the page; "" leaves a line out."""
    shown = b" ".join(_line(text) for text in texts)
    return b"BT /F1 12 Tf %d TL 72 720 Td %s ET" % (leading, shown)


def text_pdf(*pages: Sequence[str]) -> bytes:
    """A file with pages of these lines."""
    return pdf_of([lines(*page) for page in pages]).write()


def with_outline(content: bytes, entries: Sequence[tuple[str, int, int]], title: str = "") -> bytes:
    """The file with an outline of (title, level, page from 1 on), and a title in its metadata."""
    writer: Any = pypdf.PdfWriter(clone_from=io.BytesIO(content))  # what decorates its methods hides their types
    parents = {0: None}
    for name, level, page in entries:
        parents[level] = writer.add_outline_item(title=name, page_number=page - 1, parent=parents[level - 1])
    if title:
        writer.add_metadata({"/Title": title})
    return _written(writer)


def encrypted(content: bytes, user: str, algorithm: str = "AES-256") -> bytes:
    """The file, encrypted; with a `user` password of "" everybody may read it."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    writer.encrypt(user, "owner", algorithm=algorithm)
    return _written(writer)


def composite_font(file: PdfFile, to_unicode: dict[int, str] | None) -> bytes:
    """A font whose codes are numbers of glyphs, which only `to_unicode` gives a meaning."""
    descriptor = file.add(b"<< /Type /FontDescriptor /FontName /Made /Flags 4 /ItalicAngle 0 /Ascent 800 "
                          b"/Descent -200 /CapHeight 700 /StemV 80 /FontBBox [0 -200 1000 800] >>")  # fmt: skip
    descendant = file.add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Made /CIDSystemInfo << /Registry (Adobe) "
        b"/Ordering (Identity) /Supplement 0 >> /DW 600 /FontDescriptor %d 0 R >>" % descriptor
    )
    cmap = b"/ToUnicode %d 0 R" % file.add_stream(_cmap(to_unicode)) if to_unicode else b""
    return b"<< /Type /Font /Subtype /Type0 /BaseFont /Made /Encoding /Identity-H /DescendantFonts [%d 0 R] %s >>" % (
        descendant,
        cmap,
    )


def codes(*numbers: int) -> bytes:
    """A content stream with one line of two-byte codes."""
    return b"BT /F1 12 Tf 72 720 Td <%s> Tj ET" % b"".join(b"%04x" % number for number in numbers)


def _cmap(meaning: dict[int, str]) -> bytes:
    rows = b"\n".join(
        b"<%04x> <%s>" % (code, text.encode("utf-16-be").hex().encode()) for code, text in meaning.items()
    )
    return (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Made def /CMapType 2 def "
        b"1 begincodespacerange <0000> <ffff> endcodespacerange %d beginbfchar\n%s\nendbfchar "
        b"endcmap end end" % (len(meaning), rows)
    )


def _line(text: str) -> bytes:
    escaped = text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"(%s) Tj T*" % escaped


def _written(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
