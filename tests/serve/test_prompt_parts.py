"""What a model reads, as a server tells it: by a route, and by frames of a chat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import jwt
import pytest

from poly_engine.config import Config
from poly_engine.errors import EngineClosed, Forbidden
from poly_engine.types import PromptPart, TaskInfo, Turn
from poly_serve.client import RemoteEngine
from tests.engine.conversation import hear
from tests.fake_engine import FakeEngine, FakeSession, Gate
from tests.serve.conftest import Serve, served
from tests.serve.proxy import connected
from tests.serve.test_events import CANCEL, OPEN, PROMPT, talk, types
from tests.serve.waiting import until

SENT: dict[str, object] = {"type": "sent"}
HELLO = {"kind": "prompt", "text": "hello", "n_tokens": 1}
SAID = [HELLO, {"kind": "answer", "text": "You said: hello", "n_tokens": 4}, HELLO]
SECRET = "a secret that is long enough to be one"
TASKS = [TaskInfo("talk", "m"), TaskInfo("draw", "other")]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with a task."""
    engine = FakeEngine(tasks=TASKS, postfix=" A:")
    async with served(engine, Config()) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_a_prompt_is_told_part_by_part(client: httpx.AsyncClient) -> None:
    said = {"prompt": "hello", "system": "be kind", "history": [{"prompt": "one", "answer": "two"}]}
    answer = await client.post("/v1/task/talk/prompt", json=said)
    assert answer.json() == {
        "parts": [
            {"kind": "system", "text": "be kind", "n_tokens": 2},
            {"kind": "prompt", "text": "one", "n_tokens": 1},
            {"kind": "template", "text": " A:", "n_tokens": 2},
            {"kind": "answer", "text": "two", "n_tokens": 1},
            HELLO,
            {"kind": "template", "text": " A:", "n_tokens": 2},
        ]
    }


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"prompt": "hello", "settings": {"model": "m"}}, "settings: a server answers by its own configuration"),
        ({"prompt": "hello", "sistem": "be kind"}, "sistem: "),
        ({"prompt": "hello", "history": [{"prompt": "one"}]}, "history[0].answer: "),
        ({"prompt": None}, "prompt: "),
    ],
)
async def test_what_makes_no_prompt_is_refused_by_its_name(
    client: httpx.AsyncClient, said: dict[str, Any], words: str
) -> None:
    answer = await client.post("/v1/task/talk/prompt", json=said)
    assert (answer.status_code, words in answer.text) == (400, True)


async def test_only_who_may_use_everything_unloads_a_model(serve: Serve) -> None:
    url = await serve(FakeEngine(tasks=TASKS), Config.model_validate({"jwt_private_key": {"symmetric": SECRET}}))

    def token(**claims: list[str]) -> str:
        return jwt.encode({"exp": time.time() + 60, **claims}, SECRET, "HS256")

    async with RemoteEngine(url, token(models=["m"])) as limited, RemoteEngine(url, token()) as unlimited:
        await limited.load("m")
        with pytest.raises(Forbidden):
            await limited.unload("m")
        await unlimited.unload("m")
        assert [model.state for model in await limited.models()] == ["unloaded"]


async def test_a_chat_tells_what_was_sent_whenever_it_is_asked() -> None:
    engine = FakeEngine(gate=Gate(1))
    async with talk(engine) as client:
        await client.say(OPEN, SENT)
        assert [await client.hear() for _ in range(2)][1] == {"type": "sent", "parts": []}
        await client.say(PROMPT)
        await client.hear_until("token")
        await client.say(SENT)
        assert await client.hear() == {"type": "sent", "parts": [HELLO]}
        engine.gate.open()
        await client.hear_until("done")
        await client.say(PROMPT)
        await client.hear_until("done")
        await client.say(SENT)
        assert await client.hear() == {"type": "sent", "parts": SAID}


