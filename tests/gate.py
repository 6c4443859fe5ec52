"""A gate that lets things pass when a test says so."""

import asyncio
import math
from collections.abc import Callable

__all__ = ["Gate"]


class Gate:
    """Stands before every token (or every step of a load), and lets as many pass as the test says."""

    def __init__(self, n_open: float = 0) -> None:
        self._n_open = n_open
        self._changed = asyncio.Event()

    def open(self, n: float = math.inf) -> None:
        """Let `n` more pass, or all."""
        self._n_open += n
        self.knock()

    def knock(self) -> None:
        """Have those that wait look whether their work is over."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def admit(self, is_over: Callable[[], bool]) -> None:
        """Wait until one may pass, or until there is nothing to wait for."""
        while self._n_open < 1 and not is_over():
            await self._changed.wait()
        self._n_open = max(0, self._n_open - 1)
