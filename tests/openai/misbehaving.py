"""A server of OpenAI's protocol that answers as a test tells it: well, badly, late, or not to the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class OpenAIServer:
    """`answers` are given one to each request, the last one for ever. `asked` are the bodies that came."""

    answers: list[Answer] = field(default_factory=list)
    models: Sequence[Json] = ({"id": "big"},)
    list_models: Answer | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client left in the middle of an answer."""
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        if request.path == "/v1/models":
            well = json_answer({"object": "list", "data": list(self.models)})
            return await (self.list_models or well)(request)
        self.asked.append(await request.json())
        return await (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(request)

    def held(self, *texts: str) -> Answer:
        """Some pieces, and then nothing until `released`; notes who leaves meanwhile."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = await _begun(request)
            for text in texts:
                await _say(response, chunk(text))
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                self.left.set()
                raise
            return response

        return answer


@asynccontextmanager
async def openai_server(*answers: Answer) -> AsyncIterator[OpenAIServer]:
    """Such a server in the block."""
    server = OpenAIServer(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield server
    finally:
        server.released.set()
        await runner.cleanup()


def chunk(text: str, reason: str | None = None, **more: object) -> Json:
    """A piece of the answer to a chat, which does for completions as well."""
    choice = {"index": 0, "delta": {"content": text}, "text": text, "finish_reason": reason, **more}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def stream(*chunks: Json | str, is_whole: bool = True) -> Answer:
    """Pieces one after the other; a text stands for itself. Unless it is whole, the connection breaks behind them."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await _begun(request)
        for piece in chunks:
            await _say(response, piece)
        if is_whole:
            await response.write(b"data: [DONE]\n\n")
        else:
            assert request.transport is not None
            request.transport.abort()
        return response

    return answer


def saying(text: str, *, usage: Json | None = None, reason: str = "stop") -> Answer:
    """A whole answer, letter by letter."""
    last = [] if usage is None else [{"choices": [], "usage": usage}]
    return stream(*(chunk(letter) for letter in text), chunk("", reason), *last)


def json_answer(body: object, status: int = 200, **headers: str) -> Answer:
    """An answer at once."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def plain_answer(text: str, status: int, content_type: str = "text/html") -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type)

    return answer


async def _begun(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response


async def _say(response: web.StreamResponse, piece: Json | str) -> None:
    text = piece if isinstance(piece, str) else json.dumps(piece, ensure_ascii=False)
    await response.write(f"data: {text}\n\n".encode())
