"""What the tests of stores share: documents whose chunks point in known directions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256
from itertools import accumulate, pairwise

import numpy as np

from poly_engine.memory.records import Document, Fingerprint, NewChunk, Query, Vectors
from poly_engine.memory.store import Store

DIMENSIONS = 8
MODEL = Fingerprint("m", DIMENSIONS, "digest of m")


def vectors(*directions: int) -> Vectors:
    """A row for each direction, along that axis."""
    return np.eye(DIMENSIONS, dtype=np.float32)[list(directions)]


def document(source: str, texts: Sequence[str]) -> tuple[Document, list[NewChunk]]:
    """A document that is made of its chunks, whose texts are their keys."""
    spans = pairwise(accumulate(map(len, texts), initial=0))
    chunks = [NewChunk(start, end, text) for (start, end), text in zip(spans, texts, strict=True)]
    return Document(source, sha256("".join(texts).encode()).hexdigest(), "".join(texts)), chunks


def put(store: Store, source: str, texts: Sequence[str], *directions: int) -> None:
    """Store a document of which each of `texts` is a chunk, in the directions 0, 1, … or those that are given."""
    store.put(*document(source, texts), vectors(*(directions or range(len(texts)))))


def near(store: Store, direction: int, n: int = 3, sources: Collection[str] | None = None) -> list[str]:
    """The texts of the chunks that point that way."""
    found = store.search(Query(vectors(direction)[0], "", n, sources))
    return [found.chunks[match.chunk].text for match in found.nearest if match.score > 0.5]


def matching(store: Store, text: str, n: int = 5, sources: Collection[str] | None = None) -> list[str]:
    """The texts of the chunks that share words with a text."""
    found = store.search(Query(vectors(0)[0], text, n, sources))
    return [found.chunks[match.chunk].text for match in found.matching]
