"""Clients that are slow, deaf, or many: each is waited for only so long, and holds up nobody else."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from poly_engine.config import Config
from poly_serve.app import create_app
from poly_serve.deadlines import Deadlines
from poly_serve.serving import serving
from tests.fake_engine import FakeEngine, Reply
from tests.serve.conftest import Serve
from tests.serve.waiting import until

SHORT = Deadlines(next_request_s=0.1, body_s=0.1, reading_s=0.1, least_bytes_per_s=1 << 30)
PUT = b"PUT /v1/memory/notes?source=a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection to a server. Waiting for an answer on it has an end."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.transport.abort()


async def status(reader: asyncio.StreamReader) -> int:
    return int((await reader.readline()).split()[1])


@pytest.mark.parametrize("said", [b"", b"GET /status HTTP/1.1\r\nHost: loc"], ids=["nothing", "half a request"])
async def test_who_does_not_come_to_the_end_of_a_request_is_cut_off(serve: Serve, said: bytes) -> None:
    async with wire(await serve(FakeEngine(), deadlines=SHORT)) as (reader, writer):
        writer.write(said)
        assert await reader.read() == b""


async def test_a_byte_now_and_then_is_no_reason_to_wait_for_headers(serve: Serve) -> None:
    async with wire(await serve(FakeEngine(), deadlines=SHORT)) as (reader, writer):
        cut_off = asyncio.create_task(reader.read())
        writer.write(b"GET /status HTTP/1.1\r\nX-Slow: ")
        while not cut_off.done():
            writer.write(b"a")
            await asyncio.wait([cut_off], timeout=0.01)
        assert cut_off.exception() is not None or cut_off.result() == b""


async def test_who_asks_nothing_more_is_cut_off(serve: Serve) -> None:
    async with wire(await serve(FakeEngine(), deadlines=SHORT)) as (reader, writer):
        writer.write(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.read()).endswith(b'{"status":"ok"}')


@pytest.mark.parametrize("path", ["/v1/memory/notes", "/v1/task/echo/completion", "/v1/memory/notes/restore"])
async def test_a_body_that_does_not_come_is_not_waited_for(serve: Serve, path: str) -> None:
    engine = FakeEngine(memories=["notes"])
    method = "PUT" if path.endswith("notes") else "POST"
    async with wire(await serve(engine, deadlines=SHORT)) as (reader, writer):
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert await status(reader) == 408
        assert b"does not come in time" in await reader.read()


async def test_a_body_that_only_trickles_is_not_waited_for(serve: Serve) -> None:
    async with wire(await serve(FakeEngine(memories=["notes"]), deadlines=SHORT)) as (reader, writer):
        writer.write(PUT + b"Content-Length: 1000000\r\n\r\n")
        answered = asyncio.create_task(status(reader))
        while not answered.done():
            writer.write(b"a")
            await asyncio.wait([answered], timeout=0.01)
        assert answered.result() == 408


async def test_a_body_that_is_slow_but_goes_on_is_taken(serve: Serve) -> None:
    engine = FakeEngine(memories=["notes"])
    deadlines = Deadlines(body_s=0.1, least_bytes_per_s=100)
    async with wire(await serve(engine, deadlines=deadlines)) as (reader, writer):
        writer.write(PUT + b"Content-Length: 600\r\n\r\n")
        answered = asyncio.create_task(status(reader))
        for _ in range(30):
            writer.write(b"a" * 20)
            await asyncio.wait([answered], timeout=0.01)
        assert await answered == 200
    assert engine.documents_of["notes"]["a"] == "a" * 600


@pytest.mark.parametrize("path", ["/v1/task/echo/completion", "/v1/task/echo/live"])
async def test_who_does_not_read_an_answer_is_cut_off(
    serve: Serve, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.INFO, "poly_serve")
    address = urlsplit(await serve(FakeEngine(lambda _: Reply(("long " * 2_000_000,))), deadlines=SHORT))
    with socket.create_connection((address.hostname, address.port)) as deaf:
        deaf.sendall(f"GET {path}?prompt=a HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: " 499 " in caplog.text)  # which is what is logged of those that are gone


async def test_what_is_too_large_is_refused_before_it_is_sent(serve: Serve) -> None:
    async with wire(await serve(FakeEngine(memories=["notes"]))) as (reader, writer):
        writer.write(PUT + b"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n")
        assert await status(reader) == 413


async def test_whoever_asks_whether_to_send_is_told_so(serve: Serve) -> None:
    engine = FakeEngine(memories=["notes"])
    async with wire(await serve(engine)) as (reader, writer):
        writer.write(PUT + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        await reader.readline()
        writer.write(b"cat")
        assert await status(reader) == 200
    assert engine.documents_of["notes"] == {"a": "cat"}


async def test_whoever_may_not_is_told_before_anything_is_sent(serve: Serve) -> None:
    config = Config.model_validate({"allowed_keys": ["key"]})
    async with wire(await serve(FakeEngine(memories=["notes"]), config)) as (reader, writer):
        writer.write(PUT + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert await status(reader) == 401


async def test_a_large_document_arrives_whole(serve: Serve) -> None:
    engine = FakeEngine(memories=["notes"])
    text = "".join(map(str, range(300_000)))
    async with httpx.AsyncClient() as client:
        answer = await client.put(f"{await serve(engine)}/v1/memory/notes?source=a", content=text)
    assert answer.status_code == 200
    assert engine.documents_of["notes"] == {"a": text}


async def test_a_full_disk_is_told_of(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: io.FileIO("/dev/full", "r+"))
    async with httpx.AsyncClient() as client:
        url = f"{await serve(FakeEngine(memories=['notes']))}/v1/memory/notes?source=a"
        answer = await client.put(url, content=b"a" * 1_000_000)
        assert (answer.status_code, "No space left on device" in answer.text) == (507, True)
        assert (await client.put(url, content=b"a little")).status_code == 200


async def test_who_is_one_too_many_is_told_to_come_again() -> None:
    async with serving(create_app(FakeEngine(), Config()), "127.0.0.1", 0, last_words_s=1, most_connections=1) as site:
        async with wire(site.url) as (reader, writer):
            writer.write(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await status(reader) == 200
            async with wire(site.url) as (other, _):
                assert await status(other) == 503
