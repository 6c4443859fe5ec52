"""A memory: documents in, the right chunks out."""

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poly_engine.extract import Extracted, Extractor
from poly_engine.memory.chunking import Chunk, ChunkSettings, chunk
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.file import FileStore
from poly_engine.memory.filters import embedding_text
from poly_engine.memory.recall import CANDIDATES, fuse
from poly_engine.memory.records import Document, NewChunk, Query, Vectors
from poly_engine.types import DocumentInfo, Hit, Ingested

__all__ = ["Memory", "MemorySettings"]


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """How a memory makes chunks of documents."""

    chunks: ChunkSettings
    pre_filter: tuple[str, ...]
    post_filter: tuple[str, ...]


class Memory:
    """One memory of the configuration, over the built-in store. To be closed.

    Raises MemoryMismatch or MemoryDamaged on opening.
    """

    def __init__(self, path: Path, settings: MemorySettings, embedding: Embedding, extractor: Extractor) -> None:
        self._extractor = extractor
        self._settings = settings
        self._embedding = embedding
        self._store = FileStore(path, embedding.fingerprint)

    async def ingest(self, content: bytes, *, source: str, media_type: str | None = None) -> Ingested:
        """Take in a document, in place of the one of the same source. What is unchanged costs nothing.

        When this returns, the document is on the disk. Raises UnreadableDocument or MemoryUnwritable.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        before = await asyncio.to_thread(self._store.checksum, source)
        if before == sha256:
            return Ingested(source, "unchanged", len(await asyncio.to_thread(self._store.chunks, source)), 0)
        extracted = await self._extractor.extract(content, name=source, media_type=media_type)
        chunks = await asyncio.to_thread(self._chunked, extracted)
        texts = await asyncio.to_thread(self._embedding_texts, extracted, chunks)
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        vectors, n_embedded = await self._vectors(source, texts, keys)
        document = Document(
            source,
            sha256,
            extracted.text,
            extracted.title,
            extracted.media_type,
            extracted.headings,
            extracted.page_starts,
        )
        await asyncio.to_thread(self._store.put, document, list(map(_new, chunks, keys)), vectors)
        return Ingested(source, "added" if before is None else "replaced", len(chunks), n_embedded)

    async def recall(self, prompt: str, n: int, sources: Collection[str] | None = None) -> list[Hit]:
        """The `n` chunks that answer `prompt` best, best first; of the documents `sources`, if they are given."""
        clipped = await asyncio.to_thread(self._embedding.clipped, prompt)
        (vector,) = await self._embedding.embed([clipped])
        return await asyncio.to_thread(self._recalled, prompt, vector, n, sources)

    async def documents(self) -> list[DocumentInfo]:
        """The documents, in the order in which they came."""
        return await asyncio.to_thread(self._store.documents)

    async def forget(self, source: str | None) -> int:
        """Forget the document of a source, or all; return how many that were."""
        if source is None:
            return await asyncio.to_thread(self._store.clear)
        return int(await asyncio.to_thread(self._store.remove, source))

    async def faults(self) -> list[str]:
        """What is wrong with it, in sentences."""
        return await asyncio.to_thread(self._store.faults)

    async def close(self) -> None:
        """Close it; what was acknowledged is on the disk already."""
        await asyncio.to_thread(self._store.close)

    def _chunked(self, extracted: Extracted) -> list[Chunk]:
        return chunk(
            extracted.text,
            self._settings.chunks,
            self._embedding.counter,
            headings=extracted.headings,
            page_starts=extracted.page_starts,
        )

    async def _vectors(self, source: str, texts: Sequence[str], keys: Sequence[str]) -> tuple[Vectors, int]:
        """The vectors of texts that are told apart by `keys`, and how many were not there before."""
        known = dict(await asyncio.to_thread(self._store.known_vectors, source))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        known |= dict(zip(new, await self._embedding.embed(list(new.values())), strict=True))
        dimensions = self._embedding.fingerprint.dimensions
        return np.array([known[key] for key in keys], np.float32).reshape(-1, dimensions), len(new)

    def _embedding_texts(self, extracted: Extracted, chunks: Sequence[Chunk]) -> list[str]:
        """What is embedded of each chunk: its text without what the filters leave out, below its headings."""
        settings, clipped = self._settings, self._embedding.clipped
        texts = [extracted.text[one.start : one.end] for one in chunks]
        return [  # clipped, because the headings are not counted with the chunk
            clipped(
                embedding_text(text, extracted.title, one.headings, settings.pre_filter, settings.post_filter) or text
            )
            for text, one in zip(texts, chunks, strict=True)
        ]

    def _recalled(self, prompt: str, vector: Vectors, n: int, sources: Collection[str] | None) -> list[Hit]:
        return fuse(self._store.search(Query(vector, prompt, max(n, CANDIDATES), sources)), n)


def _new(one: Chunk, key: str) -> NewChunk:
    return NewChunk(one.start, one.end, key, one.headings, one.first_page, one.last_page)
