"""Who is answered next."""

from __future__ import annotations

import asyncio

import pytest

from poly_engine.config import Config
from poly_engine.errors import EngineClosed, Overloaded
from poly_serve.access import Kind
from poly_serve.admission import Admission, Line
from poly_serve.lifecycle import Lifecycle


class Office:
    """Admits, and notes in which order."""

    def __init__(self, n_at_once: int, n_waiting: int, n_waiting_tokens: int = 1000) -> None:
        config = Config(max_concurrent=n_at_once, max_waiting=n_waiting, max_waiting_tokens=n_waiting_tokens)
        self.lifecycle = Lifecycle()
        self.admission = Admission(config, self.lifecycle)
        self.admitted: list[str] = []
        self.may_go = asyncio.Event()

    async def visit(self, subject: str, name: str = "", model: str = "m", n_tokens: int = 1) -> None:
        async with self.admission.admit(subject, Kind.MODEL, model, n_tokens):
            self.admitted.append(subject + name)
            await self.may_go.wait()

    def send(self, subject: str, name: str = "", model: str = "m", n_tokens: int = 1) -> asyncio.Task[None]:
        return asyncio.create_task(self.visit(subject, name, model, n_tokens))


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_so_many_at_once_and_the_others_in_their_order() -> None:
    office = Office(2, 10)
    visits = [office.send("a", str(number)) for number in range(4)]
    await settled()
    assert office.admitted == ["a0", "a1"]
    office.may_go.set()
    await asyncio.gather(*visits)
    assert office.admitted == ["a0", "a1", "a2", "a3"]


async def test_nobody_waits_behind_all_that_somebody_else_has_asked() -> None:
    office = Office(1, 200)
    visits = [office.send("greedy", str(number)) for number in range(100)]
    await settled()
    visits.append(office.send("modest"))
    await settled()
    office.may_go.set()
    await asyncio.gather(*visits)
    assert office.admitted.index("modest") <= 2


async def test_more_than_may_wait_are_refused_at_once() -> None:
    office = Office(1, 3)
    visits = [office.send("a") for _ in range(4)]
    await settled()
    with pytest.raises(Overloaded, match="3 requests are waiting"):
        await office.visit("a")
    office.may_go.set()
    await asyncio.gather(*visits)
    await office.visit("a")


async def test_whoever_has_most_in_a_full_line_makes_room_for_who_has_less() -> None:
    office = Office(1, 3)
    greedy = [office.send("greedy", str(number)) for number in range(4)]
    await settled()
    others = [office.send(name) for name in ("one", "two")]
    await settled()
    with pytest.raises(Overloaded):
        await greedy[3]
    with pytest.raises(Overloaded):
        await greedy[2]
    office.may_go.set()
    await asyncio.gather(greedy[0], greedy[1], *others)


async def test_a_crowd_at_one_model_refuses_nobody_at_another() -> None:
    office = Office(1, 1)
    visits = [office.send("a", model="slow") for _ in range(2)]
    await settled()
    with pytest.raises(Overloaded):
        await office.visit("a", model="slow")
    office.may_go.set()
    await office.visit("a", model="fast")
    await asyncio.gather(*visits)


async def test_prompts_that_wait_have_only_so_many_tokens_together() -> None:
    office = Office(1, 10, n_waiting_tokens=100)
    visits = [office.send("a"), office.send("a", n_tokens=500)]  # one that is longer may wait alone
    await settled()
    with pytest.raises(Overloaded):
        await office.visit("a")
    visits[1].cancel()
    await settled()
    visits += [office.send("a", n_tokens=50), office.send("a", n_tokens=50)]
    await settled()
    with pytest.raises(Overloaded):
        await office.visit("a")
    office.may_go.set()
    await asyncio.gather(*visits, return_exceptions=True)
    assert office.admission.n_admitted == office.admission.n_waiting == 0


async def test_who_is_refused_is_told_when_to_come_again() -> None:
    line = Line(Config(max_concurrent=2, max_waiting=1))
    line.took_s.extend([4.0, 8.0])
    line.n_admitted = 2
    waiting = asyncio.create_task(line.enter("a", 1))
    await settled()
    with pytest.raises(Overloaded) as refused:
        await line.enter("a", 1)
    assert refused.value.retry_after_s == 6  # the one that waits, and whoever is told, at 6 s for every two
    waiting.cancel()


async def test_new_limits_hold_for_those_that_wait() -> None:
    office = Office(1, 3)
    visits = [office.send("a", str(number)) for number in range(3)]
    await settled()
    office.admission.use(Config(max_concurrent=3))
    await settled()
    assert office.admitted == ["a0", "a1", "a2"]
    office.may_go.set()
    await asyncio.gather(*visits)


async def test_who_leaves_while_waiting_gives_up_the_place() -> None:
    office = Office(1, 3)
    visits = [office.send("a", str(number)) for number in range(3)]
    await settled()
    visits[1].cancel()
    await settled()
    assert office.admission.n_waiting == 1
    office.may_go.set()
    await asyncio.gather(*visits, return_exceptions=True)
    assert office.admitted == ["a0", "a2"]


async def test_a_place_that_was_given_to_who_leaves_goes_to_the_next() -> None:
    office = Office(1, 3)
    first, second, third = (office.send("a", str(number)) for number in range(3))
    await settled()
    office.may_go.set()
    first.cancel()
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert "a2" in office.admitted
    async with office.admission.admit("b", Kind.MODEL, "m"):
        pass


async def test_while_it_drains_nobody_is_admitted_and_what_is_under_way_is_waited_for() -> None:
    office = Office(1, 3)
    visit = office.send("a")
    await settled()
    office.lifecycle.begin_to_drain()
    with pytest.raises(EngineClosed):
        await office.visit("b")
    assert not await office.lifecycle.is_idle_within(0.01)
    office.may_go.set()
    await visit
    assert await office.lifecycle.is_idle_within(5)
