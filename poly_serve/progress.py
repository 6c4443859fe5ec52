"""Work that tells how far it is, while others listen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

from aiohttp import web

from poly_serve.sse import EventStream
from poly_serve.wire import encoded

__all__ = ["Progress", "Work", "with_progress"]

R = TypeVar("R")

Work: TypeAlias = Callable[[Callable[[object], None]], Coroutine[None, None, R]]
"""Work that is given whom to tell of it."""

_END = object()


class Progress(Generic[R]):
    """Does some work in the block, and iterates over what it tells. Who leaves the block early, ends the work."""

    def __init__(self, work: Work[R]) -> None:
        self._work = work
        self._told: asyncio.Queue[object] = asyncio.Queue()
        self._working: asyncio.Task[R]

    async def __aenter__(self) -> Self:
        self._working = asyncio.create_task(self._work(self._told.put_nowait))
        self._working.add_done_callback(lambda _: self._told.put_nowait(_END))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._working.cancel()
        await asyncio.wait([self._working])
        if not self._working.cancelled():
            self._working.exception()  # seen: asyncio would complain of an error that nobody looked at

    async def __aiter__(self) -> AsyncIterator[object]:
        while (thing := await self._told.get()) is not _END:
            yield thing

    def result(self) -> R:
        """What came of it, when there is no more to be told. Raises what it raised."""
        return self._working.result()


async def with_progress(request: web.Request, work: Work[object]) -> web.StreamResponse:
    """Answer with the events of some work: `progress` for each thing that it tells, and `done` with what it returns.

    Raises what it raises before it has told anything; after that it is the event `failed`.
    """
    async with EventStream(request) as stream, Progress(work) as progress:
        async for thing in progress:
            await stream.send(encoded(thing), event="progress")
        await stream.send(encoded(progress.result()), event="done")
    return stream.response
