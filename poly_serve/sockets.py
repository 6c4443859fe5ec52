"""WebSockets on the side of the server."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Self
from weakref import WeakSet

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web

from poly_serve.writing import in_time

__all__ = ["SOCKETS", "Socket", "close_sockets"]

_HEARTBEAT_S = 20.0
_PATIENCE_S = 2.0
"""For the client to close its side, too."""
_LONGEST_REASON_BYTES = 123
_GOODBYES = (0, WSCloseCode.OK, WSCloseCode.GOING_AWAY)
"""Why a client closes that does not come back; 0 is not to say why."""


class Socket:
    """A WebSocket. Somebody has to read from it all the time: else pings are not answered, and nobody notices that the
    client has left.
    """

    def __init__(self, request: web.Request, response: web.WebSocketResponse) -> None:
        self.response = response
        self.is_left = False
        """Whether the client has ended it, or broken its rules; a connection that is lost is neither."""
        self._request = request

    @classmethod
    @asynccontextmanager
    async def open(
        cls, request: web.Request, *, largest_bytes: int, protocols: Collection[str] = ()
    ) -> AsyncIterator[Self]:
        """Answer a request with a WebSocket that takes messages up to that size. It is closed with the block, or before
        that when the server stops.
        """
        # Compression would cost 100 KB for each connection.
        response = web.WebSocketResponse(
            timeout=_PATIENCE_S,
            heartbeat=_HEARTBEAT_S,
            compress=False,
            max_msg_size=largest_bytes,
            protocols=protocols,
        )
        await response.prepare(request)
        request.app[SOCKETS].add(response)
        try:
            yield cls(request, response)
        finally:
            async with in_time(request):
                await response.close()

    @property
    def protocol(self) -> str | None:
        """The subprotocol that both sides know, if there is one."""
        return self.response.ws_protocol

    async def messages(self) -> AsyncIterator[WSMessage]:
        """What the client says, until it leaves."""
        while True:
            message = await self.response.receive()
            match message.type:
                case WSMsgType.CLOSE:
                    self.is_left = message.data in _GOODBYES
                    return
                case WSMsgType.CLOSING | WSMsgType.CLOSED:
                    return
                case WSMsgType.ERROR:
                    self.is_left = isinstance(message.data, WebSocketError)
                    return
            yield message

    async def send(self, text: str) -> None:
        """Send a text. Raises ConnectionError if the client is gone, or does not read."""
        async with in_time(self._request, len(text)):
            await self.response.send_str(text)

    def cut(self) -> None:
        """End it without a word, as if the connection were lost."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self, code: int, reason: str) -> None:
        """Close it, and say why."""
        cut = reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")  # not in the middle of a character
        async with in_time(self._request):
            await self.response.close(code=code, message=cut.encode())


SOCKETS: web.AppKey[WeakSet[web.WebSocketResponse]] = web.AppKey("sockets", WeakSet[web.WebSocketResponse])


async def close_sockets(app: web.Application) -> None:
    """Close all that are open, because the server stops. Those whose clients do not even read are cut off."""
    sockets = app[SOCKETS]
    words = b"the server is shutting down"
    closing = [asyncio.create_task(one.close(code=WSCloseCode.GOING_AWAY, message=words)) for one in list(sockets)]
    if closing:
        _, late = await asyncio.wait(closing, timeout=2 * _PATIENCE_S)
        for one in late:
            one.cancel()
        await asyncio.gather(*closing, return_exceptions=True)
