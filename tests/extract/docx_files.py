"""Writes small DOCX files out of raw XML, whole ones and others."""

import io
import zipfile
from collections.abc import Mapping, Sequence

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    f'xmlns:r="{_OFFICE}/relationships" xmlns:m="{_OFFICE}/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
MAIN_RELATION = ("rId1", "officeDocument", "word/document.xml")


def relations(entries: Sequence[tuple[str, str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="{ident}" Type="{_OFFICE}/relationships/{kind}" Target="{target}"/>'
        for ident, kind, target in entries
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def document(body: str) -> str:
    return f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>"


def docx_of(body: str, related: Mapping[str, str] | None = None) -> bytes:
    """A file with this body; `related` are further parts by kind, such as footnotes, without their namespaces.
    A kind may have a number: header1. Its id in relations is its name.
    """
    related = related or {}
    parts = {f"word/{name}.xml": _with_namespaces(xml) for name, xml in related.items()}
    entries = [(name, name.rstrip("0123456789"), f"{name}.xml") for name in related]
    return zip_of({**bare_parts(document(body)), "word/_rels/document.xml.rels": relations(entries), **parts})


def bare_parts(main: str | bytes) -> dict[str, str | bytes]:
    """The parts that a file has to have, with this main part."""
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
    )
    return {"[Content_Types].xml": types, "_rels/.rels": relations([MAIN_RELATION]), "word/document.xml": main}


def zip_of(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{run(text)}</w:p>"


def run(text: str, properties: str = "") -> str:
    return f'<w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r>'


def table(*rows: Sequence[str]) -> str:
    """A table of cells that are XML: paragraphs, or other tables."""
    body = "".join(f"<w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in row)}</w:tr>" for row in rows)
    return f"<w:tbl>{body}</w:tbl>"


def _with_namespaces(xml: str) -> str:
    name, rest = xml[1:].split(">", 1) if " " not in xml.split(">", 1)[0] else xml[1:].split(" ", 1)
    return f"<{name} {NAMESPACES}>{rest}" if xml[1 + len(name)] == ">" else f"<{name} {NAMESPACES} {rest}"
