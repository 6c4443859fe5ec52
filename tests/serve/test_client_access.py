"""What the client says when a server does not let it in, or not as far as it wants."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx
import jwt
import pytest

from poly_engine.config import Config
from poly_engine.errors import Forbidden, PolyError, TaskNotFound, Unauthorized
from poly_engine.interface import Engine
from poly_engine.types import TaskInfo
from poly_serve.client import RemoteEngine
from tests.engine.conversation import hear
from tests.fake_engine import FakeEngine
from tests.serve.conftest import Serve
from tests.serve.proxy import connected

SECRET = "a secret that is long enough to be one"
ONE_KEY = Config.model_validate({"allowed_keys": ["right"], "jwt_private_key": {"symmetric": SECRET}})

Call = Callable[[Engine], Coroutine[Any, Any, object]]


def engine() -> FakeEngine:
    tasks = [TaskInfo("talk", "m"), TaskInfo("draw", "other")]
    return FakeEngine(tasks=tasks, memories=["notes", "diary"])


def token(**claims: list[str]) -> str:
    return jwt.encode({"exp": time.time() + 60, **claims}, SECRET, "HS256")


async def export(engine: Engine, memory: str) -> list[bytes]:
    return [line async for line in engine.export(memory)]


async def no_lines() -> AsyncIterator[bytes]:
    for line in list[bytes]():
        yield line


USES: dict[str, Call] = {
    "chat with a task": lambda engine: engine.session("draw").open(),
    "look at a prompt": lambda engine: engine.prompt_parts("draw", "a"),
    "load a model": lambda engine: engine.load("other"),
    "tokenize": lambda engine: engine.tokenize("other", "a"),
    "embed": lambda engine: engine.embed("other", ["a"]),
    "ingest": lambda engine: engine.ingest("diary", b"a", source="a"),
    "submit": lambda engine: engine.submit("diary", b"a", source="a"),
    "jobs": lambda engine: engine.jobs("diary"),
    "settle": lambda engine: engine.settle("diary"),
    "recall": lambda engine: engine.recall("diary", "a"),
    "documents": lambda engine: engine.documents("diary"),
    "chunks": lambda engine: engine.chunks("diary", "a"),
    "faults": lambda engine: engine.faults("diary"),
    "reindex": lambda engine: engine.reindex("diary", print),
    "export": lambda engine: export(engine, "diary"),
    "restore": lambda engine: engine.restore("diary", no_lines(), print),
    "forget": lambda engine: engine.forget("diary"),
}
"""All that goes to something by its name."""


@pytest.mark.parametrize("use", USES)
async def test_a_token_does_not_reach_farther_than_its_claims(serve: Serve, use: str) -> None:
    url = await serve(engine(), ONE_KEY)
    limited = token(tasks=["talk"], models=["m"], memories=["notes"])
    async with RemoteEngine(url, limited) as remote:
        with pytest.raises(Forbidden, match=r"the token does not allow (task draw|model other|memory diary)"):
            await USES[use](remote)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("key", ["wrong", None])
async def test_a_wrong_key_opens_nothing(serve: Serve, use: str, key: str | None) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, key) as remote:
        with pytest.raises(Unauthorized):
            await USES[use](remote)


async def test_the_right_key_opens_everything(serve: Serve) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, "right") as remote, remote.session("talk") as session:
        assert (await hear(session, "hello")).text == "You said: hello"
        assert len(await remote.memories()) == 2


async def test_only_what_a_token_allows_is_listed(serve: Serve) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, token(tasks=["talk"], models=["m"], memories=[])) as remote:
        assert [task.name for task in await remote.tasks()] == ["talk"]
        assert [model.name for model in await remote.models()] == ["m"]
        assert list(await remote.memories()) == []


async def test_the_model_of_a_task_or_a_memory_may_be_loaded_by_who_may_use_that(serve: Serve) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, token(tasks=["talk"], models=[], memories=[])) as remote:
        assert (await remote.load("m")).state == "loaded"
        with pytest.raises(Forbidden, match="does not allow model other"):
            await remote.load("other")
        with pytest.raises(Forbidden, match="does not allow model m"):
            await remote.embed("m", ["a"])


async def test_a_name_that_a_token_does_not_allow_is_not_suggested(serve: Serve) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, token(tasks=["drawn"])) as remote:
        with pytest.raises(TaskNotFound) as error:
            await remote.session("drawn").open()
    assert str(error.value) == "task not found: drawn"
    assert error.value.name == "drawn"


@pytest.mark.parametrize("use", ["chat with a task", "documents"])
async def test_a_server_that_does_not_go_by_a_name_says_so(serve: Serve, use: str) -> None:
    url = await serve(engine())
    async with connected(url, "127.0.0.2") as (_, other_url), RemoteEngine(other_url) as remote:
        with pytest.raises(Forbidden, match=r"answers 421: this server does not go by the name 127\.0\.0\.2"):
            await USES[use](remote)


async def test_who_is_not_let_in_with_much_to_say_hears_that(serve: Serve) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, "wrong") as remote:
        with pytest.raises(Unauthorized):
            await remote.ingest("notes", b"word " * 20_000_000, source="large")


async def test_what_other_tasks_have_done_is_not_told(serve: Serve) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, "right") as remote:
        for task in ("talk", "draw"):
            await hear(remote.session(task), "hello")
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token(tasks=['talk'])}"}) as client:
        assert list((await client.get(f"{url}/v1/stats")).json()["tasks"]) == ["talk"]


async def test_who_is_not_let_in_says_so_with_all_that_an_error_has(serve: Serve) -> None:
    url = await serve(engine(), ONE_KEY)
    async with RemoteEngine(url, "wrong") as remote:
        with pytest.raises(PolyError) as error:
            await remote.tasks()
    assert error.value.code == "unauthorized"
    assert "wrong" not in str(error.value)
