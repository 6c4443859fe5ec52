"""Writing documents to a collection, which knows no transactions: in an order that any crash may cut off.

    put      chunks of a new version · the point of the document, which is the commit · away with the version before
    remove   the point of the document, which is the commit · away with its chunks
    clear    the same for all at once

What a crash leaves behind are chunks of versions that do not count. They are deleted with the next `put` or `remove` of
that document an hour later: until then another process may be writing them.
"""

from collections.abc import Sequence

from qdrant_client import models

from poly_engine.errors import MemoryUnwritable
from poly_engine.memory.qdrant.collection import Collection
from poly_engine.memory.qdrant.filters import among, older_than, where, without
from poly_engine.memory.qdrant.points import (
    DOCUMENT,
    MODEL,
    chunk_ids,
    chunk_point,
    document_point,
    new_version,
    other_id,
    point_id,
)
from poly_engine.memory.qdrant.reading import live_versions
from poly_engine.memory.qdrant.words import WordVectors
from poly_engine.memory.records import ChunkId, Document, Fingerprint, NewChunk, Vectors

__all__ = ["ABANDONED_S", "Writer"]

ABANDONED_S = 3600.0
"""After this time nobody is still writing a version that does not count."""

_AT_ONCE = 1000


class Writer:
    """Writes documents of one embedding model. `words` is None if the collection has no vectors of words."""

    def __init__(self, collection: Collection, model: Fingerprint, words: WordVectors | None) -> None:
        self._collection = collection
        self._model = model
        self._words = words

    def put(self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
        """Write a document in place of the one of the same source."""
        version = new_version()
        self._write(self._points(document, chunks, vectors, version), document.source, version)
        before = live_versions(self._collection, [document.source])
        self._collection.upsert(
            [document_point(document, n_chunks=len(chunks), version=version, model=self._model)], own=None
        )
        self._sweep(document.source, list(before.values()), but=version)

    def remove(self, source: str) -> bool:
        """Forget a document; False if there is none of that source."""
        before = list(live_versions(self._collection, [source]).values())
        if before:
            self._forget(before, among("source", [source]))
        self._sweep(source, before)
        return bool(before)

    def clear(self, versions: Sequence[int]) -> None:
        """Forget the documents of these versions, and what other programs and crashes have left."""
        for start in range(0, len(versions), _AT_ONCE):
            some = versions[start : start + _AT_ONCE]
            self._forget(some)
            self._collection.delete(where(among("version", some)))
        left: list[models.Condition] = [without("version"), older_than(ABANDONED_S)]
        self._collection.delete(where(should=left, must_not=[among("kind", [MODEL, DOCUMENT])]))

    def _points(
        self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors, version: int
    ) -> list[models.PointStruct]:
        texts = [document.text[chunk.start : chunk.end] for chunk in chunks]
        words = self._word_vectors(document.title, chunks, texts)
        return [
            chunk_point(own_id, document, chunk, place=place, version=version, vector=vector, words=of_chunk)
            for place, (own_id, chunk, vector, of_chunk) in enumerate(
                zip(chunk_ids(texts), chunks, vectors, words, strict=True)
            )
        ]

    def _word_vectors(
        self, title: str, chunks: Sequence[NewChunk], texts: Sequence[str]
    ) -> Sequence[models.SparseVector | None]:
        """A chunk is found by its headings, too, and the title of its document."""
        if self._words is None:
            return [None] * len(chunks)
        return self._words.of_chunks(
            [" ".join([title, *chunk.headings, text]) for chunk, text in zip(chunks, texts, strict=True)]
        )

    def _write(self, points: Sequence[models.PointStruct], source: str, version: int) -> None:
        """Write chunks over no others, and make sure that all are there: a server may drop what it confirms."""
        own = where(among("version", [version]))
        ids = list(dict.fromkeys(point_id(point) for point in points))
        taken = {point_id(record) for record in self._collection.retrieve(ids, payload=False)}
        points = _renamed(points, taken, source, version)
        self._collection.upsert(points, own)
        lost = self._lost(points, version)
        if lost:  # another process wrote the same text meanwhile
            again = _renamed(lost, {point_id(point) for point in lost}, source, version)
            self._collection.upsert(again, own)
            if self._lost(again, version):
                raise MemoryUnwritable(f"{self._collection.where} does not keep what it confirms")

    def _lost(self, points: Sequence[models.PointStruct], version: int) -> list[models.PointStruct]:
        records = self._collection.retrieve([point_id(point) for point in points], ["version"])
        kept = {point_id(record) for record in records if (record.payload or {}).get("version") == version}
        return [point for point in points if point_id(point) not in kept]

    def _forget(self, versions: Sequence[int], *conditions: models.Condition) -> None:
        """Delete points of documents; not by their ids, since another process may have put new versions."""
        self._collection.delete(where(among("kind", [DOCUMENT]), among("version", versions), *conditions))

    def _sweep(self, source: str, versions: Sequence[int], but: int | None = None) -> None:
        """Delete chunks of versions that do not count any more, and of those that never came to count."""
        gone, kept = [older_than(ABANDONED_S)], [among("kind", [DOCUMENT])]
        if versions:
            gone.append(among("version", versions))
        if but is not None:
            kept.append(among("version", [but]))
        self._collection.delete(where(among("source", [source]), should=gone, must_not=kept))


def _renamed(
    points: Sequence[models.PointStruct], taken: set[ChunkId], source: str, version: int
) -> list[models.PointStruct]:
    """Points with other ids where theirs are taken, by others or by one before them."""
    taken = set(taken)
    renamed = []
    for point in points:
        id_ = point_id(point)
        if id_ in taken:
            id_ = other_id(str(id_), source, version, (point.payload or {})["place"])
        taken.add(id_)
        renamed.append(point.model_copy(update={"id": id_}))
    return renamed
