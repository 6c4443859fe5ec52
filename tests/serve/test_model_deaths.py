"""The process of a model dies under a server: who asked is told, and who asks next is served."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from poly_engine.types import ModelInfo
from tests.engine.isolated import children, until
from tests.fake_engine import FakeEngine, Reply
from tests.gguf_models import make_chains
from tests.serve.conftest import Serve
from tests.serve.test_daemon import served

N_STREAMS = 8


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of a task that answers "yes" to ">", and goes on and on after "#"."""
    model = make_chains(tmp_path / "m.gguf", {">": ["yes"], "#": [b"l", b"a"] * 2000}, context_length=4096)
    path = tmp_path / "poly.toml"
    path.write_text(
        f'[models.m]\nmodel_path = "{model}"\nthreads = 1\ncontext_size = 4096\nparallel = 8\n'
        '[tasks.t]\nmodel = "m"\ntemplate = "none"\ntemperature = 0\nrepeat_penalty = 1.0\n'
    )
    return path


async def last_event(client: httpx.AsyncClient, started: asyncio.Queue[None]) -> tuple[str, str]:
    """What a stream ends with: its last event and what that says."""
    lines: list[str] = []
    async with client.stream("GET", "/v1/task/t/live", params={"prompt": "#"}) as answer:
        async for line in answer.aiter_lines():
            lines += [line] if line else []
            started.put_nowait(None)
    return lines[-2], lines[-1]


async def test_all_streams_are_told_that_their_model_died_and_the_next_request_is_served(config: Path) -> None:
    async with served(config) as server, httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        queues = [asyncio.Queue[None]() for _ in range(N_STREAMS)]
        streams = [asyncio.create_task(last_event(client, started)) for started in queues]
        await asyncio.gather(*(started.get() for started in queues))
        (child,) = children(server.process.pid)
        child.send_signal(signal.SIGSEGV)
        async with asyncio.timeout(5):
            ended = await asyncio.gather(*streams)
        assert {event for event, _ in ended} == {"event:failed"}
        told = {json.loads(words.removeprefix("data:"))["message"] for _, words in ended}
        assert told == {"the process of the model was ended by SIGSEGV (Segmentation fault)"}
        answer = await client.get("/v1/task/t/completion", params={"prompt": ">"})
        assert answer.json() == {"text": "yes"}
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        server.signal(signal.SIGTERM)
        assert await server.process.wait() == 0
    assert not child.is_running()


async def test_no_model_is_left_when_a_server_is_killed(config: Path) -> None:
    async with served(config) as server, httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        await client.get("/v1/task/t/completion", params={"prompt": ">"})
        (child,) = children(server.process.pid)
        server.process.kill()
        await server.process.wait()
        await until(lambda: not child.is_running())


class FrailEngine(FakeEngine):
    """Has models that died too often."""

    def __init__(self, *failed: str) -> None:
        super().__init__(lambda _: Reply(()))
        self._dead = failed

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(name, "", "failed" if name in self._dead else "loaded") for name in ("a", "b")]

    async def refusals(self) -> Mapping[str, str]:
        return dict.fromkeys(self._dead, "it died 5 times within 10 minutes")


@pytest.mark.parametrize(
    ("failed", "status", "words"),
    [
        ((), 200, {"status": "ready"}),
        (("a",), 200, {"status": "degraded", "failed_models": 1}),
        (("a", "b"), 503, {"status": "failed", "failed_models": 2}),
    ],
)
async def test_who_watches_is_told_of_models_that_died_too_often(
    failed: tuple[str, ...], status: int, words: dict[str, object], serve: Serve
) -> None:
    async with httpx.AsyncClient(base_url=await serve(FrailEngine(*failed))) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (status, words)
