"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), with comments to keep alive."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from aiohttp import web

from poly_engine.errors import PolyError
from poly_serve.wire import encoded, error_record
from poly_serve.writing import in_time

__all__ = ["EventStream"]


class EventStream:
    """The answer to a request, as a stream of events. A comment goes out in every second of silence.

    It begins with the first of them: an error before that passes, and can be told by a status. A PolyError after that
    becomes the event `failed`, which is the last one. A reader that does not read is cut off in time.
    """

    def __init__(self, request: web.Request, *, silence_s: float = 1.0) -> None:
        self.response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        )
        self._request = request
        self._silence_s = silence_s
        self._one_at_a_time = asyncio.Lock()
        self._written = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep_alive())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        is_told = isinstance(error, PolyError) and self.response.prepared
        with contextlib.suppress(ConnectionError):  # who is gone need not be told that this is the end
            if isinstance(error, PolyError) and is_told:
                await self.send(encoded(error_record(error)), event="failed")  # browsers call a broken line `error`
            if error is None or is_told:
                await self._write("")
                async with in_time(self._request):
                    await self.response.write_eof()
        return is_told

    async def send(self, text: str, *, event: str | None = None, id: str | None = None) -> None:  # noqa: A002 - its name there
        """Send an event. Raises ConnectionError if the reader is gone, or does not read."""
        lines = [f"event:{event}"] if event else []
        lines += [f"id:{id}"] if id else []
        # A space behind the colon is not part of the text: one that is comes second.
        lines += [f"data:{' ' if line.startswith(' ') else ''}{line}" for line in text.replace("\r", "\n").split("\n")]
        await self._write("\n".join(lines) + "\n\n")

    async def send_data(self, line: str) -> None:
        """Send an event of one line and without a name, spaced as clients of OpenAI expect it. Raises as `send`."""
        await self._write(f"data: {line}\n\n")

    async def _write(self, text: str) -> None:
        self._written.set()
        async with in_time(self._request, len(text)), self._one_at_a_time:
            if not self.response.prepared:
                await self.response.prepare(self._request)
            if text:
                await self.response.write(text.encode())

    async def _keep_alive(self) -> None:
        with contextlib.suppress(ConnectionError):  # whoever sends hears of it, too, or the server
            while True:
                self._written.clear()
                try:
                    async with asyncio.timeout(self._silence_s):
                        await self._written.wait()
                except TimeoutError:
                    await self._write(":keep-alive-text\n\n")
