"""The chat of the original: texts over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from poly_engine.config import Config
from poly_engine.errors import EngineFailed, ModelLoadFailed
from tests.fake_engine import FakeEngine, Gate, Reply
from tests.serve.conftest import served
from tests.serve.waiting import until


@asynccontextmanager
async def chat(engine: FakeEngine, task: str = "echo") -> AsyncIterator[ClientConnection]:
    """A chat, as a web page holds one."""
    async with (
        served(engine, Config()) as url,
        connect(f"ws{url[4:]}/v1/task/{task}/chat", proxy=None) as socket,
    ):
        yield socket


async def answer(socket: ClientConnection) -> list[str | bytes]:
    """The frames up to the one that ends an answer."""
    frames: list[str | bytes] = []
    while frame := await socket.recv():
        frames.append(frame)
    return frames


async def close_code(socket: ClientConnection) -> int:
    """The code that the server closes with, and nothing else comes before that."""
    with pytest.raises(ConnectionClosed):
        await socket.recv()
    assert socket.close_code is not None
    return socket.close_code


async def test_each_token_is_a_frame_and_an_empty_one_ends_the_answer() -> None:
    async with chat(FakeEngine()) as socket:
        await socket.send("hello you")
        assert await answer(socket) == ["You", " said", ":", " hello", " you"]
        await socket.send("")
        assert "".join(map(str, await answer(socket))).strip() == "You said:"


async def test_sixteen_prompts_may_wait_and_are_answered_in_order() -> None:
    engine = FakeEngine(Reply.of, gate=Gate(0))
    async with chat(engine) as socket:
        await socket.send("first")
        await until(lambda: engine.n_running == 1)
        for number in range(16):
            await socket.send(str(number))
        engine.gate.open()
        assert [await answer(socket) for _ in range(17)] == [["first"], *([str(number)] for number in range(16))]


async def test_more_prompts_than_that_end_the_chat() -> None:
    engine = FakeEngine(gate=Gate(0))
    async with chat(engine) as socket:
        await socket.send("first")
        await until(lambda: engine.n_running == 1)
        for number in range(17):
            await socket.send(str(number))
        assert await close_code(socket) == 1013
        await until(lambda: engine.n_running == 0)


async def test_a_binary_frame_ends_the_chat() -> None:
    async with chat(FakeEngine()) as socket:
        await socket.send(b"hello")
        assert await close_code(socket) == 1003


@pytest.mark.parametrize("reply", [Reply(refusal=EngineFailed("it broke")), Reply(failure=EngineFailed("it broke"))])
async def test_an_error_ends_the_chat_and_says_why(reply: Reply) -> None:
    engine = FakeEngine(lambda _: reply)
    async with chat(engine) as socket:
        await socket.send("hello")
        assert await close_code(socket) == 1011
        assert socket.close_reason == "it broke"
        await until(lambda: engine.n_running == 0)


async def test_a_model_that_cannot_be_loaded_ends_the_chat_and_says_why() -> None:
    engine = FakeEngine()
    engine.load_failure = ModelLoadFailed("é" * 100)
    async with chat(engine) as socket:
        assert await close_code(socket) == 1011
        assert socket.close_reason == "é" * 61  # so many fit, and none is cut in two


@pytest.mark.parametrize("is_said", [True, False])
async def test_who_leaves_ends_the_answer_at_once(*, is_said: bool) -> None:
    engine = FakeEngine(gate=Gate(1))
    async with chat(engine) as socket:
        await socket.send("hello")
        await socket.recv()
        if is_said:
            await socket.close()
        else:
            socket.transport.abort()
        await until(lambda: engine.n_running == 0)
        assert engine.cancelled == ["hello"]


async def test_pings_are_answered_while_an_answer_is_written() -> None:
    engine = FakeEngine(gate=Gate(0))
    async with chat(engine) as socket:
        await socket.send("hello")
        await until(lambda: engine.n_running == 1)
        async with asyncio.timeout(10):
            await (await socket.ping())


async def test_a_task_that_is_not_there_is_said_before_the_upgrade() -> None:
    engine = FakeEngine()
    async with served(engine, Config(public=True)) as url:
        with pytest.raises(InvalidStatus) as error:
            async with connect(f"ws{url[4:]}/v1/task/ech/chat", proxy=None) as socket:
                await socket.recv()
    assert error.value.response.status_code == 404
