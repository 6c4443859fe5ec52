"""Whoever watches a request from outside: told what happens, and left behind if they do not listen."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TypeAlias

from poly_engine.errors import Overloaded, PolyError

__all__ = ["Record", "Watcher"]

Record: TypeAlias = Mapping[str, object]

_MOST_UNREAD = 1024
_END = object()


class Watcher:
    """Iterates over the records that it is told, up to the end. Raises why the request failed, if it did, and
    Overloaded when so many were not read that no more are kept.
    """

    def __init__(self, *, most_unread: int = _MOST_UNREAD) -> None:
        self.is_left_behind = False
        self._most_unread = most_unread
        self._told: asyncio.Queue[Record | PolyError | object] = asyncio.Queue()

    def tell(self, record: Record) -> None:
        """Add a record; the last one is what is too much."""
        if self.is_left_behind:
            return
        if self._told.qsize() >= self._most_unread:
            self.is_left_behind = True
            self._told = asyncio.Queue()  # nobody waits at the old one, which is full
            self.end(Overloaded(f"{self._most_unread} events were not read in time: watch again, and read faster"))
            return
        self._told.put_nowait(record)

    def end(self, error: PolyError | None = None) -> None:
        """There is nothing more to be told, because of an error or because all is said."""
        self._told.put_nowait(error or _END)

    async def __aiter__(self) -> AsyncIterator[Record]:
        while True:
            one = await self._told.get()
            if one is _END:
                return
            if isinstance(one, PolyError):
                raise one
            assert isinstance(one, Mapping)
            yield one
