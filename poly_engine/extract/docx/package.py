"""The parts of a DOCX: a zip archive of XML, in which relations say what is what.

Nothing is ever unpacked to a disk, so names that lead out of a folder lead nowhere.
"""

import io
import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # it carries no types

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.docx.names import PACKAGE_RELATION, STRICT
from poly_engine.extract.limits import Limits

_MAX_RATIO = 250
"""Text of offices is rarely packed to less than a fiftieth of its size; zeros are, to a thousandth."""
_BOMB_FROM_BYTES = 4 << 20
_PIECE_BYTES = 1 << 20
_FAILURES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: `kind` is the last word of its type, `target` the name of a part."""

    kind: str
    target: str


class Package:
    """The parts of a document. Raises UnreadableDocument where they are damaged or too large."""

    def __init__(self, content: bytes, limits: Limits) -> None:
        self._limits = limits
        self._n_left = limits.unzipped_bytes
        self._n_elements_left = limits.elements
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except _FAILURES as error:
            raise _damaged("its zip archive", error) from error
        self._names = {name.lower(): name for name in self._archive.namelist()}

    def xml(self, part: str) -> Any:  # Any: lxml carries no types
        """The root of a part, None if there is no such part."""
        name = self._names.get(part.lower())
        if name is None:
            return None
        content = self._content(name)
        for strict, usual in STRICT.items():
            content = content.replace(strict, usual)
        self._n_elements_left -= content.count(b"<") // 2
        if self._n_elements_left < 0:
            raise UnreadableDocument("too_large", f"it has more than {self._limits.elements} elements: split it")
        return _parsed(content, name)

    def relations(self, part: str) -> dict[str, Relation]:
        """What a part refers to, by the ids that it uses; "" is the package."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for relation in () if root is None else root.iter(PACKAGE_RELATION):
            target = relation.get("Target", "")
            if relation.get("TargetMode") != "External":
                path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                found[relation.get("Id", "")] = Relation(relation.get("Type", "").rpartition("/")[2], path)
        return found

    def _content(self, name: str) -> bytes:
        pieces = []
        n_read = 0
        try:
            entry = self._archive.getinfo(name)
            if entry.flag_bits & 1:
                raise UnreadableDocument("encrypted", "its parts are encrypted: save it without a password")
            with self._archive.open(entry) as file:
                while piece := file.read(_PIECE_BYTES):
                    n_read += len(piece)
                    self._count(name, len(piece), n_read / max(1, entry.compress_size), n_read)
                    pieces.append(piece)
        except _FAILURES as error:
            raise _damaged(name, error) from error
        return b"".join(pieces)

    def _count(self, name: str, size: int, ratio: float, n_read: int) -> None:
        self._n_left -= size
        if self._n_left < 0:
            most = self._limits.unzipped_bytes >> 20
            raise UnreadableDocument("too_large", f"unpacked it has more than {most} MB: split it, or raise the limit")
        if n_read > _BOMB_FROM_BYTES and ratio > _MAX_RATIO:
            reason = f"{name} is packed to less than a {_MAX_RATIO}th of its size, as no text is: it may be a bomb"
            raise UnreadableDocument("too_large", reason)


def _parsed(content: bytes, name: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        if "xcessive depth" in str(error):
            raise UnreadableDocument("too_large", f"{name} is nested more than 256 levels deep") from error
        raise _damaged(name, error) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableDocument("damaged", f"{name} declares entities of its own, which no document may")
    return root


def _damaged(what: str, error: Exception) -> UnreadableDocument:
    reason = f"{what} is cut off or damaged ({str(error)[:200]}): get it again, or save it anew"
    return UnreadableDocument("damaged", reason)
