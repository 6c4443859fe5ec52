"""Writing to somebody who may have stopped reading."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from poly_serve.deadlines import DEADLINES, Deadlines

__all__ = ["in_time"]


@asynccontextmanager
async def in_time(request: web.Request, n_bytes: int = 0) -> AsyncIterator[None]:
    """Write in the block, about `n_bytes`. Who does not read enough in time to make room is cut off, and
    ConnectionError raised.
    """
    deadlines = request.app.get(DEADLINES, Deadlines())
    deadline_s = deadlines.reading_s + n_bytes / deadlines.least_bytes_per_s
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except TimeoutError as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionAbortedError(f"too little was read for {deadline_s:g} s") from error
