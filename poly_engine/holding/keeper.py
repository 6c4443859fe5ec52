"""Who keeps models in memory while they are used, and for a while afterwards, as `Room` says."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from poly_engine.errors import ModelLoadFailed, Overloaded
from poly_engine.holding.room import Room, Stay, Steps

__all__ = ["Keeper"]

_log = logging.getLogger(__name__)
PATIENCE_S = 600.0
"""How long a request waits for a model that does not fit beside those that are in use."""
_SPARE_S = 2.0
"""For who has a model loaded, over a connection perhaps, and then begins to use it."""


class Keeper:
    """Keeps models within a budget of memory. To be closed.

    `unload` gives the memory of a model back, whose `Stay` it lets end. `keep_alive_s` says for how many seconds a
    model stays that nobody uses. `budget_bytes` is what all models may take together; None is without end.
    """

    def __init__(
        self,
        unload: Callable[[str], Awaitable[None]],
        keep_alive_s: Callable[[str], float],
        budget_bytes: int | None = None,
        *,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._unload = unload
        self._keep_alive_s = keep_alive_s
        self._patience_s = patience_s
        self._clock = clock
        self._room = Room(budget_bytes, _SPARE_S)
        self._waiting: dict[Stay, asyncio.Future[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def budget_bytes(self) -> int | None:
        """What all models may take together."""
        return self._room.budget_bytes

    @asynccontextmanager
    async def using(self, name: str, *, is_work: bool = True) -> AsyncIterator[None]:
        """Have a model stay while in the block, for work or only to have it loaded. Who is in such a block never waits
        for another one, or all would wait for each other.

        Waits while the model has to leave for one that waits longer. Raises Overloaded if that takes too long.
        """
        await self._enter(name)
        try:
            yield
        finally:
            self._room.leave(name, self._clock(), has_worked=is_work)
            self._settle()

    async def take(self, name: str, n_bytes: int) -> Stay:
        """Wait until there is room for a model; `end` gives it back. Raises ModelLoadFailed for what does not fit even
        alone, and Overloaded if others have not left the room in time.
        """
        self._check_size(name, n_bytes)
        while self._room.stay(name) is not None:  # another configuration of it is still being closed
            await self._changed.wait()
        stay = self._room.ask(name, n_bytes)
        place = self._waiting[stay] = asyncio.get_running_loop().create_future()
        try:
            self._settle()
            async with asyncio.timeout(self._patience_s):
                await place
        except TimeoutError:
            self.end(stay)
            raise self._refusal(name, n_bytes) from None
        except BaseException:
            self.end(stay)
            raise
        finally:
            del self._waiting[stay]
        return stay

    def end(self, stay: Stay) -> None:
        """The memory of a model is free. Once more is no harm."""
        self._room.end(stay)
        self._settle()

    @property
    def in_use(self) -> Sequence[str]:
        """The models in memory that somebody uses, by name."""
        return [name for name in self._room.names_in_memory() if self._room.n_users(name)]

    def idle_s(self, name: str) -> float | None:
        """For how long nobody has used a model that is in memory; None if somebody does, or it is not."""
        found = (stay for stay in self._room.idle() if stay.name == name)
        return next((max(0.0, self._clock() - stay.idle_since) for stay in found), None)

    def expires_in_s(self, name: str) -> float | None:
        """In how many seconds a model leaves if nobody uses it; None if somebody does, or it stays, or is not there."""
        idle_s, keep_alive_s = self.idle_s(name), self._keep_alive_s(name)
        return None if idle_s is None or keep_alive_s == math.inf else max(0.0, keep_alive_s - idle_s)

    def reconfigure(self, budget_bytes: int | None) -> None:
        """Go on with another budget, and with what `keep_alive_s` says now."""
        self._room.budget_bytes = budget_bytes
        self._settle()

    async def close(self) -> None:
        """Let nobody leave any more by itself."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _enter(self, name: str) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                while not self._room.may_use(name, self._clock()):
                    await self._changed.wait()
        except TimeoutError:
            words = f"{name} has to leave the memory for a model that waits, and did not in {self._patience_s:g} s"
            raise Overloaded(f"{words}: try again later") from None
        self._room.use(name, self._clock())
        self._settle()

    def _settle(self) -> None:
        """Do what the room says now, and come back when somebody leaves because nobody uses it, or may have to."""
        self._carry_out(self._room.next_steps(self._clock()))
        self._changed.set()
        self._changed = asyncio.Event()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = [stay.idle_since + self._keep_alive_s(stay.name) for stay in self._room.idle()]
        if (spared_until := self._room.spared_until(self._clock())) is not None:
            due.append(spared_until)
        if due and (first := min(due)) < math.inf and not self._is_closed:
            delay_s = max(0.0, first - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._let_idle_leave)

    def _carry_out(self, steps: Steps) -> None:
        for stay in steps.entered:
            self._give(stay, None)
        for stay in steps.refused:
            self._give(stay, self._too_large(stay.name, stay.n_bytes))
        for stay in steps.leaving:
            _log.info("%s leaves the memory, for others", stay.name)
            self._let_leave(stay)

    def _give(self, stay: Stay, error: Exception | None) -> None:
        place = self._waiting.get(stay)
        if place is None or place.done():
            return
        if error is None:
            place.set_result(None)
        else:
            place.set_exception(error)

    def _let_idle_leave(self) -> None:
        now = self._clock()
        for stay in self._room.idle():
            if now - stay.idle_since >= self._keep_alive_s(stay.name):
                _log.info("%s leaves the memory: nobody has used it for %.0f s", stay.name, now - stay.idle_since)
                self._room.expel(stay)
                self._let_leave(stay)
        self._settle()

    def _let_leave(self, stay: Stay) -> None:
        if not self._is_closed:
            task = asyncio.get_running_loop().create_task(self._left(stay))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _left(self, stay: Stay) -> None:
        await self._unload(stay.name)
        self.end(stay)

    def _check_size(self, name: str, n_bytes: int) -> None:
        if not self._room.can_hold(n_bytes):
            raise self._too_large(name, n_bytes)

    def _too_large(self, name: str, n_bytes: int) -> ModelLoadFailed:
        return ModelLoadFailed(
            f"{name} takes about {_in_words(n_bytes)}, and max_memory allows {_in_words(self.budget_bytes or 0)} for "
            "all models together: raise it, or lower context_size and cache_size of the model"
        )

    def _refusal(self, name: str, n_bytes: int) -> Overloaded:
        others = ", ".join(self._room.names_in_memory())
        return Overloaded(
            f"{name} takes about {_in_words(n_bytes)} and has waited {self._patience_s:g} s for room beside models "
            f"that are in use ({others}), within the {_in_words(self.budget_bytes or 0)} of max_memory: try again later"
        )


def _in_words(n_bytes: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes} bytes"
