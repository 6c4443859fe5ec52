"""What a memory holds: documents, their chunks, and the embedding model that their vectors are of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from poly_engine.extract import Heading

__all__ = ["ChunkId", "Document", "Fingerprint", "Found", "Match", "NewChunk", "Query", "StoredChunk", "Vectors"]

Vectors: TypeAlias = npt.NDArray[np.float32]
"""One vector, shape (dimensions,), or several, shape (n, dimensions); each of length 1."""

ChunkId: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The embedding model of a memory: vectors of different models cannot be compared. `model` is only its name, which
    may change; `digest` tells its file from others.
    """

    model: str = field(compare=False)
    dimensions: int
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a memory. `source` tells it from the others, as a file name does; `sha256`, in hex, is of the
    content that the text was taken from. Page n begins at `page_starts[n - 1]` of the text.
    """

    source: str
    sha256: str
    text: str
    title: str = ""
    media_type: str = "text/plain"
    headings: tuple[Heading, ...] = ()
    page_starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A part of a document: `text[start:end]`, below `headings`, on pages from 1 if there are any. `key` tells what was
    embedded: chunks of equal keys have equal vectors. `sentences` are the vectors of its sentences,
    shape (n, dimensions), where a memory wants them.
    """

    start: int
    end: int
    key: str = ""
    headings: tuple[str, ...] = ()
    first_page: int | None = None
    last_page: int | None = None
    sentences: Vectors | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk of the memory, number `place` of the document `source`, counted from 0."""

    id: ChunkId
    source: str
    title: str
    place: int
    start: int
    end: int
    text: str
    key: str
    headings: tuple[str, ...]
    first_page: int | None
    last_page: int | None


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: chunks near to `vector`, and chunks that share words with `text`; `n` of either kind, of the
    documents `sources` if they are given.
    """

    vector: Vectors
    text: str
    n: int
    sources: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A chunk that was found, and how well it fits: the greater the better, by a measure of whoever found it."""

    chunk: ChunkId
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a store found: by the cosine of the vectors, and by words, either best first; and the chunks themselves."""

    nearest: Sequence[Match]
    matching: Sequence[Match]
    chunks: Mapping[ChunkId, StoredChunk]
