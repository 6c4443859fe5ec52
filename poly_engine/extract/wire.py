"""What parent and child say to each other: frames of JSON, each behind its length, with raw bytes behind some of them.

    parent > child   request, then `size` bytes of the document unless it names a path
    child > parent   answer,  then `size` bytes of the text in UTF-8 unless it is an error

The child reads what strangers wrote, so the parent takes nothing from it but plain values, and checks them.
"""

import json
import logging
import struct
from dataclasses import asdict, dataclass
from typing import get_args

from poly_engine.errors import Cause, UnreadableDocument
from poly_engine.extract.document import Extracted, Heading
from poly_engine.extract.limits import Limits

_log = logging.getLogger(__name__)

LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 8 << 20
"""No honest frame is longer: the limit of headings keeps answers below it."""
MAX_TITLE_CHARS = 160
"""Longer titles of headings are cut, so that a frame stays small."""


class Senseless(Exception):
    """What came from the child is none of its answers."""


@dataclass(frozen=True, slots=True)
class Request:
    """A document to read: at a path, or in the `size` bytes that follow."""

    path: str | None
    size: int
    name: str
    media_type: str | None
    password: str | None
    limits: Limits

    def encode(self) -> bytes:
        """The frame of it."""
        return _frame(asdict(self))

    @classmethod
    def decode(cls, payload: bytes) -> "Request":
        """Read what is behind the length of a frame. The child trusts its parent."""
        fields = json.loads(payload)
        return cls(**fields | {"limits": Limits(**fields["limits"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of a document that was read; its text follows in `size` bytes of UTF-8."""

    size: int
    media_type: str
    page_starts: tuple[int, ...]
    headings: tuple[Heading, ...]
    title: str

    @classmethod
    def decode(cls, payload: bytes, name: str) -> "Answer":
        """Check and read what is behind the length of a frame. Raises Senseless, or the UnreadableDocument that the
        frame brings.
        """
        try:
            fields = json.loads(payload)
            if "cause" in fields:
                raise _error(fields, name)
            return cls(
                size=int(fields["size"]),
                media_type=str(fields["media_type"]),
                page_starts=tuple(map(int, fields["page_starts"])),
                headings=tuple(
                    Heading(int(start), int(level), str(title)) for start, level, title in fields["headings"]
                ),
                title=str(fields["title"]),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise Senseless from error

    def extracted(self, text: str) -> Extracted:
        """Put the text to it. Raises Senseless where the offsets do not fit it."""
        starts = [*self.page_starts, *(heading.start for heading in self.headings)]
        if not all(0 <= start <= len(text) for start in starts) or not text or text.isspace():
            raise Senseless
        return Extracted(text, self.media_type, self.page_starts, self.headings, self.title)


def encode_extracted(extracted: Extracted) -> tuple[bytes, bytes]:
    """The frame of an answer, and the text that follows it."""
    text = extracted.text.encode()
    headings = [(heading.start, heading.level, heading.title[:MAX_TITLE_CHARS]) for heading in extracted.headings]
    fields = {
        "size": len(text),
        "media_type": extracted.media_type,
        "page_starts": extracted.page_starts,
        "headings": headings,
        "title": extracted.title[:MAX_TITLE_CHARS],
    }
    return _frame(fields), text


def encode_error(error: UnreadableDocument, traceback: str = "") -> bytes:
    """The frame of an answer that says why there is none."""
    return _frame({"cause": error.cause, "reason": error.reason[:1000], "traceback": traceback[-4000:]})


def _error(fields: dict[str, object], name: str) -> UnreadableDocument:
    cause = next((cause for cause in get_args(Cause) if cause == fields["cause"]), None)
    if cause is None:
        raise Senseless
    if fields["traceback"]:
        _log.debug("a library failed at %s: %s", name or "a document", fields["traceback"])
    return UnreadableDocument(cause, str(fields["reason"]), name)


def _frame(fields: dict[str, object]) -> bytes:
    payload = json.dumps(fields, ensure_ascii=False).encode(errors="replace")
    return LENGTH.pack(len(payload)) + payload
