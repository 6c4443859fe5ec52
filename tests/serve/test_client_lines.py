"""A session over a wire that breaks, and over a server that goes and comes back."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from poly_engine.config import Config
from poly_engine.errors import EngineClosed, EngineFailed, MemoryUnwritable, Overloaded
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.types import Bias, Done, Event, Overrides, Token, ToolResult, Tools, Turn
from poly_serve.client import RemoteEngine
from tests.engine.conversation import hear
from tests.fake_engine import FakeEngine, FakeSession, Gate, Reply, split
from tests.serve.conftest import Serve, served
from tests.serve.proxy import Proxy, connected
from tests.serve.waiting import until

GATED = "one two three four five six"


def gated(n_open: int = 2) -> FakeEngine:
    """An engine that says so many tokens of each answer, and goes on when the test wants it."""
    return FakeEngine(lambda _: Reply.of(GATED), gate=Gate(n_open))


@asynccontextmanager
async def over_proxy(engine: FakeEngine, *, silence_s: float = 40.0) -> AsyncIterator[tuple[Session, Proxy]]:
    """A session over a wire that can be cut."""
    async with (
        served(engine, Config()) as url,
        connected(url) as (proxy, near_url),
        RemoteEngine(near_url, silence_s=silence_s) as remote,
        remote.session("echo") as session,
    ):
        yield session, proxy


async def test_a_wire_that_breaks_in_the_middle_is_an_error_and_the_turn_is_not_remembered() -> None:
    engine = gated()
    async with over_proxy(engine) as (session, proxy):
        with pytest.raises(EngineFailed, match="was lost before all was said"):
            async with session.send("hello") as events:
                async for event in events:
                    if isinstance(event, Token):
                        proxy.cut()
        assert session.turns == ()
        await until(lambda: engine.n_running == 0)


async def test_after_a_break_the_session_goes_on_with_what_was_said_before() -> None:
    engine = gated(n_open=6)
    async with over_proxy(engine) as (session, proxy):
        await hear(session, "first")
        with pytest.raises(EngineFailed):
            async with session.send("second") as events:
                proxy.cut()
                async for _ in events:
                    pass
        engine.gate.open()
        third = await hear(session, "third")
        assert session.turns == (Turn("first", GATED), Turn("third", GATED))
        assert third.done.usage.prompt_tokens == 1 + 6 + 1


async def test_a_wire_that_breaks_while_nothing_is_said_is_not_noticed() -> None:
    async with over_proxy(gated(n_open=100)) as (session, proxy):
        await hear(session, "first")
        proxy.cut()
        second = await hear(session, "second")
        assert second.done.usage.prompt_tokens == 1 + 6 + 1
        assert [turn.prompt for turn in session.turns] == ["first", "second"]
        assert proxy.n_connections == 2


async def test_a_server_that_was_restarted_between_turns_is_not_noticed() -> None:
    async with connected(None) as (proxy, url), RemoteEngine(url) as remote:
        session = remote.session("echo")
        async with served(gated(n_open=6), Config()) as proxy.target:
            await hear(session, "first")
        proxy.target = None
        second = asyncio.create_task(hear(session, "second"))
        await proxy.has_connections(2)  # it was tried, and nobody is there
        async with served(gated(n_open=6), Config()) as proxy.target:
            assert (await second).done.usage.prompt_tokens == 1 + 6 + 1
        assert [turn.prompt for turn in session.turns] == ["first", "second"]


async def test_a_server_that_stops_in_the_middle_says_so() -> None:
    engine = gated()
    async with connected(None) as (proxy, url), RemoteEngine(url) as remote:
        session = remote.session("echo")
        async with served(engine, Config()) as proxy.target:
            turn = asyncio.create_task(hear(session, "hello"))
            await until(lambda: engine.n_running == 1)
        with pytest.raises(EngineClosed, match="was shut down"):
            await turn
        assert session.turns == ()


async def test_a_server_that_does_not_come_back_is_an_error_that_says_where_it_should_be() -> None:
    async with connected(None) as (_, url):
        pass
    async with RemoteEngine(url) as remote:
        with pytest.raises(EngineFailed, match=f"{url} cannot be reached: Connection refused"):
            await remote.session("echo").open()
        with pytest.raises(EngineFailed, match=f"{url} cannot be reached: Connection refused"):
            await remote.tasks()


async def test_a_server_that_does_not_even_say_that_it_is_there_is_given_up() -> None:
    async with over_proxy(gated(), silence_s=0.2) as (session, proxy):
        with pytest.raises(EngineFailed, match="was lost before all was said"):
            async with session.send("hello") as events:
                await anext(events)
                proxy.is_mute = True
                async for _ in events:
                    pass
        proxy.is_mute = False


async def test_who_leaves_has_freed_the_slot_at_the_server() -> None:
    engine = gated()
    async with over_proxy(engine) as (session, _):
        async with session.send("hello") as events:
            async for event in events:
                if isinstance(event, Token):
                    break
            assert engine.n_running == 1
        assert engine.n_running == 0
        assert engine.cancelled == ["hello"]
        assert session.turns[0].answer in {"one", "one two"}  # the second one may be on its way


async def test_who_closes_a_session_has_freed_its_slot_at_the_server() -> None:
    engine = gated()
    async with over_proxy(engine) as (session, _):
        async with session.send("hello") as events:
            await anext(events)
            await session.close()
            assert engine.n_running == 0
            with pytest.raises(EngineClosed, match="the session was closed"):
                async for _ in events:
                    pass


async def test_who_waits_to_be_admitted_can_leave(serve: Serve) -> None:
    engine = gated()
    url = await serve(engine, Config(max_concurrent=1))
    async with RemoteEngine(url) as remote, remote.session("echo") as first, remote.session("echo") as second:
        async with first.send("first") as events:
            await anext(events)
            waiting = asyncio.create_task(hear(second, "second"))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert second.turns == ()
        engine.gate.open()
        assert (await hear(second, "third")).text == GATED
        assert [prompt for _, prompt in engine.asked] == ["first", "third"]


async def test_a_refusal_is_the_error_that_the_engine_raised_with_all_that_it_knows() -> None:
    engine = FakeEngine(lambda _: Reply(refusal=Overloaded("too much", retry_after_s=7)))
    async with over_proxy(engine) as (session, _):
        with pytest.raises(Overloaded, match="too much") as error:
            await hear(session, "hello")
        assert error.value.retry_after_s == 7


async def test_a_failure_in_the_middle_is_not_remembered_and_the_line_stays() -> None:
    replies = {"bad": Reply(("so", " far"), failure=EngineFailed("it broke")), "good": Reply.of("fine")}
    async with over_proxy(FakeEngine(lambda prompt: replies[prompt])) as (session, proxy):
        with pytest.raises(EngineFailed, match="it broke"):
            await hear(session, "bad")
        assert (await hear(session, "good")).text == "fine"
        assert session.turns == (Turn("good", "fine"),)
        assert proxy.n_connections == 1


class Forgetful(FakeEngine):
    """Its sessions remember a turn, and then fail to store its prompt in a memory."""

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        assert settings is None
        return ForgetfulSession(self, task, system, history)


class ForgetfulSession(FakeSession):
    @asynccontextmanager
    async def send(
        self,
        prompt: str,
        overrides: Overrides = NO_OVERRIDES,
        *,
        schema: Bias | Mapping[str, object] | None = None,
        tools: Tools | None = None,
        results: Sequence[ToolResult] = (),
    ) -> AsyncIterator[AsyncIterator[Event]]:
        async with super().send(prompt, overrides, schema=schema, tools=tools, results=results) as events:
            yield events
        raise MemoryUnwritable("the disk is full")


async def test_a_turn_that_is_remembered_although_something_failed_is_remembered_on_both_sides() -> None:
    async with over_proxy(Forgetful(lambda _: Reply.of("fine"))) as (session, _):
        with pytest.raises(MemoryUnwritable, match="the disk is full"):
            await hear(session, "hello")
        assert session.turns == (Turn("hello", "fine"),)


async def test_a_slow_listener_holds_up_nobody_and_hears_everything() -> None:
    text = "word " * 2000
    engine = FakeEngine(lambda _: Reply.of(text))
    async with over_proxy(engine) as (session, _):
        async with session.send("hello") as events:
            await anext(events)
            await until(lambda: engine.n_running == 0)
            heard = [event async for event in events]
        assert "".join(event.text for event in heard if isinstance(event, Token)) == text
        assert isinstance(heard[-1], Done)


async def leave(session: Session, n_events: int) -> None:
    """Hear only so many events of an answer."""
    async with session.send("leave") as events:
        async for _ in events:
            n_events -= 1
            if n_events < 0:
                break


async def be_cancelled(session: Session, n_steps: int, n_cancels: int) -> None:
    """Give up listening, once or several times, after so many turns of the loop."""
    listening = asyncio.create_task(hear(session, "be cancelled"))
    for _ in range(n_steps):
        await asyncio.sleep(0)
    for _ in range(n_cancels):
        listening.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([listening])


async def lose(session: Session, proxy: Proxy, n_events: int) -> None:
    """Have the wire cut in the middle of an answer, or before it."""
    with suppress(EngineFailed):
        async with session.send("lose") as events:
            async for _ in events:
                n_events -= 1
                if n_events == 0:
                    proxy.cut()


class Leisurely(Gate):
    """Lets others do something before each token."""

    async def admit(self, is_over: Callable[[], bool]) -> None:
        await asyncio.sleep(0)
        await super().admit(is_over)


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_both_sides_remember_the_same(seed: int) -> None:
    script = random.Random(seed)
    engine = FakeEngine(lambda _: Reply.of(GATED), gate=Leisurely(math.inf))
    async with over_proxy(engine) as (session, proxy):
        for _ in range(25):
            match script.randrange(5):
                case 0:
                    await hear(session, "hear")
                case 1:
                    await leave(session, script.randrange(9))
                case 2:
                    await be_cancelled(session, script.randrange(40), script.randrange(1, 4))
                case 3:
                    await lose(session, proxy, script.randrange(1, 10))
                case 4:
                    proxy.cut()
        last = await hear(session, "last")
        said = " ".join(f"{turn.prompt} {turn.answer}" for turn in session.turns)
        assert last.done.usage.prompt_tokens == len(split(said)) - 6
    assert engine.n_running == 0
