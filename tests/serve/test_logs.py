"""The log of the server: one line for each event, whatever clients send, and no secret in it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator

import httpx
import pytest

from poly_engine.config import Config
from poly_serve.logs import log_to_stderr
from tests.fake_engine import FakeEngine
from tests.serve.conftest import served

LOGGERS = [logging.getLogger(name) for name in ("poly_engine", "poly_serve", "aiohttp", "aiohttp.server")]


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """The loggers of this process, as they were, when the test is over."""
    before = [(logger, logger.level, [*logger.handlers], [*logger.filters]) for logger in LOGGERS]
    yield
    for logger, level, handlers, filters in before:
        logger.level, logger.handlers, logger.filters = level, handlers, filters


async def talk() -> None:
    """A good request with a key and a break of the line in its path, and one that is no HTTP."""
    async with FakeEngine() as engine, served(engine, Config()) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            await client.get("/v1/task/a%0ab/status?api_key=secret", headers={"X-Request-Id": "mine"})
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        writer.write(b"GET / HTTP/1.1\r\nAuthorization: Bearer secret\x00\r\n\r\n")
        assert b"400" in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_machines_are_told_the_facts_of_a_request_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("json")
    await talk()
    asked, refused = map(json.loads, capsys.readouterr().err.splitlines())
    assert {key: asked[key] for key in ("level", "request_id", "method", "path", "status")} == {
        "level": "info",
        "request_id": "mine",
        "method": "GET",
        "path": "/v1/task/a%0ab/status",
        "status": 404,
    }
    assert asked["ms"] >= 0
    assert refused["message"] == "a request was no HTTP: BadHttpMessage"


async def test_people_read_a_line_for_each_request_and_never_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("text")
    await talk()
    written = capsys.readouterr().err
    asked, refused = written.splitlines()
    assert "INFO mine GET /v1/task/a%0ab/status 404 " in asked
    assert refused.endswith("INFO a request was no HTTP: BadHttpMessage")
    assert "secret" not in written