async def test_who_asks_first_what_was_sent_opens_the_session() -> None:
    async with talk(FakeEngine()) as client:
        await client.say(SENT)
        assert types(await client.hear_until("sent")) == "opened sent"


async def test_a_draft_of_settings_does_not_open_a_chat() -> None:
    async with talk(FakeEngine()) as client:
        await client.say({**OPEN, "settings": {"model": "fake"}})
        error = await client.hear()
        assert (error["code"], error["message"].partition(":")[0]) == ("invalid_request", "settings")


class Slow(FakeEngine):
    """Its sessions tell what they sent when the test wants it, and count who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.may_tell = asyncio.Event()
        self.n_asked = 0
        self.failure: EngineClosed | None = None

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        assert settings is None
        return SlowSession(self, task, system, history)


class SlowSession(FakeSession):
    async def sent(self) -> Sequence[PromptPart]:
        engine = self._engine
        assert isinstance(engine, Slow)
        engine.n_asked += 1
        await engine.may_tell.wait()
        if engine.failure is not None:
            raise engine.failure
        return await super().sent()


async def test_who_asks_again_before_the_answer_gets_one_answer() -> None:
    engine = Slow()
    async with talk(engine) as client:
        await client.say(SENT, SENT, SENT, CANCEL, PROMPT)
        await client.hear_until("done")
        engine.may_tell.set()
        assert await client.hear() == {"type": "sent", "parts": [HELLO]}
        await client.say(PROMPT)
        assert types(await client.hear_until("done")).startswith("begun")
    assert engine.n_asked == 1


async def test_who_leaves_does_not_wait_for_what_was_sent() -> None:
    engine = Slow()
    async with talk(engine) as client:
        await client.say(SENT)
        await until(lambda: engine.n_asked == 1)
    assert engine.is_closed is False


async def test_why_it_is_not_known_what_was_sent_is_told_and_the_chat_goes_on(serve: Serve) -> None:
    engine = Slow()
    engine.failure = EngineClosed("the model was unloaded")
    engine.may_tell.set()
    async with RemoteEngine(await serve(engine)) as remote, remote.session("echo") as session:
        await hear(session, "hello")
        with pytest.raises(EngineClosed, match="the model was unloaded"):
            await session.sent()
        engine.failure = None
        assert [part.text for part in await session.sent()] == ["hello"]
        assert (await hear(session, "hello")).text == "You said: hello"


async def test_a_wire_that_breaks_while_nothing_is_said_does_not_lose_what_was_sent() -> None:
    async with (
        served(FakeEngine(), Config()) as url,
        connected(url) as (proxy, near_url),
        RemoteEngine(near_url) as remote,
        remote.session("echo") as session,
    ):
        await hear(session, "hello")
        proxy.cut()
        assert [part.text for part in await session.sent()] == ["hello"]
        assert proxy.n_connections == 2
        assert (await hear(session, "hello")).done.usage.prompt_tokens == 6


async def test_many_may_ask_what_was_sent_at_once_over_a_wire_that_broke() -> None:
    async with (
        served(FakeEngine(), Config()) as url,
        connected(url) as (proxy, near_url),
        RemoteEngine(near_url) as remote,
        remote.session("echo") as session,
    ):
        await hear(session, "hello")
        proxy.cut()
        told = await asyncio.gather(*(session.sent() for _ in range(5)))
        assert {parts[0].text for parts in told} == {"hello"}
        assert proxy.n_connections == 2


async def test_a_server_that_knows_nothing_of_the_session_does_not_make_up_what_was_sent() -> None:
    async with connected(None) as (proxy, url), RemoteEngine(url) as remote:
        session = remote.session("echo")
        async with served(FakeEngine(), Config()) as proxy.target:
            await hear(session, "hello")
        async with served(FakeEngine(), Config()) as proxy.target:
            assert list(await session.sent()) == []
            assert (await hear(session, "hello")).done.usage.prompt_tokens == 6
            assert len(await session.sent()) == 3
