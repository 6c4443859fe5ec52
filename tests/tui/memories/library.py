"""A scripted engine whose memories take documents in step by step, in as many chunks as they have paragraphs."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from poly_engine.content import Content, bytes_of
from poly_engine.errors import InvalidRequest, PolyError
from poly_engine.interface import NO_OPTIONS
from poly_engine.types import (
    ChunkInfo,
    DocumentInfo,
    Dropped,
    Hit,
    Ingested,
    IngestProgress,
    MemoryInfo,
    Recalled,
    RecallOptions,
)
from tests.fake_engine import FakeEngine
from tests.gate import Gate

__all__ = ["Library"]

AGO_S = 120.0


class Library(FakeEngine):
    """Every chunk waits at `chunk_gate` before it is embedded. `failure` is raised by whatever asks for a memory."""

    def __init__(self, *memories: str, chunk_gate: Gate | None = None, load_gate: Gate | None = None) -> None:
        super().__init__(memories=memories, load_gate=load_gate)
        self.chunk_gate = chunk_gate or Gate(float("inf"))
        self.failure: PolyError | None = None
        self.asked_for: list[tuple[str, RecallOptions]] = []
        """The questions, in order."""

    async def memories(self) -> Sequence[MemoryInfo]:
        return [
            replace(one, embedding_model="fake", n_documents=len(texts), n_chunks=sum(map(_n_chunks, texts.values())))
            for one in await super().memories()
            for texts in [self.documents_of[one.name]]
        ]

    async def ingest(
        self,
        memory: str,
        content: Content,
        *,
        source: str,
        media_type: str | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
    ) -> Ingested:
        self._check()
        n = len(_paragraphs(bytes_of(content).decode()))
        for number in range(n):
            if on_progress is not None:
                on_progress(IngestProgress(source, number, n))
            await self.chunk_gate.admit(lambda: self.is_closed)
        self._check()
        done = await super().ingest(memory, content, source=source, media_type=media_type)
        return replace(done, n_chunks=n, n_embedded=n)

    async def documents(self, memory: str) -> Sequence[DocumentInfo]:
        self._check()
        return [
            replace(
                one,
                n_chunks=_n_chunks(self.documents_of[memory][one.source]),
                added=time.time() - AGO_S * (place + 1),
                sha256=sha256(self.documents_of[memory][one.source].encode()).hexdigest(),
            )
            for place, one in enumerate(await super().documents(memory))
        ]

    async def chunks(self, memory: str, source: str) -> Sequence[ChunkInfo]:
        text = self.documents_of[memory].get(source)
        if text is None:
            raise InvalidRequest(f"the memory has no document {source}")
        starts = [(text.index(part), part) for part in _paragraphs(text)]
        return [
            ChunkInfo(place, start, start + len(part), part, ("Terms",), place // 2 + 1, place // 2 + 1)
            for place, (start, part) in enumerate(starts)
        ]

    async def recall(self, memory: str, prompt: str, options: RecallOptions = NO_OPTIONS) -> Recalled:
        """Those chunks that share most words with the prompt; the ones behind the best are too unlike it."""
        self.asked_for.append((prompt, options))
        self._check()
        hits: list[Hit] = []
        for source in self.documents_of[memory]:
            for one in await self.chunks(memory, source):
                share = _share(prompt, one.text)
                hits.append(_hit(source, one, share))
        hits.sort(key=lambda hit: -hit.score)
        hits = [replace(hit, vector_rank=rank, words_rank=rank + 1) for rank, hit in enumerate(hits, 1)]
        dropped = [Dropped(hit, "low_score") for hit in hits[options.n : options.n + 1]]
        return Recalled(tuple(hits[: options.n]), tuple(dropped))

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def taken(self, memory: str) -> list[str]:
        """The sources in a memory, once nothing else is to be done on the loop."""
        await asyncio.sleep(0)
        return list(self.documents_of[memory])


def _hit(source: str, chunk: ChunkInfo, share: float) -> Hit:
    return Hit(
        text=chunk.text,
        source=source,
        score=share,
        place=chunk.place,
        start=chunk.start,
        end=chunk.end,
        headings=chunk.headings,
        first_page=chunk.first_page,
        vector_score=share,
        words_score=10 * share,
    )


def _share(prompt: str, text: str) -> float:
    words = set(prompt.lower().split())
    return len(words & set(text.lower().replace(".", "").split())) / (len(words) or 1)


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in text.split("\n\n") if part.strip()] or [text]


def _n_chunks(text: str) -> int:
    return len(_paragraphs(text))
