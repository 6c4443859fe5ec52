"""What a memory holds: documents, their chunks, and the embedding model that their vectors are of."""

from dataclasses import dataclass

__all__ = ["Fingerprint", "Match", "NewChunk", "NewDocument", "StoredChunk"]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The embedding model of a memory: vectors of different models cannot be compared."""

    model: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be stored. `source` tells it from the others, as a file name does; `sha256`, in hex, is of the
    content that the text was taken from.
    """

    source: str
    sha256: str
    text: str
    title: str = ""
    media_type: str = "text/plain"
    page_starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A part of a document: `text[start:end]`, below `headings`, on pages from 1 if there are any. `key` tells what was
    embedded: chunks of equal keys have equal vectors.
    """

    start: int
    end: int
    key: str = ""
    headings: tuple[str, ...] = ()
    first_page: int | None = None
    last_page: int | None = None


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk of the memory, number `place` of the document `source`, counted from 0."""

    id: int
    source: str
    title: str
    place: int
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    first_page: int | None
    last_page: int | None


@dataclass(frozen=True, slots=True)
class Match:
    """A chunk that was found, and how well it fits: the greater the better, by a measure of whoever found it."""

    chunk: int
    score: float
