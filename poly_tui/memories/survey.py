"""What documents are before they are taken in: new, changed, as they were, or of a kind that cannot be read."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from poly_engine.errors import InvalidRequest, UnreadableDocument
from poly_tui.documents import Document

__all__ = ["Looked", "Surveyor", "Verdict", "kind_word"]

ENOUGH_BYTES = 1 << 16
"""What begins like text is taken for it: all of it is only looked at when it is taken in."""

_PDF = "application/pdf"
_PAGE_TREE = re.compile(
    rb"/Type\s*/Pages\b[^>]{0,400}?/Count\s+(\d{1,6})|/Count\s+(\d{1,6})[^>]{0,400}?/Type\s*/Pages\b"
)
_WORDS = {
    "vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "plain": "text",
    "markdown": "md",
    "xhtml+xml": "html",
    "tab-separated-values": "tsv",
}


class Verdict(Enum):
    """What a document is to a memory. The value is the word for it."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    TWICE = "twice"
    UNREADABLE = "unreadable"
    GONE = "gone"

    @property
    def is_worth_taking(self) -> bool:
        """Whether taking it in would bring something."""
        return self in (Verdict.NEW, Verdict.CHANGED)

    @property
    def can_be_taken(self) -> bool:
        """Whether it may be taken in at all."""
        return self not in (Verdict.UNREADABLE, Verdict.GONE)


@dataclass(frozen=True, slots=True)
class Looked:
    """A document that was looked at. Of one that cannot be read, `reason` says why, and the rest is not known."""

    document: Document
    verdict: Verdict
    size_bytes: int = 0
    kind: str = ""
    n_pages: int | None = None
    reason: str = ""


class Surveyor:
    """Looks at documents for a memory that holds `known`: the checksums of what is in it, by source."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._seen: dict[str, str] = {}

    def look_at(self, document: Document) -> Looked:
        """Read a document, and say what it is. Takes as long as the disk does."""
        from poly_engine.extract.encodings import decode  # with all that reads documents, 50 ms
        from poly_engine.extract.kinds import is_text, kind_of

        if document.path is not None and not os.path.lexists(document.path):
            return Looked(document, Verdict.GONE, reason="there is no such file on this machine")
        try:
            content = document.read()
            kind = kind_of(content, document.name)
            if is_text(kind):
                decode(_beginning(content))
        except InvalidRequest as error:
            reason = error.reason if isinstance(error, UnreadableDocument) else str(error)
            return Looked(document, Verdict.UNREADABLE, reason=reason)
        if not content.strip():
            return Looked(document, Verdict.UNREADABLE, len(content), kind, reason="it is empty")
        checksum = hashlib.sha256(content).hexdigest()
        verdict, reason = self._judge(document, checksum)
        return Looked(document, verdict, len(content), kind, _n_pages(content) if kind == _PDF else None, reason)

    def _judge(self, document: Document, checksum: str) -> tuple[Verdict, str]:
        first = self._seen.setdefault(checksum, document.name)
        stored = self._known.get(document.name)
        if stored == checksum:
            return Verdict.UNCHANGED, ""
        if first != document.name:
            return Verdict.TWICE, f"the same as {first}"
        return (Verdict.NEW if stored is None else Verdict.CHANGED), ""


def kind_word(media_type: str) -> str:
    """A short word for a media type."""
    last = media_type.partition("/")[2] or media_type
    return _WORDS.get(last, last.removeprefix("x-"))


def _beginning(content: bytes) -> bytes:
    """The first lines; all of it, if it is short. No character is cut in two at the end of a line."""
    return content if len(content) <= ENOUGH_BYTES else content[:ENOUGH_BYTES].rpartition(b"\n")[0]


def _n_pages(content: bytes) -> int | None:
    """The pages of a PDF as its page tree counts them; None where that is compressed, which is not worth unpacking
    here: a PDF is only parsed where it can do no harm.
    """
    counts = [int(one or other) for one, other in _PAGE_TREE.findall(content)]
    return max(counts, default=None)
