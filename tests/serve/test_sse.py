"""Streams of server-sent events, byte for byte."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from aiohttp import web

from poly_engine.errors import EngineFailed, IllegalToken, ModelLoadFailed
from poly_serve.deadlines import DEADLINES, Deadlines
from poly_serve.sse import EventStream
from tests.fake_engine import FakeEngine, Gate, Reply
from tests.serve.conftest import Serve
from tests.serve.waiting import until

Stream = Callable[[EventStream], Awaitable[None]]


async def live(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{url}/v1/task/echo/live", params={"prompt": "hello"})


async def test_tokens_are_events_without_a_name(serve: Serve) -> None:
    answer = await live(await serve(FakeEngine(lambda _: Reply(("One", " two", "\nthree\r", "")))))
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.text == "id:token\ndata:One\n\nid:token\ndata:  two\n\nid:token\ndata:\ndata:three\ndata:\n\n"


async def test_an_answer_without_a_token_is_an_empty_stream(serve: Serve) -> None:
    answer = await live(await serve(FakeEngine(lambda _: Reply())))
    assert (answer.status_code, answer.headers["Content-Type"], answer.text) == (200, "text/event-stream", "")


@pytest.mark.parametrize(
    "reply", [Reply(refusal=IllegalToken("it is private")), Reply(failure=IllegalToken("it is private"))]
)
async def test_an_error_before_the_first_token_is_told_by_the_status(serve: Serve, reply: Reply) -> None:
    answer = await live(await serve(FakeEngine(lambda _: reply)))
    assert (answer.status_code, answer.text) == (400, "illegal token encountered")


async def test_an_error_in_the_middle_is_a_named_event_which_is_the_last_one(serve: Serve) -> None:
    answer = await live(await serve(FakeEngine(lambda _: Reply(("One",), failure=EngineFailed("it broke")))))
    last = '{"code":"engine_failed","message":"it broke"}'
    assert answer.text == f"id:token\ndata:One\n\nevent:failed\ndata:{last}\n\n"


async def test_an_error_of_what_is_followed_is_told_by_the_status_if_nothing_came_before(serve: Serve) -> None:
    url = await serve(FakeEngine(memories=["notes"]))
    async with httpx.AsyncClient() as client:
        plain = await client.post(f"{url}/v1/memory/nots/reindex")
        detailed = await client.post(f"{url}/v1/memory/nots/reindex", params={"detail": "1"})
    assert (plain.status_code, plain.text) == (404, "memory not found: nots")
    assert detailed.json() == {
        "code": "memory_not_found",
        "message": "memory not found: nots (did you mean notes?)",
        "name": "nots",
    }


async def test_progress_done_and_failed_are_named_events(serve: Serve) -> None:
    engine = FakeEngine(n_load_steps=1)
    url = await serve(engine)
    engine.load_failure = ModelLoadFailed("it is damaged")
    async with httpx.AsyncClient() as client:
        failed = await client.post(f"{url}/v1/model/fake/load")
        engine.load_failure = None
        loaded = await client.post(f"{url}/v1/model/fake/load")
    steps = "event:progress\ndata:0.0\n\nevent:progress\ndata:1.0\n\n"
    words = '{"code":"model_load_failed","message":"it is damaged"}'
    assert failed.text == f"{steps}event:failed\ndata:{words}\n\n"
    assert loaded.text.startswith(f'{steps}event:done\ndata:{{"name":"fake",')


async def test_who_leaves_ends_the_answer(serve: Serve) -> None:
    engine = FakeEngine(gate=Gate(1))
    url = await serve(engine)
    async with httpx.AsyncClient() as client:
        async with client.stream("GET", f"{url}/v1/task/echo/live", params={"prompt": "hello"}) as answer:
            await anext(answer.aiter_bytes())
            assert engine.n_running == 1
    await until(lambda: engine.n_running == 0)


@asynccontextmanager
async def streaming(
    stream: Stream,
    silence_s: float = 1.0,
    deadlines: Deadlines = Deadlines(),  # noqa: B008 - frozen
) -> AsyncIterator[str]:
    """A server of one stream."""

    async def handle(request: web.Request) -> web.StreamResponse:
        async with EventStream(request, silence_s=silence_s) as events:
            await stream(events)
        return events.response

    app = web.Application()
    app[DEADLINES] = deadlines
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


async def test_comments_go_out_while_nothing_is_said() -> None:
    is_enough = asyncio.Event()

    async def be_silent(_: EventStream) -> None:
        await is_enough.wait()

    async with streaming(be_silent, silence_s=0.01) as url, httpx.AsyncClient() as client:
        async with client.stream("GET", url) as answer:
            heard = b""
            async for piece in answer.aiter_bytes():
                heard += piece
                if len(heard) > 100:
                    is_enough.set()
    assert heard == b":keep-alive-text\n\n" * (len(heard) // 18)


async def test_comments_never_get_into_an_event() -> None:
    async def say_much(events: EventStream) -> None:
        for number in range(300):
            await events.send(f"{number}\n" * 1000)
            await asyncio.sleep(0)

    async with streaming(say_much, silence_s=0.0) as url, httpx.AsyncClient() as client:
        said = (await client.get(url)).text.replace(":keep-alive-text\n\n", "")
    assert said == "".join(f"data:{number}\n" * 1000 + "data:\n\n" for number in range(300))


async def test_a_reader_that_does_not_read_is_cut_off() -> None:
    ended = asyncio.Event()

    async def say_without_end(events: EventStream) -> None:
        try:
            while True:
                await events.send("x" * 100_000)
        finally:
            ended.set()

    async with streaming(say_without_end, deadlines=Deadlines(reading_s=0.1, least_bytes_per_s=1 << 20)) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as deaf:
            deaf.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(20):
                await ended.wait()
