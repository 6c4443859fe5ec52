"""A server of files that behaves as it is told: it cuts connections, lies, stalls, redirects, and changes its mind."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

__all__ = ["Answer", "Asked", "FileServer", "file_server"]

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    path: str
    headers: dict[str, str]

    @property
    def first_byte(self) -> int:
        """Where what is asked for begins."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])


@dataclass(slots=True)
class FileServer:
    """`files` by path, with their ETags. `answers` are given, one to each request, before files are served well, or
    what is served `instead`.
    """

    url: str = ""
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    instead: Answer | None = None

    def put(self, path: str, content: bytes, etag: str = '"one"') -> str:
        """Serve a file; return its URL."""
        self.files[path] = (content, etag)
        return f"{self.url}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(request.path, dict(request.headers)))
        if self.answers:
            return await self.answers.pop(0)(request)
        return await (self.instead or self.well)(request)

    async def well(self, request: web.Request) -> web.StreamResponse:
        """Serve the file, or the range of it, as one should."""
        return await self._serve(request, None)

    def cut(self, n_bytes: int) -> Answer:
        """Serve it, and break off after so many bytes."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, n_bytes)

        return answer

    def stall(self, n_bytes: int) -> Answer:
        """Serve so many bytes, and then nothing until `released`."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, n_bytes, is_patient=True)

        return answer

    async def _serve(
        self, request: web.Request, n_bytes: int | None, *, is_patient: bool = False
    ) -> web.StreamResponse:
        if request.path not in self.files:
            raise web.HTTPNotFound
        content, etag = self.files[request.path]
        asked = self.asked[-1]
        is_range = "Range" in asked.headers and asked.headers.get("If-Range", etag) == etag
        begin = asked.first_byte if is_range else 0
        if is_range and begin >= len(content):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(content)}"})
        response = web.StreamResponse(status=206 if is_range else 200, headers={"ETag": etag})
        if is_range:
            response.headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        response.content_length = len(content) - begin
        await response.prepare(request)
        with suppress(ConnectionError):  # who asked may leave
            await response.write(content[begin:] if n_bytes is None else content[begin : begin + n_bytes])
            if is_patient:
                await self.released.wait()
        if n_bytes is not None:
            cut_off(request)
        return response


def cut_off(request: web.Request) -> None:
    """Break the connection off, when what was written is on its way."""
    if request.transport is not None:
        request.transport.close()


@asynccontextmanager
async def file_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[FileServer]:
    """A server on this machine."""
    server = FileServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # a server of asyncio has them
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.released.set()
        await runner.cleanup()
