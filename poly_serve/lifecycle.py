"""Whether the server takes work, and what is under way."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from poly_engine.errors import EngineClosed

__all__ = ["LIFECYCLE", "Lifecycle"]


class Lifecycle:
    """Counts the work that is under way: requests, and turns of chats, but not chats that wait for a prompt."""

    def __init__(self) -> None:
        self.n_under_way = 0
        self.is_draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    def check_open(self) -> None:
        """Raise EngineClosed if it takes no more work."""
        if self.is_draining:
            raise EngineClosed("the server is shutting down")

    @contextmanager
    def work(self) -> Iterator[None]:
        """Work, as long as the block lasts. Raises EngineClosed if none is taken any more."""
        self.check_open()
        self.n_under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.n_under_way -= 1
            if not self.n_under_way:
                self._idle.set()

    def begin_to_drain(self) -> None:
        """Take no more work."""
        self.is_draining = True

    async def is_idle_within(self, seconds: float) -> bool:
        """Wait until nothing is under way, but not longer than that; say whether it is so."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


LIFECYCLE = web.AppKey("lifecycle", Lifecycle)
