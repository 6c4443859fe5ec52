"""A conversation without a terminal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from poly_engine.errors import ModelLoadFailed
from poly_engine.types import Done, Progress, TaskInfo, Token
from poly_tui.backend import Backend
from poly_tui.screens.conversation import Asked, Conversation, Failed, Loading, News, Opened, Queued, Stopped
from tests.fake_engine import FakeEngine, Gate, Reply


class Talk:
    """A running conversation, and its news."""

    def __init__(self, engine: FakeEngine, task: str | None) -> None:
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self.conversation = Conversation(Backend.of(engine), task, self._news.put_nowait)

    async def until(self, kind: type[News]) -> list[News]:
        """The news up to the first of a kind."""
        heard: list[News] = []
        async with asyncio.timeout(10):
            while not heard or not isinstance(heard[-1], kind):
                heard.append(await self._news.get())
        return heard

    @property
    def is_silent(self) -> bool:
        """Whether there are no more news."""
        return self._news.empty()


@asynccontextmanager
async def talk_to(engine: FakeEngine, task: str | None = None) -> AsyncIterator[Talk]:
    talk = Talk(engine, task)
    running = asyncio.create_task(talk.conversation.run())
    yield talk
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_news_of_a_turn_come_in_order() -> None:
    async with talk_to(FakeEngine(lambda _: Reply.of("one two"))) as talk:
        await talk.until(Opened)
        talk.conversation.ask("hello")
        kinds = [type(news) for news in await talk.until(Done)]
        assert kinds == [Queued, Queued, Asked, Progress, Progress, Token, Token, Done]


async def test_loading_tells_its_share() -> None:
    async with talk_to(FakeEngine(n_load_steps=2)) as talk:
        news = await talk.until(Opened)
        assert [one.share for one in news if isinstance(one, Loading)] == [0.0, 0.0, 0.5, 1.0]


@pytest.mark.parametrize(("named", "task"), [(None, "a"), ("b", "b")])
async def test_the_first_task_is_talked_to_unless_another_is_named(named: str | None, task: str) -> None:
    async with talk_to(FakeEngine(tasks=[TaskInfo("a", "m"), TaskInfo("b", "m")]), named) as talk:
        await talk.until(Opened)
        assert talk.conversation.task == task


async def test_an_engine_without_tasks_is_told_as_an_error() -> None:
    async with talk_to(FakeEngine(tasks=[])) as talk:
        *_, failed = await talk.until(Failed)
        assert failed == Failed("no task is configured: there is nothing to talk to", ())


async def test_a_failure_gives_back_the_prompt_and_those_behind_it() -> None:
    gate = Gate()
    engine = FakeEngine(lambda _: Reply(("x",), failure=ModelLoadFailed("no")), gate=gate)
    async with talk_to(engine) as talk:
        await talk.until(Opened)
        for prompt in ("one", "two", "three"):
            talk.conversation.ask(prompt)
        await talk.until(Asked)
        gate.open()
        *_, failed = await talk.until(Failed)
        assert failed == Failed("no", ("one", "two", "three"))
        assert talk.conversation.take_back() is None


async def test_stopping_an_answer_lets_the_queue_go_on() -> None:
    async with talk_to(FakeEngine(gate=Gate())) as talk:
        await talk.until(Opened)
        talk.conversation.ask("one")
        talk.conversation.ask("two")
        await talk.until(Progress)
        assert talk.conversation.stop()
        *_, stopped = await talk.until(Stopped)
        assert stopped == Stopped()
        *_, asked = await talk.until(Asked)
        assert asked == Asked("two")


async def test_there_is_nothing_to_stop_between_turns() -> None:
    async with talk_to(FakeEngine()) as talk:
        await talk.until(Opened)
        await asyncio.sleep(0)
        assert not talk.conversation.stop()


async def test_leaving_gives_the_queue_back_and_is_silent() -> None:
    engine = FakeEngine(gate=Gate())
    async with talk_to(engine) as talk:
        await talk.until(Opened)
        talk.conversation.ask("one")
        talk.conversation.ask("two")
        await talk.until(Progress)
        await talk.until(Progress)
        assert talk.conversation.leave() == ("two",)
    assert talk.is_silent
    assert engine.cancelled == ["one"]


async def test_a_bug_in_the_engine_is_logged_with_its_traceback_and_told(caplog: pytest.LogCaptureFixture) -> None:
    def broken(prompt: str) -> Reply:
        raise ZeroDivisionError(prompt)

    async with talk_to(FakeEngine(broken)) as talk:
        await talk.until(Opened)
        talk.conversation.ask("one")
        *_, failed = await talk.until(Failed)
        assert failed == Failed("unexpected ZeroDivisionError: one", ("one",))
    assert caplog.records[0].exc_info
