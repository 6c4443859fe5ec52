"""Requests of a client: what they carry, what is tried again, and what breaks in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import numpy as np
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from poly_engine.config import Config
from poly_engine.errors import (
    ConfigError,
    ContextExceeded,
    EngineClosed,
    EngineFailed,
    EngineUnreachable,
    InvalidRequest,
    MemoryDamaged,
    MemoryNotFound,
    ModelLoadFailed,
    UnreadableDocument,
)
from poly_engine.interface import NO_OPTIONS
from poly_engine.types import Dropped, Hit, Ingested, IngestProgress, Recalled, RecallOptions, TaskInfo
from poly_serve.app import create_app
from poly_serve.client import RemoteEngine
from tests.engine.conversation import hear
from tests.fake_engine import FakeEngine, Gate
from tests.serve.conftest import Serve, served
from tests.serve.proxy import Proxy, connected
from tests.serve.waiting import until

ODD = "a/b c?ü#%2F&=.."
HIT = Hit(text="a", source="s", score=0.5, place=1, start=2, end=3, headings=("One",), vector_rank=1, words_score=2.5)


@asynccontextmanager
async def over_proxy(engine: FakeEngine) -> AsyncIterator[tuple[RemoteEngine, Proxy]]:
    async with (
        served(engine, Config()) as url,
        connected(url) as (proxy, near_url),
        RemoteEngine(near_url) as remote,
    ):
        yield remote, proxy


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """A server of something else, and its URL."""
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


async def each(*lines: bytes) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


async def test_names_and_texts_may_hold_anything(serve: Serve) -> None:
    engine = FakeEngine(tasks=[TaskInfo(ODD, ODD)], memories=[ODD])
    async with RemoteEngine(await serve(engine)) as remote, remote.session(ODD) as session:
        assert (await hear(session, "\u2028\0😀")).text == "You said: \u2028\0😀"
        assert (await remote.load(ODD)).name == ODD
        assert (await remote.ingest(ODD, b"a cat", source=ODD)).source == ODD
        assert [chunk.text for chunk in await remote.chunks(ODD, ODD)] == ["a cat"]
        assert await remote.forget(ODD, ODD) == 1


async def test_what_can_be_asked_twice_is_asked_again_when_the_wire_breaks() -> None:
    async with over_proxy(FakeEngine(memories=["notes"])) as (remote, proxy):
        proxy.n_to_cut = 2
        assert [task.name for task in await remote.tasks()] == ["echo"]
        proxy.n_to_cut = 1
        assert (await remote.recall("notes", "a")).hits == ()
        assert proxy.n_to_cut == 0


async def test_what_changes_something_is_not_done_twice() -> None:
    engine = FakeEngine(memories=["notes"])
    async with over_proxy(engine) as (remote, proxy):
        proxy.n_to_cut = 1
        with pytest.raises(EngineFailed, match="was lost before all was said"):
            await remote.ingest("notes", b"a cat", source="cats")
        assert proxy.n_connections == 1
        assert engine.documents_of["notes"] == {}


async def test_the_errors_of_documents_and_prompts_have_all_that_they_know(serve: Serve) -> None:
    async with RemoteEngine(await serve(FakeEngine(memories=["notes"], context_size=4))) as remote:
        with pytest.raises(UnreadableDocument) as unreadable:
            await remote.ingest("notes", b" ", source="empty.txt", media_type="text/x-odd")
        with pytest.raises(ContextExceeded) as exceeded:
            await remote.embed("fake", ["one two three four five"])
        with pytest.raises(MemoryNotFound) as missing:
            await remote.documents("nots")
    assert (unreadable.value.cause, unreadable.value.name) == ("no_text", "empty.txt")
    assert unreadable.value.reason == "text/x-odd holds no text"
    assert (exceeded.value.n_tokens, exceeded.value.context_size) == (5, 4)
    assert missing.value.name == "nots"


async def test_a_load_that_fails_half_way_is_the_error_that_it_was(serve: Serve) -> None:
    engine = FakeEngine()
    engine.load_failure = ModelLoadFailed("the file is damaged")
    shares: list[float] = []
    async with RemoteEngine(await serve(engine)) as remote:
        with pytest.raises(ModelLoadFailed, match="the file is damaged"):
            await remote.load("fake", shares.append)
    assert shares == [0, 0.25, 0.5, 0.75, 1]


async def test_who_gives_up_a_load_gives_it_up_at_the_server(serve: Serve) -> None:
    engine = FakeEngine(load_gate=Gate(1))
    async with RemoteEngine(await serve(engine)) as remote:
        has_begun = asyncio.Event()
        loading = asyncio.create_task(remote.load("fake", lambda _: has_begun.set()))
        await has_begun.wait()
        loading.cancel()
        await asyncio.wait([loading])
        await until(lambda: engine._models["fake"].state == "unloaded")


async def test_many_texts_are_embedded_in_portions_and_in_order(serve: Serve) -> None:
    engine = FakeEngine()
    texts = [f"text {number}" for number in range(150)] + ["x" * 300_000]
    async with RemoteEngine(await serve(engine)) as remote:
        here, there = await engine.embed("fake", texts), await remote.embed("fake", texts)
    assert np.array_equal(here.vectors, there.vectors)
    assert there.vectors.flags.writeable
    assert there.n_tokens == here.n_tokens


async def test_a_recall_carries_all_options_and_the_whole_trace(serve: Serve) -> None:
    asked: list[RecallOptions] = []
    found = Recalled((HIT,), (Dropped(HIT, "similar"),))

    class Memories(FakeEngine):
        async def recall(self, memory: str, prompt: str, options: RecallOptions = NO_OPTIONS) -> Recalled:
            await super().recall(memory, prompt, options)
            asked.append(options)
            return found

    options = RecallOptions(n=7, max_tokens=9, sources=["a"], min_score=0.25, mmr=0.5, neighbours=2)
    async with RemoteEngine(await serve(Memories(memories=["notes"]))) as remote:
        assert await remote.recall("notes", "a", options) == found
        await remote.recall("notes", "a", RecallOptions(sources={"b"}))
        with pytest.raises(InvalidRequest, match="mmr: Input should be less than or equal to 1"):
            await remote.recall("notes", "a", RecallOptions(mmr=2.0))
    assert asked == [options, RecallOptions(sources=["b"])]


async def test_a_large_document_arrives_whole(serve: Serve) -> None:
    engine = FakeEngine(memories=["notes"])
    text = "word " * 1_000_000
    told: list[IngestProgress] = []
    async with RemoteEngine(await serve(engine)) as remote:
        await remote.ingest("notes", text.encode(), source="large", on_progress=told.append)
        await remote.submit("notes", text.encode(), source="larger")
    assert engine.documents_of["notes"] == {"large": text, "larger": text}
    assert told == [IngestProgress("large", 1, 1)]


class Broken(FakeEngine):
    """Its memories fail after the first line, and after the first document."""

    def __init__(self) -> None:
        super().__init__(memories=["notes"])

    async def export(self, memory: str) -> AsyncGenerator[bytes, None]:  # noqa: ARG002 - as in the interface
        yield b'{"format":"poly-memory"}\n'
        raise MemoryDamaged("the second document is damaged")

    async def reindex(self, memory: str, on_done: Callable[[Ingested], None]) -> None:
        on_done(Ingested("first", "replaced", 1, 1))
        raise MemoryDamaged(f"{memory}: the second document is damaged")


async def test_an_export_that_cannot_go_on_is_an_error_behind_what_there_is(serve: Serve) -> None:
    lines: list[bytes] = []
    async with RemoteEngine(await serve(Broken())) as remote:
        with pytest.raises(MemoryDamaged, match="the second document is damaged"):
            async for line in remote.export("notes"):
                lines.append(line)  # noqa: PERF401 - what came before the error counts, too
    assert lines == [b'{"format":"poly-memory"}\n']


async def test_an_export_over_a_wire_that_breaks_is_not_taken_for_whole() -> None:
    engine = FakeEngine(memories=["notes"])
    engine.documents_of["notes"] = {str(number): "word " * 10_000 for number in range(100)}
    async with over_proxy(engine) as (remote, proxy):
        with pytest.raises(EngineFailed, match="was lost before all was said"):
            async with aclosing(remote.export("notes")) as lines:
                async for _ in lines:
                    proxy.n_to_cut = 1


async def test_progress_comes_before_the_failure(serve: Serve) -> None:
    done: list[Ingested] = []
    async with RemoteEngine(await serve(Broken())) as remote:
        with pytest.raises(MemoryDamaged, match="notes: the second document is damaged"):
            await remote.reindex("notes", done.append)
    assert done == [Ingested("first", "replaced", 1, 1)]


async def test_each_restored_document_is_told_of_while_others_are_still_to_come(serve: Serve) -> None:
    engine = FakeEngine(memories=["notes"])
    is_done = asyncio.Event()

    async def lines() -> AsyncIterator[bytes]:
        yield b'{"format":"poly-memory"}\n'
        yield b'{"source":"one","text":"1"}\n'
        await is_done.wait()
        yield b'{"source":"two","text":"2"}\n'

    async with RemoteEngine(await serve(engine)) as remote:
        await remote.restore("notes", lines(), lambda _: is_done.set())
    assert engine.documents_of["notes"] == {"one": "1", "two": "2"}


async def test_many_large_lines_are_restored_as_fast_as_they_are_taken(serve: Serve) -> None:
    engine = FakeEngine(memories=["notes"])
    line = b'{"source":"%d","text":"' + b"x" * 6_000_000 + b'"}\n'
    async with RemoteEngine(await serve(engine)) as remote:
        await remote.restore(
            "notes", each(b"{}\n", *(line.replace(b"%d", b"%d" % n) for n in range(8))), lambda _: None
        )
    assert len(engine.documents_of["notes"]) == 8


async def test_whoever_makes_the_lines_of_an_export_may_fail(serve: Serve) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b'{"format":"poly-memory"}\n'
        raise InvalidRequest("the file is cut off")

    async with RemoteEngine(await serve(FakeEngine(memories=["notes"]))) as remote:
        with pytest.raises(InvalidRequest, match="the file is cut off"):
            await remote.restore("notes", lines(), print)


async def test_a_restore_over_a_wire_that_breaks_is_an_error() -> None:
    async with over_proxy(FakeEngine(memories=["notes"])) as (remote, proxy):

        async def lines() -> AsyncIterator[bytes]:
            yield b'{"format":"poly-memory"}\n'
            proxy.cut()
            await asyncio.Event().wait()

        with pytest.raises(EngineFailed, match="was lost before all was said"):
            await remote.restore("notes", lines(), print)


async def test_what_is_under_way_ends_with_engine_closed_when_the_engine_closes(serve: Serve) -> None:
    engine = FakeEngine(load_gate=Gate(0))
    async with RemoteEngine(await serve(engine)) as remote:
        has_begun = asyncio.Event()
        loading = asyncio.create_task(remote.load("fake", lambda _: has_begun.set()))
        await has_begun.wait()
        await remote.close()
        with pytest.raises(EngineClosed, match="the engine was shut down"):
            await loading
    assert not engine.is_closed


async def answer_nonsense(request: web.Request) -> web.StreamResponse:
    """What stands in for a server of Poly: a chat or a load that says something else."""
    if "Upgrade" not in request.headers:
        return web.Response(text="event:done\ndata:nonsense\n\n", content_type="text/event-stream")
    socket = web.WebSocketResponse(protocols=request.match_info["name"].split())
    await socket.prepare(request)
    await socket.send_str("hello")
    await socket.receive()
    return socket


async def test_what_makes_no_sense_is_an_error_and_not_a_bug() -> None:
    app = web.Application()
    app.router.add_get("/v1/task/{name}/chat", answer_nonsense)
    app.router.add_post("/v1/model/{name}/load", answer_nonsense)
    async with listening(app) as url, RemoteEngine(url) as remote:
        for refused in (remote.session("poly.events.v1").open(), remote.session("other").open(), remote.load("m")):
            with pytest.raises(EngineFailed, match="does not answer as a server of Poly does"):
                await refused


@pytest.mark.parametrize("answer", ["<html>", "[1]", "{}", '{"tasks": 3}', '{"tasks": [{"nam": "a"}]}'])
async def test_a_server_of_something_else_is_told_from_one_of_poly(answer: str) -> None:
    async def say(_: web.Request) -> web.Response:
        return web.Response(text=answer)

    app = web.Application()
    app.router.add_get("/v1/task", say)
    async with listening(app) as url, RemoteEngine(url) as remote:
        with pytest.raises(EngineFailed, match="does not answer as a server of Poly does"):
            await remote.tasks()
        with pytest.raises(EngineFailed, match="answers 404: 404: Not Found"):
            await remote.models()
        with pytest.raises(EngineFailed, match="answers 404: 404: Not Found"):
            await remote.session("a").open()


def behind_gateway(n_to_refuse: int) -> web.Application:
    """A server that something stands before, which cannot reach it at first."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal n_to_refuse
        n_to_refuse -= 1
        return web.Response(status=502, text="<html>Bad Gateway") if n_to_refuse >= 0 else await handler(request)

    app = create_app(FakeEngine(memories=["notes"]), Config())
    app.middlewares.insert(0, refuse)
    return app


async def test_what_may_happen_twice_is_asked_again_when_a_gateway_reaches_nobody() -> None:
    async with listening(behind_gateway(2)) as url, RemoteEngine(url) as remote:
        assert [task.name for task in await remote.tasks()] == ["echo"]
    async with listening(behind_gateway(2)) as url, RemoteEngine(url) as remote:
        assert (await hear(remote.session("echo"), "hello")).text == "You said: hello"


async def test_what_may_not_is_an_error_that_says_that_nobody_was_reached() -> None:
    async with listening(behind_gateway(1)) as url, RemoteEngine(url) as remote:
        with pytest.raises(EngineUnreachable, match="answers 502: <html>Bad Gateway"):
            await remote.ingest("notes", b"a cat", source="cats")


@pytest.mark.parametrize(
    "url", ["", "ftp://a", "http://", "http://a:b", "http://a:99999", "http://u:p@a", "http://a/?k=v"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        RemoteEngine(url)


async def test_the_scheme_may_be_left_out(serve: Serve) -> None:
    url = await serve(FakeEngine())
    async with RemoteEngine(f" {url.removeprefix('http://')}/ ") as remote:
        assert await remote.tasks()
