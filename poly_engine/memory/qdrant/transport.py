"""HTTP in which every request ends in time, however slowly the other side sends."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

__all__ = ["TimedTransport"]

_CONNECT_S = 2.0
_IDLE_S = 2.0  # Qdrant closes what was idle for 5 s: a request that is sent just then fails
_PIECE_BYTES = 1 << 14


class TimedTransport(httpx.BaseTransport):
    """Sends a request and reads the whole answer in `timeout_s` seconds, or raises an httpcore.TimeoutException.

    The timeouts of httpx are for each read and write by itself: a server that sends one byte a second meets them all.
    Other failures of the network are other exceptions of httpcore. Any thread may use it.
    """

    def __init__(self, timeout_s: float, ssl_context: SSLContext | None = None) -> None:
        self._timeout_s = timeout_s
        self._deadline = _Deadline()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,
            keepalive_expiry=_IDLE_S,
            network_backend=_TimedBackend(self._deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if not self._deadline.is_shared:
            self._deadline.at = time.monotonic() + self._timeout_s
        url = request.url
        response = self._pool.request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
        )
        return httpx.Response(response.status, headers=response.headers, stream=httpx.ByteStream(response.content))

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """Let the requests of this thread in the block have `timeout_s` seconds together, not each."""
        self._deadline.at = time.monotonic() + self._timeout_s
        self._deadline.is_shared = True
        try:
            yield
        finally:
            self._deadline.is_shared = False

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Deadline(threading.local):
    """When what this thread is about must be done, by the monotonic clock, and whether that is several requests."""

    at = 0.0
    is_shared = False

    def left_s(self) -> float:
        left_s = self.at - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the time is up")
        return left_s


class _TimedBackend(httpcore.SyncBackend):
    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline says
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # Any, as httpcore has it
    ) -> httpcore.NetworkStream:
        within_s = min(_CONNECT_S, self._deadline.left_s())
        stream = super().connect_tcp(host, port, within_s, local_address, socket_options)
        return _TimedStream(stream, self._deadline)


class _TimedStream(httpcore.NetworkStream):
    """A connection on which nothing takes longer than until the deadline; what httpcore says of timeouts is ignored."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._deadline.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        # in pieces: within one write the time would begin anew for each part that the other side took
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._stream.write(buffer[start : start + _PIECE_BYTES], self._deadline.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s())
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # Any, as httpcore has it
        return self._stream.get_extra_info(info)
