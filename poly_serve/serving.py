"""An application on an address, with what keeps clients from holding it up: deadlines, and a limit of connections."""

import asyncio
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from poly_serve.deadlines import DEADLINES

__all__ = ["Site", "serving"]

_MOST_CONNECTIONS = 8192
_OTHER_FILES = 256
"""Open at the same time: databases, documents, pipes, libraries."""
_BACKLOG = 1024
_FULL = b"too many connections are open: try again later"
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (len(_FULL), _FULL)
)


class Site:
    """Where an application is served."""

    def __init__(self, listener: asyncio.Server) -> None:
        self._listener = listener
        host, port = listener.sockets[0].getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop_listening(self) -> None:
        """Take no more connections; those that there are stay."""
        self._listener.close()


@asynccontextmanager
async def serving(
    app: web.Application, host: str, port: int, *, last_words_s: float, most_connections: int | None = None
) -> AsyncIterator[Site]:
    """Serve an application in the block. In the end, what is under way has `last_words_s`. Raises OSError if the
    address cannot be bound.

    There are as many connections as files may be open, but for some, unless `most_connections` says another number.
    Whoever comes then is told to try again.
    """
    runner = web.AppRunner(
        app,
        handler_cancellation=True,
        # It holds from the last answer to the end of the next headers, however slowly these come.
        keepalive_timeout=app[DEADLINES].next_request_s,
        shutdown_timeout=last_words_s,
        access_log=None,  # ours leaves out what may be a secret
    )
    await runner.setup()
    try:
        assert runner.server is not None, "there is one after the setup"
        door = _door(runner.server, most_connections or _most_connections())
        listener = await asyncio.get_running_loop().create_server(door, host, port, backlog=_BACKLOG)
        try:
            yield Site(listener)
        finally:
            listener.close()
    finally:
        await runner.cleanup()


def _door(server: web.Server, n_most: int) -> Callable[[], asyncio.BaseProtocol]:
    return lambda: server() if len(server.connections) < n_most else _Refusing()


class _Refusing(asyncio.Protocol):
    """Tells whoever connects to try again."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_REFUSAL)
        transport.close()


def _most_connections() -> int:
    """How many connections may be open, after asking the system for more files than it gives at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
        except (OSError, ValueError):  # macOS may give fewer than it says
            pass
    return _MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, min(_MOST_CONNECTIONS, soft - _OTHER_FILES))
