"""Writing to somebody who may have stopped reading."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

__all__ = ["DEADLINE_S", "in_time"]

DEADLINE_S = 30.0


@asynccontextmanager
async def in_time(request: web.Request, deadline_s: float = DEADLINE_S) -> AsyncIterator[None]:
    """Write in the block. Who does not read enough in time to make room is cut off, and ConnectionError raised."""
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except TimeoutError as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionAbortedError(f"nothing was read for {deadline_s:g} s") from error
