"""A memory: documents in, the right chunks out."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from poly_engine.content import Content
from poly_engine.errors import InvalidRequest
from poly_engine.extract import Extractor
from poly_engine.memory.archive import Entry, entry_line, header_line, parse_entry, parse_header, read_entry
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.ingestion import Ingestion
from poly_engine.memory.intake import Intake, IntakeSettings, OnProgress
from poly_engine.memory.queue import IngestQueue
from poly_engine.memory.recall import CANDIDATES, Selection, by_sentences, fuse
from poly_engine.memory.records import Fingerprint, Found, Query, Vectors
from poly_engine.memory.store import Store
from poly_engine.memory.threads import Threads
from poly_engine.types import ChunkInfo, DocumentInfo, Hit, Ingested, IngestJob, Recalled, RecallOptions

__all__ = ["Memory"]

_TO_LOOK_INTO = 4
"""Times as many chunks as are wanted are looked into, sentence by sentence."""


class Memory:
    """One memory of the configuration, over a store that is its own. To be closed.

    `defaults` are used where the options of a recall say nothing.
    """

    def __init__(
        self,
        store: Store,
        queue_path: Path,
        *,
        settings: IntakeSettings,
        embedding: Embedding,
        extractor: Extractor,
        defaults: RecallOptions,
    ) -> None:
        self._store = store
        self._embedding = embedding
        self._defaults = defaults
        self._has_sentences = settings.has_sentences
        self._threads = Threads("memory")
        self._intake = Intake(store, settings, embedding, extractor, self._threads)
        self._ingestion = Ingestion(IngestQueue(queue_path), self._intake, self._threads)

    @property
    def is_current(self) -> bool:
        """Whether its embedding model is still the same; else it has to be opened again."""
        return self._embedding.is_current()

    async def ingest(
        self, content: Content, *, source: str, media_type: str | None = None, on_progress: OnProgress | None = None
    ) -> Ingested:
        """Take in a document, in place of the one of the same source. What is unchanged costs nothing.

        When this returns, the document is durable. Raises UnreadableDocument or a MemoryFailed.
        """
        return await self._ingestion.ingest(content, source=source, media_type=media_type, on_progress=on_progress)

    async def submit(self, content: Content, *, source: str, media_type: str | None = None) -> None:
        """Accept a document, to be taken in later: when this returns, it is in a queue on the disk."""
        await self._ingestion.submit(content, source=source, media_type=media_type)

    async def settle(self) -> None:
        """Wait until all that was accepted is taken in, or has failed."""
        await self._ingestion.settle()

    async def jobs(self) -> Sequence[IngestJob]:
        """The documents that are accepted and not in the memory yet, and those that could not be taken in."""
        return await self._ingestion.jobs()

    async def recall(self, prompt: str, options: RecallOptions) -> Recalled:
        """The chunks that answer `prompt` best."""
        options = self._complete(options)
        async with self._embedding.hold():
            clipped = await self._threads.run(self._embedding.clipped, prompt)
            (vector,) = await self._embedding.embed([clipped])
            return await self._threads.run(self._recalled, prompt, vector, options)

    async def documents(self) -> list[DocumentInfo]:
        """The documents, in the order in which they came."""
        return await self._threads.run(self._store.documents)

    async def chunks(self, source: str) -> list[ChunkInfo]:
        """The chunks of a document, in order. Raises InvalidRequest if there is no such document."""
        stored = await self._threads.run(self._store.chunks, source)
        if not stored:
            raise InvalidRequest(f"the memory has no document {source}")
        return [
            ChunkInfo(one.place, one.start, one.end, one.text, one.headings, one.first_page, one.last_page)
            for one in stored
        ]

    async def forget(self, source: str | None) -> int:
        """Forget the document of a source, or all, also those that wait; return how many that were."""
        n_waiting = await self._ingestion.forget(source)
        if source is None:
            return n_waiting + await self._threads.run(self._store.clear)
        return int(await self._threads.run(self._store.remove, source) or n_waiting > 0)

    async def export(self) -> AsyncGenerator[bytes, None]:
        """All of it, line by line, as `poly_engine.memory.archive` says; each document as it is at that moment."""
        yield header_line(self._embedding.fingerprint)
        for info in await self.documents():
            entry = await self._threads.run(read_entry, self._store, info.source)
            if entry is not None:
                yield entry_line(entry)

    async def restore(self, lines: AsyncIterator[bytes], on_done: Callable[[Ingested], None]) -> None:
        """Take in what was exported. Vectors of another model are computed anew. `on_done` hears of each document.

        Raises InvalidRequest for what was not exported by Poly; what came before that stays.
        """
        fingerprint: Fingerprint | None = None
        number = 0
        async for line in lines:
            number += 1
            if fingerprint is None:
                fingerprint = parse_header(line)
            else:
                entry = await self._threads.run(parse_entry, line, number, fingerprint.dimensions)
                on_done(await self._restored(entry, fingerprint))
        if fingerprint is None:
            raise InvalidRequest("there is nothing to import: the file is empty")

    async def faults(self) -> list[str]:
        """What is wrong with it, in sentences."""
        return await self._threads.run(self._store.faults)

    async def close(self) -> None:
        """Close it; what was acknowledged is durable already."""
        await self._ingestion.close()
        await self._threads.run(self._store.close)
        await self._threads.close()

    async def _restored(self, entry: Entry, fingerprint: Fingerprint) -> Ingested:
        source = entry.document.source
        before = await self._threads.run(self._store.checksum, source)
        if before == entry.document.sha256:
            return Ingested(source, "unchanged", len(entry.chunks), 0)
        chunks, vectors, n_embedded = entry.chunks, entry.vectors, 0
        if fingerprint != self._embedding.fingerprint:
            chunks, vectors, n_embedded = await self._intake.embedded(entry.document, {})
        elif self._has_sentences:
            known = dict(zip((one.key for one in entry.chunks), entry.vectors, strict=True))
            chunks, vectors, n_embedded = await self._intake.embedded(entry.document, known)
        await self._threads.run(self._store.put, entry.document, chunks, vectors)
        return Ingested(source, "added" if before is None else "replaced", len(chunks), n_embedded)

    def _complete(self, options: RecallOptions) -> RecallOptions:
        """The options with what the configuration says in place of None."""
        wanted = ("max_tokens", "min_score", "mmr", "neighbours")
        given = {key: value for key in wanted if (value := getattr(options, key)) is not None}
        return replace(self._defaults, n=options.n, sources=options.sources, **given)

    def _recalled(self, prompt: str, vector: Vectors, options: RecallOptions) -> Recalled:
        selection = Selection(fuse(self._found(prompt, vector, options), prompt))
        selection.drop_duplicates()
        if options.min_score is not None or options.mmr is not None:
            vectors = self._store.vectors(selection.chunks)
            if options.min_score is not None:
                selection.drop_unlike(vector, vectors, options.min_score)
            if options.mmr is not None:
                selection.diversify(vectors, options.mmr, options.n)
        if options.neighbours:
            selection.widen(options.n, lambda hit: self._widened(hit, options.neighbours or 0))
        return selection.limit(options.n, lambda hits: self._fit(hits, options.max_tokens))

    def _found(self, prompt: str, vector: Vectors, options: RecallOptions) -> Found:
        n = max(options.n, CANDIDATES)
        if not self._has_sentences:
            return self._store.search(Query(vector, prompt, n, options.sources))
        found = self._store.search(Query(vector, prompt, _TO_LOOK_INTO * n, options.sources))
        nearest = [match.chunk for match in found.nearest]
        found = replace(found, matching=found.matching[:n])
        return by_sentences(found, vector, self._store.sentences(nearest), n)

    def _fit(self, hits: Sequence[Hit], max_tokens: int | None) -> bool:
        return max_tokens is None or sum(self._embedding.counter.count([hit.text for hit in hits])) <= max_tokens

    def _widened(self, hit: Hit, n: int) -> Hit:
        """A hit with as many chunks of its document before and behind it."""
        around = self._store.chunks(hit.source, max(0, hit.place - n), hit.place + n)
        document = self._store.document(hit.source)
        if not around or document is None:  # it was forgotten since it was found
            return hit
        start, end = min(around[0].start, hit.start), max(around[-1].end, hit.end)
        first_page, last_page = around[0].first_page, around[-1].last_page
        text = document.text[start:end]
        return replace(hit, text=text, start=start, end=end, first_page=first_page, last_page=last_page)
