"""Who waits for a model that does not fit is told so in the end, and models leave by the clock."""

from __future__ import annotations

import asyncio
import math

import pytest

from poly_engine.errors import ModelLoadFailed, Overloaded
from poly_engine.holding.keeper import Keeper
from poly_engine.holding.room import Stay


class House:
    """Models that are nothing but their names, and a clock that stands still."""

    def __init__(self, budget_bytes: int | None, *, keep_alive_s: float = math.inf, patience_s: float = 60.0) -> None:
        self.now = 0.0
        self.keep_alive_s = keep_alive_s
        self.stays: dict[str, Stay] = {}
        self.unloaded: list[str] = []
        self.has_unloaded = asyncio.Event()
        self.keeper = Keeper(
            self._unload, lambda _: self.keep_alive_s, budget_bytes, patience_s=patience_s, clock=lambda: self.now
        )

    async def use(self, name: str, n_bytes: int, until: asyncio.Event | None = None) -> None:
        """Use a model until something happens."""
        async with self.keeper.using(name):
            if name not in self.stays:
                self.stays[name] = await self.keeper.take(name, n_bytes)
            if until is not None:
                await until.wait()

    async def _unload(self, name: str) -> None:
        self.unloaded.append(name)
        self.keeper.end(self.stays.pop(name))
        self.has_unloaded.set()


async def test_patience_has_an_end_and_says_who_is_in_the_way() -> None:
    house, is_over = House(10, patience_s=0.01), asyncio.Event()
    using = asyncio.create_task(house.use("a", 8, is_over))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match=r"b takes about 5 bytes .* in use \(a\), within the 10 bytes of max_memory"):
        await house.use("b", 5)
    is_over.set()
    await using
    await house.use("b", 5)
    assert house.unloaded == ["a"]


async def test_who_may_not_use_a_model_that_has_to_leave_is_told_so_in_the_end() -> None:
    house, is_over = House(10, patience_s=0.01), asyncio.Event()
    using = asyncio.create_task(house.use("a", 8, is_over))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(house.use("b", 5))
    await asyncio.sleep(0)
    results = await asyncio.gather(house.use("a", 8), waiting, return_exceptions=True)
    assert isinstance(results[1], Overloaded)
    assert results[0] is None or isinstance(results[0], Overloaded)  # whoever lost patience first
    is_over.set()
    await using


async def test_what_does_not_fit_alone_is_refused_at_once() -> None:
    with pytest.raises(ModelLoadFailed, match="a takes about 3 GB, and max_memory allows 2 GB for all models together"):
        await House(2 * 10**9).use("a", 3 * 10**9)


async def test_a_model_leaves_by_the_clock_and_each_use_begins_its_time_anew() -> None:
    house = House(None, keep_alive_s=100)
    await house.use("a", 1)
    assert (house.keeper.idle_s("a"), house.keeper.expires_in_s("a")) == (0, 100)
    house.now = 60
    await house.use("a", 1)
    house.now = 150
    assert (house.keeper.idle_s("a"), house.keeper.expires_in_s("a")) == (90, 10)
    house.keeper.reconfigure(None)
    assert not house.unloaded
    house.now = 160
    house.keeper.reconfigure(None)  # which looks at the clock
    async with asyncio.timeout(10):
        await house.has_unloaded.wait()
    assert house.unloaded == ["a"]
    assert house.keeper.idle_s("a") is None
    await house.keeper.close()


async def test_a_model_in_use_is_not_idle_however_long_it_takes() -> None:
    house, is_over = House(None, keep_alive_s=1), asyncio.Event()
    using = asyncio.create_task(house.use("a", 1, is_over))
    await asyncio.sleep(0)
    house.now = 1000
    house.keeper.reconfigure(None)
    assert (house.keeper.idle_s("a"), house.keeper.expires_in_s("a")) == (None, None)
    is_over.set()
    await using
    assert house.keeper.expires_in_s("a") == 1
    await house.keeper.close()


async def test_one_that_stays_does_not_tell_when_it_leaves() -> None:
    house = House(None)
    await house.use("a", 1)
    assert (house.keeper.idle_s("a"), house.keeper.expires_in_s("a")) == (0, None)
