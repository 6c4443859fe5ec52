"""Waiting for a server that was lost."""

import asyncio

from poly_engine.errors import EngineUnreachable, PolyError
from poly_engine.interface import Engine

__all__ = ["until_reachable"]

PAUSE_S = 1.0


async def until_reachable(engine: Engine) -> None:
    """Return when the server is there again, whatever it says."""
    while True:
        try:
            await engine.tasks()
        except EngineUnreachable:
            await asyncio.sleep(PAUSE_S)
        except PolyError:  # such as of a key that it does not take any more: who asks for something is told
            return
        else:
            return
