"""Putting the text of a document together, with the places of its pages and headings."""

import re

from poly_engine.errors import UnreadableDocument
from poly_engine.extract.document import Extracted, Heading
from poly_engine.extract.limits import Limits, too_long

_NEWLINES = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c]")
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NEVER = re.compile(r"[\x00\ud800-\udfff]")


class Assembly:
    """Takes blocks of text in reading order and puts them an empty line apart. Raises UnreadableDocument as soon as
    the text is longer than it may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pieces: list[str] = []
        self._size = 0
        self._page_starts: list[int] = []
        self._headings: list[Heading] = []

    @property
    def size(self) -> int:
        """How many characters there are so far."""
        return self._size

    @property
    def headings(self) -> list[Heading]:
        """The headings so far."""
        return self._headings

    def add(self, block: str, *, level: int = 0, apart: str = "\n\n") -> None:
        """Add a block, unless it is blank, as a heading where it has a level. `apart` is what keeps it from the block
        before it.
        """
        block = block.strip("\n")
        if not block.strip():
            return
        if self._pieces:
            self._put(apart)
        if level:
            self.add_heading(Heading(self._size, level, " ".join(block.split())))
        self._put(block)

    def add_heading(self, heading: Heading) -> None:
        """Add a heading by where it is; its text is there in any case."""
        if len(self._headings) < self._limits.headings:
            self._headings.append(heading)

    def add_page(self, text: str) -> None:
        """Add a page, which may be blank."""
        start = self._size + (2 if self._pieces and text.strip() else 0)
        self._page_starts.append(start)
        self.add(text)

    def extracted(self, media_type: str, title: str = "") -> Extracted:
        """What was put together. Raises UnreadableDocument where that is nothing."""
        if not self._pieces:
            raise UnreadableDocument("no_text", "there is no text in it")
        self._headings.sort(key=lambda heading: heading.start)
        title = " ".join(readable(title).split()) or (self._headings[0].title if self._headings else "")
        return Extracted("".join(self._pieces), media_type, tuple(self._page_starts), tuple(self._headings), title)

    def _put(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > self._limits.text_chars:
            raise too_long(self._limits)
        self._pieces.append(piece)


def readable(text: str) -> str:
    """Text with line ends as they should be, and without the control characters and halves of characters that
    documents contain by mistake.
    """
    return _UNREADABLE.sub("", _NEWLINES.sub("\n", _joined(text)))


def normalised(text: str) -> str:
    """Text that is kept as it is, but for its line ends and for what no text may hold."""
    return _NEVER.sub("", _joined(text).replace("\r\n", "\n").replace("\r", "\n"))


def _joined(text: str) -> str:
    """Text in which two halves of a character that stand side by side are that character."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
