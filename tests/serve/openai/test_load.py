"""Who leaves, who waits, and who is told to come again."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from poly_engine.config import Config
from poly_engine.local import LocalEngine
from poly_engine.types import Turn
from tests.fake_engine import FakeEngine, FakeSession, Gate, Reply
from tests.gguf_models import make_scripted
from tests.serve.conftest import Serve
from tests.serve.openai.conftest import CONFIG, KEY, TASKS, Connect
from tests.serve.waiting import until

CHAT: dict[str, Any] = {"model": "talk", "messages": [{"role": "user", "content": "hello"}]}
ONE_AT_A_TIME = CONFIG.model_copy(update={"max_concurrent": 1})


class Counted(FakeEngine):
    """Counts the sessions that were asked for, also by who still waits to be admitted."""

    n_sessions = 0

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        self.n_sessions += 1
        return super().session(task, system=system, history=history, settings=settings)


def endless(n_tokens: int) -> Counted:
    """An engine that would go on, but stands still after so many tokens."""
    return Counted(lambda prompt: Reply((prompt,) * 1000), tasks=TASKS, gate=Gate(n_tokens))


async def give_up(asking: asyncio.Task[httpx.Response]) -> None:
    asking.cancel()
    await asyncio.wait([asking])


@pytest.mark.parametrize("n", [1, 3])
async def test_who_leaves_a_stream_stops_it(serve: Serve, http: httpx.AsyncClient, n: int) -> None:
    engine = endless(2 * n)
    path = f"{await serve(engine, CONFIG)}/v1/chat/completions"
    async with http.stream("POST", path, json={**CHAT, "stream": True, "n": n}) as response:
        await anext(response.aiter_lines())
        await until(lambda: engine.n_running == n)
    await until(lambda: not engine.n_running)
    assert engine.cancelled == ["hello"] * n


async def test_who_leaves_before_the_answer_stops_it(serve: Serve, http: httpx.AsyncClient) -> None:
    engine = endless(3)
    path = f"{await serve(engine, CONFIG)}/v1/chat/completions"
    asking = asyncio.create_task(http.post(path, json=CHAT))
    await until(lambda: engine.n_running == 1)
    await give_up(asking)
    await until(lambda: not engine.n_running)
    assert engine.cancelled == ["hello"]


async def test_who_leaves_the_queue_is_never_begun(serve: Serve, http: httpx.AsyncClient) -> None:
    engine = Counted(lambda prompt: Reply((prompt,)), tasks=TASKS, gate=Gate(0))
    path = f"{await serve(engine, ONE_AT_A_TIME)}/v1/completions"
    asking = []
    for number in range(1, 4):
        body = {"model": "talk", "prompt": f"number {number}"}
        asking.append(asyncio.create_task(http.post(path, json=body)))
        await until(lambda number=number: engine.n_sessions == number)  # type: ignore[misc]  # what it is now
    await give_up(asking[1])
    engine.gate.open()
    assert [(await one).json()["choices"][0]["text"] for one in (asking[0], asking[2])] == ["number 1", "number 3"]
    assert [prompt for _, prompt in engine.asked] == ["number 1", "number 3"]


async def test_who_finds_the_queue_full_is_told_to_come_again(serve: Serve, connect: Connect) -> None:
    engine = Counted(lambda prompt: Reply((prompt,)), tasks=TASKS, gate=Gate(0))
    client = connect(await serve(engine, ONE_AT_A_TIME))
    first = asyncio.create_task(client.chat.completions.create(**CHAT))
    await until(lambda: engine.n_sessions == 1)
    many = asyncio.create_task(client.chat.completions.create(**CHAT, n=64))
    await until(lambda: engine.n_sessions == 65)
    with pytest.raises(openai.RateLimitError) as error:
        await client.chat.completions.create(**CHAT)
    assert int(error.value.response.headers["Retry-After"]) > 0
    assert error.value.type == "rate_limit_error"
    engine.gate.open()
    assert (len((await first).choices), len((await many).choices)) == (1, 64)


async def test_a_stream_that_the_end_of_the_engine_ends_says_so(serve: Serve, http: httpx.AsyncClient) -> None:
    engine = endless(2)
    path = f"{await serve(engine, CONFIG)}/v1/chat/completions"
    async with http.stream("POST", path, json={**CHAT, "stream": True}) as response:
        lines = response.aiter_lines()
        await anext(lines)
        await engine.close()
        *_, last = [line async for line in lines if line]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_closed"


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_connection_that_breaks_frees_the_slot(serve: Serve, tmp_path: Path, is_reset: bool) -> None:  # noqa: FBT001 - a parameter
    path = make_scripted(tmp_path / "m.gguf", "la " * 2600, start="\n", context_length=8192)
    model = {"model_path": str(path), "context_size": 8192, "threads_per_session": 1}
    talk = {"model": "m", "temperature": 0, "repeat_penalty": 1.0}
    async with LocalEngine(Config.model_validate({"models": {"m": model}, "tasks": {"talk": talk}})) as engine:
        url = await serve(engine, CONFIG)
        await engine.load("m")
        async with engine._use("m") as worker:
            pass
        await break_off(url, is_reset=is_reset)
        await until(lambda: not worker._streams)
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as http:
            assert (await http.get(f"{url}/v1/stats")).json() == {"tasks": {}}  # it did not just come to its end


async def break_off(url: str, *, is_reset: bool) -> None:
    """Begin to read a stream, and break the connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    body = json.dumps({**CHAT, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {KEY}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await reader.readuntil(b'"content":"l"')
    if is_reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await writer.wait_closed()
