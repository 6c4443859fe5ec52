"""Threads of a memory's own, so that a store that does not answer holds up nobody else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")
_MOST = 4


class Threads:
    """A few threads for calls that block."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in one of them. Who is cancelled while waiting leaves the call to its end."""
        return await asyncio.wrap_future(self._pool.submit(function, *args, **kwargs))

    async def close(self) -> None:
        """Wait until what was begun has ended."""
        await asyncio.to_thread(self._pool.shutdown)
