"""Threads of a memory's own, so that a store that does not answer holds up nobody else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from poly_engine.errors import EngineClosed

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")
_MOST = 4


class Threads:
    """A few threads for calls that block."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix=name)
        self._is_closed = False

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in one of them. Who is cancelled while waiting leaves the call to its end.

        Raises EngineClosed once they are closed.
        """
        if self._is_closed:
            raise EngineClosed("the engine was shut down")
        return await asyncio.wrap_future(self._pool.submit(function, *args, **kwargs))

    async def close(self) -> None:
        """Wait until what was begun has ended."""
        self._is_closed = True
        await asyncio.to_thread(self._pool.shutdown)
