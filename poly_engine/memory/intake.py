"""How a document gets into a memory: its text is taken out, cut into chunks, embedded and stored."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

import numpy as np

from poly_engine.content import Content, sha256_of
from poly_engine.extract import Extracted, Extractor
from poly_engine.memory.chunking import Chunk, ChunkSettings, chunk
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.filters import embedding_text
from poly_engine.memory.records import Document, NewChunk, Vectors
from poly_engine.memory.sentences import sentences
from poly_engine.memory.store import Store
from poly_engine.memory.threads import Threads
from poly_engine.types import Ingested, IngestProgress

__all__ = ["Intake", "IntakeSettings", "OnProgress"]

OnProgress: TypeAlias = Callable[[IngestProgress], None]

_TEXTS_AT_ONCE = 32
"""Enough to fill the batches of the model, and few enough to be waited for by who interrupts."""


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """How a memory makes chunks of documents, and what of them is embedded."""

    chunks: ChunkSettings
    pre_filter: tuple[str, ...]
    post_filter: tuple[str, ...]
    has_sentences: bool = False
    """Whether the sentences of a chunk are embedded, too."""


class Intake:
    """Takes documents into a store, with one embedding model."""

    def __init__(
        self, store: Store, settings: IntakeSettings, embedding: Embedding, extractor: Extractor, threads: Threads
    ) -> None:
        self._store = store
        self._settings = settings
        self._embedding = embedding
        self._extractor = extractor
        self._threads = threads

    async def unchanged(self, content: Content, source: str) -> Ingested | None:
        """What is to be told of a document that is there already, with this content; None if it is not."""
        stored = await self._threads.run(self._store.checksum, source)
        if stored is None or stored != await self._threads.run(sha256_of, content):
            return None
        return Ingested(source, "unchanged", len(await self._threads.run(self._store.chunks, source)), 0)

    async def take_in(
        self, content: Content, source: str, media_type: str | None, on_progress: OnProgress | None
    ) -> Ingested:
        """Take in a document, in place of the one of the same source. Raises UnreadableDocument or a MemoryFailed."""
        if (same := await self.unchanged(content, source)) is not None:
            return same
        extracted = await self._extractor.extract(content, name=source, media_type=media_type)
        document = _document(source, await self._threads.run(sha256_of, content), extracted)
        known = await self._threads.run(self._store.known_vectors, source)
        is_new = not known and await self._threads.run(self._store.checksum, source) is None
        chunks, vectors, n_embedded = await self.embedded(document, known, on_progress)
        await self._threads.run(self._store.put, document, chunks, vectors)
        return Ingested(source, "added" if is_new else "replaced", len(chunks), n_embedded)

    async def embedded(
        self, document: Document, known: Mapping[str, Vectors], on_progress: OnProgress | None = None
    ) -> tuple[list[NewChunk], Vectors, int]:
        """The chunks of a document, their vectors, and how many of these were not `known` by their keys."""
        async with self._embedding.hold():
            return await self._embedded(document, known, on_progress)

    async def _embedded(
        self, document: Document, known: Mapping[str, Vectors], on_progress: OnProgress | None
    ) -> tuple[list[NewChunk], Vectors, int]:
        chunks, texts = await self._threads.run(self._chunked, document)
        keyed = {one.key: text for one, text in zip(chunks, texts, strict=True)}
        new = [key for key in keyed if key not in known]
        parts = await self._threads.run(self._sentences, document, chunks) if self._settings.has_sentences else {}
        wanted = [*(keyed[key] for key in new), *dict.fromkeys(chain.from_iterable(parts.values()))]
        embedded = await self._embed(wanted, document.source, on_progress)
        vectors = {**known, **{key: embedded[keyed[key]] for key in new}}
        rows = np.array([vectors[one.key] for one in chunks], np.float32)
        chunks = [
            replace(one, sentences=np.stack([embedded[text] for text in parts[one.key]])) if parts.get(one.key) else one
            for one in chunks
        ]
        return chunks, rows.reshape(-1, self._embedding.fingerprint.dimensions), len(new)

    async def _embed(self, texts: Sequence[str], source: str, on_progress: OnProgress | None) -> dict[str, Vectors]:
        """The vectors of texts."""
        vectors: dict[str, Vectors] = {}
        for begin in range(0, len(texts), _TEXTS_AT_ONCE):
            if on_progress is not None:
                on_progress(IngestProgress(source, begin, len(texts)))
            part = texts[begin : begin + _TEXTS_AT_ONCE]
            vectors |= zip(part, await self._embedding.embed(part), strict=True)
        if texts and on_progress is not None:
            on_progress(IngestProgress(source, len(texts), len(texts)))
        return vectors

    def _sentences(self, document: Document, chunks: Sequence[NewChunk]) -> dict[str, list[str]]:
        """What is embedded of the sentences of chunks, by the keys of these."""
        clipped = self._embedding.clipped
        return {one.key: list(map(clipped, sentences(document.text[one.start : one.end]))) for one in chunks}

    def _chunked(self, document: Document) -> tuple[list[NewChunk], list[str]]:
        """The chunks, and what of each is embedded."""
        cut = chunk(
            document.text,
            self._settings.chunks,
            self._embedding.counter,
            headings=document.headings,
            page_starts=document.page_starts,
        )
        texts = [self._embedding_text(document, one) for one in cut]
        return [_new(one, text) for one, text in zip(cut, texts, strict=True)], texts

    def _embedding_text(self, document: Document, one: Chunk) -> str:
        """The text of a chunk without what the filters leave out, below its headings."""
        settings = self._settings
        text = document.text[one.start : one.end]
        whole = embedding_text(text, document.title, one.headings, settings.pre_filter, settings.post_filter)
        return self._embedding.clipped(whole or text)  # clipped, because the headings are not counted with the chunk


def _document(source: str, sha256: str, extracted: Extracted) -> Document:
    return Document(
        source,
        sha256,
        extracted.text,
        extracted.title,
        extracted.media_type,
        extracted.headings,
        extracted.page_starts,
    )


def _new(one: Chunk, embedded_text: str) -> NewChunk:
    key = hashlib.sha256(embedded_text.encode()).hexdigest()
    return NewChunk(one.start, one.end, key, one.headings, one.first_page, one.last_page)
