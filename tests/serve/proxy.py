"""A wire between a client and a server, which a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

__all__ = ["Proxy", "connected"]


class Proxy:
    """Passes on what both sides say. `n_to_cut` connections are cut as soon as something is said over them."""

    def __init__(self, target: str | None) -> None:
        self.target = target
        """The URL of the server; None if there is none, and whoever connects is cut off."""
        self.n_to_cut = 0
        self.n_connections = 0
        self.is_mute = False
        """Whether nothing is passed on any more, and nobody is told."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._connected = asyncio.Event()

    def cut(self) -> None:
        """Cut all connections, without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def has_connections(self, n: int) -> None:
        """Wait until so many have been made, in all."""
        while self.n_connections < n:
            self._connected.clear()
            await self._connected.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        self._connected.set()
        if self.target is None:
            writer.transport.abort()
            return
        port = urlsplit(self.target).port
        with suppress(ConnectionError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            self._writers |= {writer, far_writer}
            await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while said := await reader.read(1 << 16):
                if self.n_to_cut:
                    self.n_to_cut -= 1
                    self.cut()
                elif not self.is_mute:
                    writer.write(said)
                    await writer.drain()
        if not self.is_mute:
            writer.close()


@asynccontextmanager
async def connected(target: str | None, host: str = "127.0.0.1") -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of a server, and its URL."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, host, 0)
    try:
        yield proxy, f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        proxy.cut()
        await server.wait_closed()
