"""Many sessions over few places: all are served in order, and whoever leaves leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from poly_engine.errors import EngineClosed
from poly_engine.local import LocalEngine
from poly_engine.types import Event, Token
from tests.conftest import FamilyFile
from tests.engine.conversation import Heard, engine, hear
from tests.gguf_models import make_chains

ANSWER = "yes, and that is all"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers ">" with a few tokens and "#" with a few hundred. Each byte is a token."""
    endless = [bytes([byte]) for byte in b"na" * 400]
    path = tmp_path_factory.mktemp("queue") / "m.gguf"
    return make_chains(path, {">": [bytes([byte]) for byte in ANSWER.encode()], "#": endless}, context_length=1024)


@pytest.fixture(autouse=True)
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The worker checks its books whenever it is idle, and logs an error if they are wrong."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def say(home: LocalEngine, prompt: str) -> Heard:
    async with home.session("t") as session:
        return await hear(session, prompt)


async def test_hundreds_of_sessions_are_all_served(path: Path) -> None:
    async with engine(path, {"parallel": 4, "context_size": 64}, template="none") as home:
        heard = await asyncio.gather(*(say(home, f"{number}>") for number in range(300)))
    assert {turn.text for turn in heard} == {ANSWER}
    assert {turn.done.finish_reason for turn in heard} == {"stop"}


async def test_who_comes_first_is_served_first(path: Path) -> None:
    finished: list[int] = []

    async def listen(number: int, events: AsyncIterator[Event]) -> None:
        assert [event async for event in events]
        finished.append(number)

    async with engine(path, {"parallel": 1, "context_size": 64}, template="none") as home, AsyncExitStack() as stack:
        turns = [home.session("t").send(f"{number:03} says>") for number in range(60)]
        streams = [await stack.enter_async_context(turn) for turn in turns]  # entering puts it into the queue
        await asyncio.gather(*(listen(number, events) for number, events in enumerate(streams)))
    assert finished == list(range(60))


async def test_who_leaves_the_queue_is_never_served(path: Path) -> None:
    async with engine(path, {"parallel": 1}, template="none") as home:
        async with home.session("t") as first, first.send("go on#") as events:
            await anext(events)
            waiting = [asyncio.create_task(say(home, f"{number}#")) for number in range(20)]
            last = asyncio.create_task(say(home, "last>"))
            await asyncio.sleep(0)
            for task in waiting:
                task.cancel()
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert (await last).text == ANSWER


@pytest.mark.parametrize("n_events", [0, 1, 2, 3, 10])
async def test_who_leaves_while_reading_or_writing_frees_the_place(path: Path, n_events: int) -> None:
    async with engine(path, {"parallel": 1, "context_size": 900, "batch_size": 16}, template="none") as home:
        async with home.session("t") as session:
            async with session.send("x" * 400 + "#") as events:
                for _ in range(n_events):
                    await anext(events)
            assert (await say(home, ">")).text == ANSWER
            again = await hear(session, ">")
    assert again.text == ANSWER


async def test_hundreds_who_leave_at_any_time_leave_nothing_behind(path: Path) -> None:
    async def leave_early(home: LocalEngine, number: int) -> None:
        async with home.session("t") as session, session.send("x" * (number % 60) + ">#"[number % 2]) as events:
            n_left = number % 13
            async for _ in events:
                n_left -= 1
                if n_left < 0:
                    break

    async with engine(path, {"parallel": 3, "cache_size": 300}, template="none") as home:
        tasks = [asyncio.create_task(leave_early(home, number)) for number in range(200)]
        for task in tasks[::5]:
            await asyncio.sleep(0)
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
        assert {turn.text for turn in await asyncio.gather(*(say(home, ">") for _ in range(10)))} == {ANSWER}


async def test_a_cache_that_is_too_small_for_all_changes_no_text(family_file: FamilyFile) -> None:
    prompts = [f"Hello {number}, what is your name" + " and" * number for number in range(12)]
    settings = {"context_size": 128, "parallel": 8}
    texts = []
    for cache_size in (128, 8 * 128):
        async with engine(family_file("qwen2"), {**settings, "cache_size": cache_size}, template="none") as home:
            heard = await asyncio.gather(*(say(home, prompt) for prompt in prompts))
            texts.append([turn.text for turn in heard])
    n_equal = sum(small == large for small, large in zip(*texts, strict=True))
    assert n_equal >= len(prompts) - 2  # rounding differs with the shape of a batch, and may turn a close decision


async def test_events_keep_their_order_when_a_sequence_is_computed_anew(path: Path) -> None:
    async with engine(path, {"context_size": 300, "cache_size": 300, "parallel": 6}, template="none") as home:
        heard = await asyncio.gather(*(say(home, f"{number} go on#") for number in range(6)))
    for turn in heard:
        kinds = "".join(type(event).__name__[0] for event in turn.events)
        assert kinds == "P" * kinds.count("P") + "T" * kinds.count("T") + "D"
        assert turn.text == ("na" * 400)[: len(turn.text)]
        assert len(turn.text) > 200


async def test_evicted_sessions_go_on_where_they_were(path: Path) -> None:
    async with engine(path, {"context_size": 200, "cache_size": 200, "parallel": 2}, template="none") as home:
        sessions = [home.session("t") for _ in range(20)]
        for _ in range(3):
            heard = await asyncio.gather(*(hear(session, "next>") for session in sessions))
            assert {turn.text for turn in heard} == {ANSWER}
        assert {len(session.turns) for session in sessions} == {3}


async def test_embedding_and_writing_share_a_model(path: Path) -> None:
    async with engine(path, {"parallel": 2}, template="none") as home:
        writing = [asyncio.create_task(say(home, "go on#")) for _ in range(4)]
        vectors = [(await home.embed("m", [f"text {number}", "another"])).vectors for number in range(5)]
        heard = await asyncio.gather(*writing)
    assert {turn.text for turn in heard} == {"na" * 125}
    assert all((each[1] == vectors[0][1]).all() for each in vectors)


async def test_closing_while_hundreds_wait_ends_them_all(path: Path) -> None:
    home = engine(path, {"parallel": 2}, template="none")
    waiting = [asyncio.create_task(say(home, f"{number}#")) for number in range(200)]
    async with home.session("t") as session, session.send("go on#") as events:
        with pytest.raises(EngineClosed):
            async for event in events:
                if isinstance(event, Token):
                    await home.close()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, EngineClosed | Heard) for result in results)
    assert sum(isinstance(result, EngineClosed) for result in results) > 150
