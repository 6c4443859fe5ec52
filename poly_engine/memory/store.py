"""What a memory needs of a store, whatever keeps it: a file of ours, Qdrant, or PostgreSQL."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from poly_engine.memory.records import ChunkId, Document, Found, NewChunk, Query, StoredChunk, Vectors
from poly_engine.types import DocumentInfo

__all__ = ["Store"]


class Store(ABC):
    """Documents, their chunks, and what finds these. Any thread may use it, and other processes beside it.

    What a method has returned from is durable, and no search sees a part of it only. A store holds vectors of one
    embedding model; opening it with another raises MemoryMismatch. Methods raise MemoryUnavailable when the server of
    the store does not answer, and those that change something MemoryUnwritable.
    """

    keeps_sentences: ClassVar[bool] = False
    """Whether it keeps the vectors of sentences, too."""

    @abstractmethod
    def put(self, document: Document, chunks: Sequence[NewChunk], vectors: Vectors) -> None:
        """Store a document with its chunks, in place of the one of the same source; all of it or nothing.

        `vectors` has shape (n_chunks, dimensions), each of length 1.
        """

    @abstractmethod
    def remove(self, source: str) -> bool:
        """Forget a document. False if there is none of that source."""

    @abstractmethod
    def clear(self) -> int:
        """Forget everything; return how many documents that were."""

    @abstractmethod
    def checksum(self, source: str) -> str | None:
        """The SHA-256 of the content that the document of a source was taken from; None if there is none."""

    @abstractmethod
    def documents(self) -> list[DocumentInfo]:
        """All documents, in the order in which they were added."""

    @abstractmethod
    def document(self, source: str) -> Document | None:
        """A document as it was put; every chunk is a part of its text. None if there is none of that source."""

    @abstractmethod
    def chunks(self, source: str, first: int = 0, last: int | None = None) -> list[StoredChunk]:
        """The chunks of a document in their order, from number `first` to `last`, both included."""

    @abstractmethod
    def known_vectors(self, source: str) -> Mapping[str, Vectors]:
        """The vectors of the chunks of a document by their keys: what need not be embedded again."""

    @abstractmethod
    def vectors(self, chunks: Collection[ChunkId]) -> Mapping[ChunkId, Vectors]:
        """The vectors of chunks; what is gone is left out."""

    def sentences(self, chunks: Collection[ChunkId]) -> Mapping[ChunkId, Vectors]:
        """The vectors of the sentences of chunks that were put with them; {} if the store does not keep these."""
        del chunks
        return {}

    @abstractmethod
    def search(self, query: Query) -> Found:
        """What is near by meaning and what shares words; always as many as were asked for, if there are that many."""

    @abstractmethod
    def faults(self) -> list[str]:
        """What is wrong with it, in sentences; nothing if it is sound."""

    @abstractmethod
    def close(self) -> None:
        """Close it; what was acknowledged is durable already."""
