"""The store of a memory in a Qdrant collection."""

from collections.abc import Collection as Several, Mapping, Sequence

from qdrant_client import models

from poly_engine.errors import MemoryDamaged, MemoryFailed
from poly_engine.memory.qdrant.collection import Collection
from poly_engine.memory.qdrant.faults import find_faults
from poly_engine.memory.qdrant.opening import open_collection
from poly_engine.memory.qdrant.points import dense, document_id, document_info, point_id, stored_chunk, stored_document
from poly_engine.memory.qdrant.reading import chunks_of, document_payloads, live_versions
from poly_engine.memory.qdrant.searching import Searcher
from poly_engine.memory.qdrant.words import WordVectors
from poly_engine.memory.qdrant.writing import Writer
from poly_engine.memory.records import ChunkId, Document, Fingerprint, Found, NewChunk, Query, StoredChunk, Vectors
from poly_engine.memory.store import Store
from poly_engine.types import DocumentInfo

__all__ = ["QdrantStore"]


class QdrantStore(Store):
    """Documents, chunks, vectors and words of one memory, in a collection that is created if there is none.

    An API key may stand in `url` as user or password. Chunks that the original Poly put into the collection are found
    by their vectors; they are of no document. Opening raises MemoryUnavailable if the server does not answer, each
    request having `timeout_s` seconds; MemoryMismatch if the vectors are of another model than `fingerprint` says;
    MemoryDamaged if the collection is another program's; and InvalidRequest if there can be none of that name and URL.
    """

    def __init__(self, url: str, collection: str, fingerprint: Fingerprint, *, timeout_s: float = 5.0) -> None:
        self._model = fingerprint
        self._collection = Collection(url, collection, timeout_s)
        try:
            self._shape = open_collection(self._collection, fingerprint)
        except MemoryFailed:
            self._collection.close()
            raise
        # Each has its own, so that no search waits for the words of a long document.
        self._of_questions, self._of_chunks = WordVectors(), WordVectors()
        self._searcher = Searcher(self._collection, self._shape, self._of_questions)
        self._writer = Writer(self._collection, fingerprint, self._of_chunks if self._shape.has_words else None)

    def put(self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
        assert len(chunks) == len(vectors), f"{len(chunks)} chunks and {len(vectors)} vectors"
        self._writer.put(document, chunks, vectors)

    def remove(self, source: str) -> bool:
        return self._writer.remove(source)

    def clear(self) -> int:
        versions = [payload["version"] for payload in document_payloads(self._collection, ["version"])]
        self._writer.clear(versions)
        return len(versions)

    def checksum(self, source: str) -> str | None:
        records = self._collection.retrieve([document_id(source)], ["sha256"])
        return (records[0].payload or {}).get("sha256") if records else None

    def documents(self) -> list[DocumentInfo]:
        fields = ["source", "title", "media_type", "n_chunks", "n_characters", "version", "n_pages", "sha256"]
        return [document_info(payload) for payload in document_payloads(self._collection, fields)]

    def document(self, source: str) -> Document | None:
        records = self._collection.retrieve([document_id(source)], payload=True)
        try:
            return stored_document(records[0].payload or {}) if records else None
        except ValueError as error:
            raise MemoryDamaged(f"the text of {source} in {self._collection.where} is damaged: {error}") from error

    def chunks(self, source: str, first: int = 0, last: int | None = None) -> list[StoredChunk]:
        within = models.FieldCondition(key="place", range=models.Range(gte=first, lte=last))
        version = self._version(source)
        while version is not None:
            records = list(self._collection.scroll(chunks_of(source, version, within), payload=True))
            before, version = version, self._version(source)
            if version == before:  # else it was replaced, and a part may have been gone already
                chunks = [stored_chunk(record) for record in records]
                return sorted(chunks, key=lambda chunk: chunk.place)
        return []

    def known_vectors(self, source: str) -> Mapping[str, Vectors]:
        version = self._version(source)
        if version is None:
            return {}
        records = self._collection.scroll(chunks_of(source, version), ["key"], vectors=True)
        pairs = (((record.payload or {}).get("key", ""), dense(record)) for record in records)
        return {key: vector for key, vector in pairs if vector is not None}

    def vectors(self, chunks: Several[ChunkId]) -> Mapping[ChunkId, Vectors]:
        records = self._collection.retrieve(list(chunks), payload=False, vectors=True)
        pairs = ((point_id(record), dense(record)) for record in records)
        return {chunk: vector for chunk, vector in pairs if vector is not None}

    def search(self, query: Query) -> Found:
        return self._searcher.search(query)

    def faults(self) -> list[str]:
        return list(find_faults(self._collection, self._shape, self._model))

    def close(self) -> None:
        self._collection.close()
        self._of_questions.close()
        self._of_chunks.close()

    def _version(self, source: str) -> int | None:
        return live_versions(self._collection, [source]).get(source)
