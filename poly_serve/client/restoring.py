"""An export on its way into a memory of a server, which tells of each document while others are still on their way."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from poly_engine.errors import InvalidRequest
from poly_engine.types import Ingested
from poly_serve.client.faults import broken, told
from poly_serve.client.server import Server

__all__ = ["restore"]

_LARGEST_BYTES = 512 << 20
_AHEAD_BYTES = 16 << 20
"""Sent before the server has told what became of it: enough to keep it busy, and little enough to be held there."""


async def restore(
    server: Server, memory: str, lines: AsyncIterator[bytes], on_done: Callable[[Ingested], None]
) -> None:
    """Take in the lines of an export; `on_done` is told of each document. Raises as `Engine.restore`."""
    socket = await server.dial("v1", "memory", memory, "restore")
    outgoing = _Outgoing(socket)
    sending = asyncio.create_task(outgoing.send(lines))
    try:
        with suppress(ConnectionClosed):
            async for text in socket:
                plain = server.parsed(text)
                answer = server.thing(_Answer, plain)
                if answer.type == "done":
                    return
                if answer.document is None:
                    raise told(server.address.url, plain)
                outgoing.acknowledge()
                on_done(answer.document)
        raise outgoing.failure or broken(server.address.url, socket.close_reason or "it broke off")
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        await socket.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the server says: of a document, that all is done, or an error."""

    type: str
    document: Ingested | None = None


class _Outgoing:
    """Sends lines, as many as the server can hold; it answers each but the first one."""

    def __init__(self, socket: ClientConnection) -> None:
        self.failure: Exception | None = None
        """Why there are no more lines, if whoever makes them failed."""
        self._socket = socket
        self._unanswered: deque[int] = deque()
        self._answered = asyncio.Event()

    async def send(self, lines: AsyncIterator[bytes]) -> None:
        try:
            with suppress(ConnectionClosed):  # whoever reads hears that, too
                is_answered = False  # the first one is not
                async for line in lines:
                    await self._wait_for_room(len(line))
                    if is_answered:
                        self._unanswered.append(len(line))
                    await self._socket.send(line)
                    is_answered = True
                await self._socket.send("end")
        except Exception as error:  # noqa: BLE001 - it is raised where the lines were given
            self.failure = error
            await self._socket.close()

    def acknowledge(self) -> None:
        """Take note of an answer."""
        if self._unanswered:
            self._unanswered.popleft()
        self._answered.set()

    async def _wait_for_room(self, n_bytes: int) -> None:
        if n_bytes > _LARGEST_BYTES:
            raise InvalidRequest(f"a line is longer than {_LARGEST_BYTES >> 20} MiB, which is more than a server takes")
        while self._unanswered and sum(self._unanswered) + n_bytes > _AHEAD_BYTES:
            self._answered.clear()
            await self._answered.wait()
