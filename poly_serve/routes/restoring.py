"""The routes by which a memory takes in what was exported: a body of lines, or a WebSocket, which tells of each.

Over the WebSocket a line is a binary message, and a text message says that there are no more. The answers are texts:
{"type": "ingested", "document": …} for each document, and in the end {"type": "done"}, or {"type": "error", "code": …,
"message": …}. A client that sends more than 512 MiB ahead of the answers is cut off.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from poly_engine import Ingested, PolyError
from poly_engine.text.lines import lines_of
from poly_serve.access import Kind
from poly_serve.admission import admitted_to_memory
from poly_serve.bodies import pieces_of_body
from poly_serve.engine import ENGINE
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.progress import Progress
from poly_serve.replies import in_json, in_plain_text, json_reply
from poly_serve.routing import Named, Route
from poly_serve.sockets import Socket
from poly_serve.wire import encoded, error_record

__all__ = ["ROUTES"]

_MOST_BYTES = 512 << 20


async def restore(request: web.Request) -> web.Response:
    """Take in the lines of an export; the answer says what became of each document."""
    done: list[Ingested] = []
    name, lines = request.match_info["name"], lines_of(pieces_of_body(request, None))
    async with admitted_to_memory(request, name):
        await request.app[ENGINE].restore(name, lines, done.append)
    return json_reply({"documents": done})


async def restore_one_by_one(request: web.Request) -> web.StreamResponse:
    """Take in the lines of an export over a WebSocket, and tell of each document."""
    with request.app[LIFECYCLE].work():
        async with Socket.open(request, largest_bytes=_MOST_BYTES) as socket, asyncio.TaskGroup() as group:
            lines = _Lines(socket)
            restoring = group.create_task(_restore(request, socket, lines))
            await lines.read()
            restoring.cancel()
        return socket.response


async def _restore(request: web.Request, socket: Socket, lines: "_Lines") -> None:
    engine, name = request.app[ENGINE], request.match_info["name"]
    with suppress(ConnectionError):  # if the client is gone, whoever reads hears that, too
        try:
            async with (
                admitted_to_memory(request, name),
                Progress(lambda tell: engine.restore(name, lines.each(), tell)) as progress,
            ):
                async for ingested in progress:
                    await socket.send(encoded({"type": "ingested", "document": ingested}))
            progress.result()
            await socket.send(encoded({"type": "done"}))
        except PolyError as error:
            await socket.send(encoded({"type": "error", **error_record(error)}))
        await socket.close(WSCloseCode.OK, "")


class _Lines:
    """The lines that a client sends, until they are taken."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._n_bytes = 0

    async def read(self) -> None:
        """Read until the client leaves, or the socket is closed."""
        async for message in self._socket.messages():
            line = message.data if message.type is WSMsgType.BINARY else None
            self._n_bytes += len(line or b"")
            if self._n_bytes > _MOST_BYTES:
                await self._socket.close(WSCloseCode.MESSAGE_TOO_BIG, "too much is sent ahead of the answers")
            self._waiting.put_nowait(line)

    async def each(self) -> AsyncIterator[bytes]:
        """The lines, in order."""
        while (line := await self._waiting.get()) is not None:
            self._n_bytes -= len(line)
            yield line


_MEMORY = Named(Kind.MEMORY)
_ERRORS = (in_plain_text, in_json)
ROUTES = (
    Route("POST", "/v1/memory/{name}/restore", restore, _MEMORY, *_ERRORS),
    Route("GET", "/v1/memory/{name}/restore", restore_one_by_one, _MEMORY, *_ERRORS),
)
