"""The memories of a scripted engine: texts in a dictionary, found by the words that they share with a prompt."""

import json
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Literal

from poly_engine.content import Content, bytes_of
from poly_engine.errors import InvalidRequest, MemoryNotFound, UnreadableDocument
from poly_engine.interface import NO_OPTIONS, Engine
from poly_engine.types import (
    ChunkInfo,
    DocumentInfo,
    Hit,
    Ingested,
    IngestJob,
    IngestProgress,
    MemoryInfo,
    Recalled,
    RecallOptions,
)

__all__ = ["FakeMemories"]


class FakeMemories(Engine):
    """The part of an engine that has memories."""

    def __init__(self, memories: Sequence[str]) -> None:
        self.documents_of: dict[str, dict[str, str]] = {name: {} for name in memories}
        """The texts in each memory, by their sources."""
        self._failed_in: dict[str, dict[str, IngestJob]] = {}

    @abstractmethod
    def check_open(self) -> None:
        """Raise EngineClosed if it is so."""

    async def memories(self) -> Sequence[MemoryInfo]:
        return [MemoryInfo(name, "fake") for name in sorted(self.documents_of)]

    async def ingest(
        self,
        memory: str,
        content: Content,
        *,
        source: str,
        media_type: str | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
    ) -> Ingested:
        documents = self._memory(memory)
        text = bytes_of(content).decode()
        if not text.strip():
            raise UnreadableDocument("no_text", f"{media_type or 'it'} holds no text", source)
        before = documents.get(source)
        documents[source] = text
        outcome: Literal["added", "replaced", "unchanged"] = "added" if before is None else "replaced"
        if before == text:
            return Ingested(source, "unchanged", 1, 0)
        if on_progress is not None:
            on_progress(IngestProgress(source, 1, 1))
        return Ingested(source, outcome, 1, 1)

    async def submit(self, memory: str, content: Content, *, source: str, media_type: str | None = None) -> None:
        """As `ingest`, at once; but what cannot be read is only found among the jobs."""
        failed = self._failed(memory)
        failed.pop(source, None)
        try:
            await self.ingest(memory, content, source=source, media_type=media_type)
        except UnreadableDocument as error:
            failed[source] = IngestJob(source, "failed", len(content), 0.0, error.cause, error.reason)

    async def jobs(self, memory: str) -> Sequence[IngestJob]:
        return list(self._failed(memory).values())

    async def settle(self, memory: str) -> None:
        self._memory(memory)

    async def recall(self, memory: str, prompt: str, options: RecallOptions = NO_OPTIONS) -> Recalled:
        """Whoever shares the most words with the prompt."""
        documents, sources = self._memory(memory), options.sources
        words = set(prompt.lower().split())
        shared = {source: len(words & set(text.lower().split())) for source, text in documents.items()}
        best = sorted((source for source in shared if sources is None or source in sources), key=lambda s: -shared[s])
        hits = (
            Hit(
                text=documents[s],
                source=s,
                score=shared[s] / (len(words) or 1),
                place=0,
                start=0,
                end=len(documents[s]),
            )
            for s in best[: options.n]
        )
        return Recalled(tuple(hits))

    async def documents(self, memory: str) -> Sequence[DocumentInfo]:
        documents = self._memory(memory)
        return [DocumentInfo(source, "", "text/plain", 1, len(text), 0.0) for source, text in documents.items()]

    async def chunks(self, memory: str, source: str) -> Sequence[ChunkInfo]:
        text = self._memory(memory).get(source)
        if text is None:
            raise InvalidRequest(f"the memory has no document {source}")
        return [ChunkInfo(0, 0, len(text), text)]

    async def faults(self, memory: str) -> Sequence[str]:
        self._memory(memory)
        return []

    async def reindex(self, memory: str, on_done: Callable[[Ingested], None]) -> None:
        for source in self._memory(memory):
            on_done(Ingested(source, "replaced", 1, 1))

    async def export(self, memory: str) -> AsyncGenerator[bytes, None]:
        documents = self._memory(memory)
        yield b'{"format":"poly-memory"}\n'
        for source, text in documents.items():
            yield json.dumps({"source": source, "text": text}).encode() + b"\n"

    async def restore(self, memory: str, lines: AsyncIterator[bytes], on_done: Callable[[Ingested], None]) -> None:
        self._memory(memory)
        async for line in lines:
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise InvalidRequest(f"it was not exported: {error}") from error
            if "source" in entry:
                on_done(await self.ingest(memory, entry["text"].encode(), source=entry["source"]))

    async def forget(self, memory: str, source: str | None = None) -> int:
        documents = self._memory(memory)
        gone = [one for one in documents if source in (None, one)]
        for one in gone:
            del documents[one]
        return len(gone)

    def _failed(self, memory: str) -> dict[str, IngestJob]:
        self._memory(memory)
        return self._failed_in.setdefault(memory, {})

    def _memory(self, name: str) -> dict[str, str]:
        self.check_open()
        if name not in self.documents_of:
            raise MemoryNotFound(name, self.documents_of)
        return self.documents_of[name]
