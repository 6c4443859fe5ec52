"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), with comments to keep alive."""

import asyncio
from types import TracebackType
from typing import Self

from aiohttp import web

__all__ = ["EventStream"]

_WRITE_DEADLINE_S = 30.0


class EventStream:
    """The answer to a request, as a stream of events. A comment goes out in every second of silence."""

    def __init__(self, request: web.Request, *, silence_s: float = 1.0) -> None:
        self.response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        )
        self._request = request
        self._silence_s = silence_s
        self._written = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.response.prepare(self._request)
        self._keeper = asyncio.create_task(self._keep_alive())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        if error is None:
            await self.response.write_eof()

    async def send(self, text: str, *, event: str | None = None, id: str | None = None) -> None:  # noqa: A002 - its name there
        """Send an event. Raises TimeoutError if the reader does not read."""
        lines = [f"event:{event}"] if event else []
        lines += [f"id:{id}"] if id else []
        # A space behind the colon is not part of the text: one that is comes second.
        lines += [f"data:{' ' if line.startswith(' ') else ''}{line}" for line in text.replace("\r", "\n").split("\n")]
        await self._write("\n".join(lines) + "\n\n")

    async def _write(self, text: str) -> None:
        self._written.set()
        async with asyncio.timeout(_WRITE_DEADLINE_S):
            await self.response.write(text.encode())

    async def _keep_alive(self) -> None:
        while True:
            self._written.clear()
            try:
                async with asyncio.timeout(self._silence_s):
                    await self._written.wait()
            except TimeoutError:
                await self._write(":keep-alive-text\n\n")
