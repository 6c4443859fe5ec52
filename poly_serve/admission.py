"""Who is answered next: so many at once, so many wait, and nobody waits behind all that somebody else has asked."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from poly_engine.errors import Overloaded
from poly_serve.lifecycle import Lifecycle

__all__ = ["ADMISSION", "Admission"]


class Admission:
    """Admits `n_at_once` requests; `n_waiting` more wait, in turns of whoever asks: one with a hundred requests holds
    up another's first by one of them.
    """

    def __init__(self, n_at_once: int, n_waiting: int, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._n_free = n_at_once
        self._n_most_waiting = n_waiting
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def n_waiting(self) -> int:
        """How many requests wait."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def admit(self, subject: str) -> AsyncIterator[None]:
        """Wait for a place, and keep it while in the block. Raises Overloaded, or EngineClosed when it drains."""
        with self._lifecycle.work():
            await self._enter(subject)
            try:
                yield
            finally:
                self._leave()

    async def _enter(self, subject: str) -> None:
        if self._n_free and not self._waiting:
            self._n_free -= 1
            return
        if self.n_waiting >= self._n_most_waiting:
            raise Overloaded(f"{self.n_waiting} requests are waiting already: try again later")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(subject, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # the place was given, and nobody takes it
            else:
                self._forget(subject, turn)
            raise

    def _leave(self) -> None:
        self._n_free += 1
        while self._n_free and self._waiting:
            subject, line = next(iter(self._waiting.items()))
            turn = line.popleft()
            self._waiting.move_to_end(subject)
            if not line:
                del self._waiting[subject]
            if not turn.done():
                self._n_free -= 1
                turn.set_result(None)

    def _forget(self, subject: str, turn: asyncio.Future[None]) -> None:
        line = self._waiting.get(subject)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[subject]


ADMISSION = web.AppKey("admission", Admission)
