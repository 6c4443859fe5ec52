"""Requests of pages that were rebound to this machine, or that are of another origin."""

from __future__ import annotations

import httpx
import pytest

from poly_engine.config import Config
from tests.fake_engine import FakeEngine, Reply
from tests.serve.conftest import Serve


@pytest.fixture
async def url(serve: Serve) -> str:
    engine = FakeEngine(lambda _: Reply(("yes",)))
    return await serve(engine, Config.model_validate({"allowed_origins": ["https://friend.example"]}))


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "localhost.", "[::2]", "127.0.0.2:80", "a b"]
)
async def test_a_host_that_the_server_does_not_go_by_is_refused(url: str, host: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for path in ("/status", "/v1/task", "/", "/metrics"):
            assert (await client.get(path, headers={"Host": host})).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1", "[::1]:3000", "LocalHost:1"])
async def test_names_of_this_machine_are_fine(url: str, host: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/status", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "file://", "https://friend.example.evil.example", "http://friend.example"],
)
async def test_pages_of_other_origins_are_refused_also_before_an_upgrade(url: str, origin: str) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    async with httpx.AsyncClient(base_url=url, headers={"Origin": origin}) as client:
        assert (await client.get("/status")).status_code == 403
        assert (await client.options("/v1/task")).status_code == 403
        refused = await client.get(
            "/v1/task/t/chat", headers={**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        )
        assert refused.status_code == 403


async def test_a_page_that_is_allowed_may_ask_and_read(url: str) -> None:
    origin = "https://friend.example"
    headers = {"Origin": origin, "Access-Control-Request-Headers": "authorization, x-stainless-os"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        asked = await client.options("/v1/task")
        assert (asked.status_code, asked.headers["Access-Control-Allow-Headers"]) == (
            204,
            "authorization, x-stainless-os",
        )
        answer = await client.get("/status")
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["X-Request-Id"]


async def test_a_page_of_the_server_itself_may_ask(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as client:
        assert (await client.get("/status")).status_code == 200
