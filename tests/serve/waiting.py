"""Waiting for what tells nobody that it has happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["until"]

_DEADLINE_S = 20.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait until that is so. Raises TimeoutError if it does not become so."""
    async with asyncio.timeout(_DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)
