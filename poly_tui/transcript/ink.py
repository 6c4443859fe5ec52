"""Text in inks: what each stretch of a rendered line is, until the theme says how that looks."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter

from rich.cells import cell_len

__all__ = ["PLAIN", "Brush", "Ink", "Inked"]


class Ink(Enum):
    """What a stretch of text is; the value is the name of the component class that colours it."""

    TEXT = "transcript--answer"
    HEADING = "transcript--heading"
    CODE = "transcript--code"
    LINK = "transcript--link"
    CITATION = "transcript--citation"
    MARKER = "transcript--marker"
    FENCE = "transcript--fence"
    KEYWORD = "transcript--fence-keyword"
    NAME = "transcript--fence-name"
    STRING = "transcript--fence-string"
    NUMBER = "transcript--fence-number"
    COMMENT = "transcript--fence-comment"
    ADDED = "transcript--fence-added"
    REMOVED = "transcript--fence-removed"


@dataclass(frozen=True, slots=True)
class Brush:
    """An ink, and what is done with it. `link` is the address behind the text, `citation` the number of a source."""

    ink: Ink = Ink.TEXT
    is_bold: bool = False
    is_italic: bool = False
    is_struck: bool = False
    is_underlined: bool = False
    link: str = ""
    citation: int = 0


PLAIN = Brush()


@dataclass(frozen=True, slots=True)
class Inked:
    """One line of text, and the offset at which each of its stretches ends, with the brush of the stretch."""

    text: str = ""
    stretches: tuple[tuple[int, Brush], ...] = ()

    @classmethod
    def of(cls, text: str, brush: Brush = PLAIN) -> "Inked":
        """Text of one kind."""
        return cls(text, ((len(text), brush),) if text else ())

    @classmethod
    def join(cls, parts: Iterable["Inked"]) -> "Inked":
        """Parts one after the other."""
        texts: list[str] = []
        stretches: list[tuple[int, Brush]] = []
        offset = 0
        for part in parts:
            texts.append(part.text)
            for end, brush in part.stretches:
                if stretches and stretches[-1][1] == brush:
                    stretches.pop()
                stretches.append((offset + end, brush))
            offset += len(part.text)
        return cls("".join(texts), tuple(stretches))

    @property
    def n_cells(self) -> int:
        """How wide it is."""
        return cell_len(self.text)

    def __len__(self) -> int:
        return len(self.text)

    def __add__(self, more: "Inked") -> "Inked":
        return Inked.join((self, more))

    def __getitem__(self, part: slice) -> "Inked":
        start, end, _ = part.indices(len(self.text))
        if start >= end:
            return Inked()
        # Searched, not walked through: cutting a long line into rows stays linear
        first = bisect_right(self.stretches, start, key=itemgetter(0))
        last = bisect_left(self.stretches, end, key=itemgetter(0))
        stretches = tuple((min(stop, end) - start, brush) for stop, brush in self.stretches[first : last + 1])
        return Inked(self.text[start:end], stretches)

    def rstrip(self) -> "Inked":
        """The line without white space at its end."""
        return self[: len(self.text.rstrip())]

    def runs(self) -> Iterator[tuple[str, Brush]]:
        """The stretches of text in order."""
        start = 0
        for end, brush in self.stretches:
            yield self.text[start:end], brush
            start = end
