"""The memories of a server."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import asdict

from poly_engine.content import Content, pieces_of
from poly_engine.interface import NO_OPTIONS, Engine
from poly_engine.types import (
    ChunkInfo,
    DocumentInfo,
    Ingested,
    IngestJob,
    IngestProgress,
    MemoryInfo,
    Recalled,
    RecallOptions,
)
from poly_serve.client.faults import told
from poly_serve.client.server import Query, Server

__all__ = ["RemoteMemories"]

_ERROR = b'{"type":"error",'
"""How a line begins that says why an export breaks off; a document does not begin like that."""


class RemoteMemories(Engine):
    """The part of a remote engine that has memories."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def memories(self) -> Sequence[MemoryInfo]:
        answer = await self._server.get("v1", "memory", query={"detail": "1"})
        return self._server.things(MemoryInfo, answer, "memories")

    async def ingest(
        self,
        memory: str,
        content: Content,
        *,
        source: str,
        media_type: str | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
    ) -> Ingested:
        server = self._server

        def tell(plain: object) -> None:
            if on_progress is not None:
                on_progress(server.thing(IngestProgress, plain))

        query = _document(source, media_type)
        became = await server.follow(
            "PUT", "v1", "memory", memory, query=query, content=lambda: _pieces(content), on_progress=tell
        )
        return server.thing(Ingested, became)

    async def submit(self, memory: str, content: Content, *, source: str, media_type: str | None = None) -> None:
        query = {**_document(source, media_type), "wait": "false"}
        await self._server.ask("PUT", "v1", "memory", memory, query=query, content=lambda: _pieces(content))

    async def jobs(self, memory: str) -> Sequence[IngestJob]:
        return self._server.things(IngestJob, await self._server.get("v1", "memory", memory, "jobs"), "jobs")

    async def settle(self, memory: str) -> None:
        await self._server.follow("POST", "v1", "memory", memory, "settle")

    async def recall(self, memory: str, prompt: str, options: RecallOptions = NO_OPTIONS) -> Recalled:
        given = {key: value for key, value in asdict(options).items() if value is not None}
        sources = {} if options.sources is None else {"sources": list(options.sources)}
        body = {"prompt": prompt, **given, **sources}
        answer = await self._server.ask("POST", "v1", "memory", memory, "recall", body=body, is_repeatable=True)
        return self._server.thing(Recalled, answer)

    async def documents(self, memory: str) -> Sequence[DocumentInfo]:
        answer = await self._server.get("v1", "memory", memory, "documents")
        return self._server.things(DocumentInfo, answer, "documents")

    async def chunks(self, memory: str, source: str) -> Sequence[ChunkInfo]:
        answer = await self._server.get("v1", "memory", memory, "chunks", query={"source": source})
        return self._server.things(ChunkInfo, answer, "chunks")

    async def faults(self, memory: str) -> Sequence[str]:
        return self._server.things(str, await self._server.get("v1", "memory", memory, "faults"), "faults")

    async def reindex(self, memory: str, on_done: Callable[[Ingested], None]) -> None:
        def tell(plain: object) -> None:
            on_done(self._server.thing(Ingested, plain))

        await self._server.follow("POST", "v1", "memory", memory, "reindex", on_progress=tell)

    async def export(self, memory: str) -> AsyncGenerator[bytes, None]:
        async with self._server.lines("v1", "memory", memory, "export") as lines:
            async for line in lines:
                if line.startswith(_ERROR):
                    raise told(self._server.address.url, self._server.parsed(line))
                yield line

    async def restore(self, memory: str, lines: AsyncIterator[bytes], on_done: Callable[[Ingested], None]) -> None:
        from poly_serve.client.restoring import restore  # 100 ms for WebSockets, which few other calls need

        await restore(self._server, memory, lines, on_done)

    async def forget(self, memory: str, source: str | None = None) -> int:
        query = {"detail": "1"} if source is None else {"detail": "1", "source": source}
        answer = await self._server.ask("DELETE", "v1", "memory", memory, query=query)
        return self._server.thing(int, answer.get("forgotten"))


def _document(source: str, media_type: str | None) -> Query:
    type_ = {} if media_type is None else {"type": media_type}
    return {"detail": "1", "source": source, **type_}


async def _pieces(content: Content) -> AsyncIterator[bytes]:
    for piece in pieces_of(content):
        yield bytes(piece)
