"""DOCX: its parts put in the order in which a reader meets them: headers, the document with its notes, footers."""

from collections.abc import Iterator
from typing import Any

from docx.opc.coreprops import CoreProperties
from docx.oxml import parse_xml
from lxml import etree  # type: ignore[import-untyped]  # it carries no types

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.assembly import Assembly, readable
from poly_engine.extract.document import Extracted
from poly_engine.extract.docx.names import R, W
from poly_engine.extract.docx.notes import Notes
from poly_engine.extract.docx.numbering import Numbering
from poly_engine.extract.docx.package import Package, Relation
from poly_engine.extract.docx.styles import Styles
from poly_engine.extract.docx.walk import Block, Walk
from poly_engine.extract.kinds import DOCX
from poly_engine.extract.limits import Limits

__all__ = ["read_docx"]


def read_docx(content: bytes, limits: Limits) -> Extracted:
    """Read a DOCX. Raises UnreadableDocument."""
    package = Package(content, limits)
    named = package.relations("")
    main = next((one.target for one in named.values() if one.kind == "officeDocument"), "word/document.xml")
    root = package.xml(main)
    if root is None:
        raise UnreadableDocument("damaged", f"it has no {main}, which should hold its text: save it anew")
    reading = DocxReading(package, root, package.relations(main))
    assembly = Assembly(limits)
    title = reading.put_into(assembly)
    return assembly.extracted(DOCX, _metadata_title(package, named) or title)


class DocxReading:
    """One reading of a document: the root of its main part, and the parts that this refers to."""

    def __init__(self, package: Package, root: Any, relations: dict[str, Relation]) -> None:
        self._package = package
        self._root = root  # Any: lxml carries no types
        self._relations = relations
        notes = Notes({kind: self._part(kind) for kind in ("footnotes", "endnotes")})
        self._walk = Walk(Styles(self._part("styles")), Numbering(self._part("numbering")), notes)

    def put_into(self, assembly: Assembly) -> str:
        """Add all of it, and return what is styled as its title."""
        title, was_item = "", False
        for block in self._blocks():
            text = readable(block.text)
            title = title or (text if block.is_title else "")
            assembly.add(text, level=block.level, apart="\n" if block.is_item and was_item else "\n\n")
            was_item = block.is_item
        return title

    def _blocks(self) -> Iterator[Block]:
        yield from self._margins("header")
        yield from self._walk.blocks(self._root)
        yield from self._margins("footer")

    def _margins(self, kind: str) -> Iterator[Block]:
        """The headers or the footers of all sections, each text once."""
        idents = [reference.get(R + "id", "") for reference in self._root.iter(f"{W}{kind}Reference")]
        targets = [self._relations[ident].target for ident in idents if ident in self._relations]
        seen = set()
        for target in dict.fromkeys(targets):
            part = self._package.xml(target)
            blocks = [] if part is None else list(self._walk.blocks(part))
            text = "\n".join(block.text.strip() for block in blocks if block.text.strip())
            if text not in seen:
                seen.add(text)
                yield Block(text)

    def _part(self, kind: str) -> Any:
        target = next((one.target for one in self._relations.values() if one.kind == kind), None)
        return None if target is None else self._package.xml(target)


def _metadata_title(package: Package, named: dict[str, Relation]) -> str:
    target = next((one.target for one in named.values() if one.kind == "core-properties"), None)
    root = None if target is None else package.xml(target)
    return "" if root is None else CoreProperties(parse_xml(etree.tostring(root))).title
