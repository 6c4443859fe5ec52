"""The requests that a server works on: who sees them, watching one, and ending one."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest

from poly_engine.config import Config
from poly_engine.errors import Overloaded, RequestCancelled
from poly_engine.interface import NO_OVERRIDES
from poly_engine.types import Done, TaskInfo, Token
from poly_serve.app import create_app
from poly_serve.client import RemoteEngine
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.served import SERVED
from poly_serve.watchers import Watcher
from tests.fake_engine import FakeEngine, Gate, Reply
from tests.serve.askers import KINDS, asking
from tests.serve.conftest import running, served
from tests.serve.waiting import until

SECRET = "s" * 40
WORDS = tuple(f"w{number} " for number in range(6))


@dataclass(frozen=True, slots=True)
class Office:
    """A server whose tokens pass when the test says so."""

    engine: FakeEngine
    gate: Gate
    url: str
    client: httpx.AsyncClient

    async def requests(self) -> list[dict[str, Any]]:
        answer = await self.client.get("/v1/requests")
        assert answer.status_code == 200, answer.text
        listed: list[dict[str, Any]] = answer.json()["requests"]
        return listed

    async def only(self, **wanted: object) -> dict[str, Any]:
        """The only request, when it has come so far."""
        async with asyncio.timeout(20):
            while True:
                listed = await self.requests()
                if len(listed) == 1 and wanted.items() <= listed[0].items():
                    return listed[0]


@asynccontextmanager
async def office(reply: Reply | None = None, **settings: Any) -> AsyncIterator[Office]:
    gate = Gate()
    tasks = [TaskInfo("talk", "m")]
    engine = FakeEngine(lambda _: reply or Reply(WORDS), tasks=tasks, gate=gate, context_size=1 << 16)
    config = Config.model_validate(
        {"tasks": {"talk": {"model": "m"}}, "models": {"m": {"model_path": "m.gguf"}}, **settings}
    )
    async with served(engine, config) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield Office(engine, gate, url, client)
        gate.open()


async def events_of(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in lines:
        field, _, value = line.partition(":")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


async def test_a_request_tells_who_asks_what_and_how_far_it_is() -> None:
    async with office() as here, asking(here.url, "SSE", "talk", "a b c"):
        here.gate.open(2)
        one = await here.only(n_tokens=2)
        assert one["number"] == 1
        assert (one["method"], one["route"], one["task"]) == ("POST", "/v1/task/talk/live", "talk")
        assert (one["subject"], one["state"], one["context_tokens"]) == ("anybody", "writing", 5)
        assert one["seconds"] >= 0
        assert one["tokens_per_s"] > 0
        assert len(one["id"]) == 16


async def test_the_key_of_who_asks_is_told_by_its_name_alone() -> None:
    async with office(allowed_keys=[{"name": "bot", "key": "secret-key"}]) as here:
        here.client.headers["Authorization"] = "Bearer secret-key"
        asked = asyncio.create_task(here.client.post("/v1/task/talk/completion", json={"prompt": "a"}))
        one = await here.only()
        assert one["subject"] == "key:bot"
        assert "secret" not in str(one)
        here.gate.open()
        await asked
        assert await here.requests() == []


async def test_who_waits_is_there_and_says_so() -> None:
    async with office(max_concurrent=1) as here, asking(here.url, "SSE", "talk", "a"):
        await here.only(state="reading")
        async with asking(here.url, "OpenAI, whole", "talk", "b"):
            async with asyncio.timeout(20):
                while [one["state"] for one in await here.requests()] != ["reading", "waiting"]:
                    pass
            assert [one["number"] for one in await here.requests()] == [1, 2]


async def test_a_chat_is_there_only_while_a_turn_is_under_way() -> None:
    async with office() as here, RemoteEngine(here.url) as remote, remote.session("talk") as session:
        await session.open()
        assert await here.requests() == []
        async with session.send("a") as events:
            here.gate.open(1)
            await here.only(route="/v1/task/talk/chat", state="writing")
            here.gate.open()
            assert [event async for event in events]
        assert await here.requests() == []


async def test_whoever_watches_hears_what_was_written_and_what_comes() -> None:
    async with office(Reply(WORDS, thoughts=("hm",))) as here, asking(here.url, "SSE", "talk", "a"):
        here.gate.open(3)
        await here.only(n_tokens=3)
        async with here.client.stream("GET", "/v1/requests/1/events") as answer:
            events = events_of(answer.aiter_lines())
            name, first = await anext(events)
            assert (name, first["is_cut"], first["request"]["n_tokens"]) == ("written", False, 3)
            assert first["written"] == [{"type": "thinking", "text": "hm"}, {"type": "token", "text": "w0 w1 "}]
            here.gate.open()
            rest = [(name, record) async for name, record in events]
        assert "".join(record["text"] for name, record in rest if name == "token") == "w2 w3 w4 w5 "
        assert rest[-1][0] == "done"
        assert rest[-1][1]["finish_reason"] == "stop"


async def test_a_request_that_is_over_cannot_be_watched_nor_cancelled() -> None:
    async with office() as here:
        for answer in (await here.client.get("/v1/requests/7/events"), await here.client.delete("/v1/requests/7")):
            assert (answer.status_code, answer.text) == (404, "request not found: 7")
        assert (await here.client.delete("/v1/requests/first")).status_code == 400


TOLD: Mapping[str, tuple[bytes, ...]] = {
    "SSE": (b"event:failed", b'"code":"request_cancelled"'),
    "completion": (b"HTTP/1.1 410 ", b"request 1 was cancelled by who runs the server"),
    "OpenAI, stream": (b'data: {"error":', b'"code":"request_cancelled"'),
    "OpenAI, whole": (b"HTTP/1.1 410 ", b'"code": "request_cancelled"'),
    "WebSocket, texts": (b"request 1 was cancelled by who runs the server",),
    "WebSocket, events": (b'"type":"error"', b'"code":"request_cancelled"', b'"answer":"w0 w1 "'),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_whose_request_is_cancelled_is_told_so_and_its_slot_is_free(kind: str) -> None:
    async with office() as here, asking(here.url, kind, "talk", "a") as asker:
        here.gate.open(2)
        await here.only(n_tokens=2)
        assert (await here.client.delete("/v1/requests/1")).json() == {}
        told = b""
        async with asyncio.timeout(20):
            while not all(words in told for words in TOLD[kind]):
                piece = await asker.reader.read(1 << 16)
                assert piece, told
                told += piece
        await until(lambda: here.engine.cancelled == ["a"])
        assert here.engine.n_running == 0
        assert await here.requests() == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_request_that_waits_is_cancelled_and_those_before_it_go_on(kind: str) -> None:
    async with office(max_concurrent=1) as here:
        first = asyncio.create_task(here.client.post("/v1/task/talk/completion", json={"prompt": "first"}))
        await here.only(state="reading")
        async with asking(here.url, kind, "talk", "second") as asker:
            async with asyncio.timeout(20):
                while len(await here.requests()) < 2:
                    pass
            await here.client.delete("/v1/requests/2")
            async with asyncio.timeout(20):
                while b"cancelled" not in await asker.reader.read(1 << 16):
                    pass
        here.gate.open()
        assert (await first).json() == {"text": "".join(WORDS)}
        assert [prompt for _, prompt in here.engine.asked] == ["first"]


async def test_a_remote_engine_raises_what_its_server_tells_and_remembers_the_part_that_was_written() -> None:
    async with office() as here, RemoteEngine(here.url) as remote, remote.session("talk") as session:
        with pytest.raises(RequestCancelled, match="request 1 was cancelled"):
            async with session.send("a", NO_OVERRIDES) as events:
                here.gate.open(2)
                await here.only(n_tokens=2)
                await here.client.delete("/v1/requests/1")
                assert [event async for event in events if isinstance(event, Token | Done)]
        assert [turn.answer for turn in session.turns] == ["w0 w1 "]
        here.gate.open()
        async with session.send("again") as events:
            assert isinstance([event async for event in events][-1], Done)


async def test_whoever_watches_hears_that_it_was_cancelled_or_that_its_client_has_left() -> None:
    async with office() as here:
        for number, words in ((1, "was cancelled by who runs the server"), (2, "is gone")):
            async with asking(here.url, "SSE", "talk", "a") as asker:
                await here.only(state="reading")
                async with here.client.stream("GET", f"/v1/requests/{number}/events") as answer:
                    events = events_of(answer.aiter_lines())
                    await anext(events)
                    if number == 1:
                        await here.client.delete("/v1/requests/1")
                    else:
                        asker.leave("rst")
                    name, told = await anext(events)
            assert (name, told["code"]) == ("failed", "request_cancelled")
            assert words in told["message"]


async def test_a_client_that_does_not_read_is_cut_off_when_its_request_is_cancelled() -> None:
    async with office(Reply(("x" * 100_000,) * 1000)) as here, asking(here.url, "SSE", "talk", "a"):
        here.gate.open()
        counts = [0]
        async with asyncio.timeout(20):
            while len(counts) < 50 or not counts[-1]:  # until no more goes out for so many answers
                n_tokens = (await here.only())["n_tokens"]
                counts = [*counts, n_tokens] if n_tokens == counts[-1] else [n_tokens]
        await here.client.delete("/v1/requests/1")
        await until(lambda: here.engine.n_running == 0)


async def test_a_watcher_that_does_not_read_holds_nobody_up() -> None:
    async with office(Reply(("x" * 10_000,) * 4000)) as here:
        asked = asyncio.create_task(here.client.post("/v1/task/talk/completion", json={"prompt": "a"}))
        await here.only(state="reading")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(here.url.rpartition(":")[2]), limit=1 << 12)
        writer.write(b"GET /v1/requests/1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"event:written")
        here.gate.open()
        assert len((await asked).json()["text"]) == 40_000_000
        writer.transport.abort()


async def test_a_watcher_is_left_behind_with_an_error_when_too_much_is_unread() -> None:
    watcher = Watcher(most_unread=3)
    for number in range(5):
        watcher.tell({"type": "token", "text": str(number)})
    assert watcher.is_left_behind
    with pytest.raises(Overloaded, match="3 events were not read in time"):
        await anext(aiter(watcher))


async def test_of_a_long_answer_only_the_end_is_kept_for_who_begins_to_watch() -> None:
    async with office(Reply(("ab",) * 5000)) as here, asking(here.url, "completion", "talk", "a"):
        here.gate.open(4999)
        await here.only(n_tokens=4999)
        async with here.client.stream("GET", "/v1/requests/1/events") as answer:
            _, first = await anext(events_of(answer.aiter_lines()))
    assert first["is_cut"]
    assert first["written"] == [{"type": "token", "text": "ab" * 4096}]


async def test_looking_is_told_in_the_log_only_when_it_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with office(allowed_keys=["key"]) as here:
        with caplog.at_level(logging.INFO, "poly_serve.middleware"):
            await here.client.get("/v1/requests", headers={"Authorization": "Bearer key"})
            await here.client.get("/v1/requests")
            await here.client.delete("/v1/requests/1", headers={"Authorization": "Bearer key"})
    told = [record.getMessage().split(" ", 1)[1] for record in caplog.records]
    assert [words.rsplit(" ", 2)[0] for words in told] == ["GET /v1/requests 401", "DELETE /v1/requests/1 404"]


async def test_while_the_server_drains_its_requests_are_still_seen() -> None:
    gate = Gate()
    engine = FakeEngine(lambda _: Reply(WORDS), tasks=[TaskInfo("talk", "m")], gate=gate)
    app = create_app(engine, Config())
    async with running(app) as url, httpx.AsyncClient(base_url=url) as client, asking(url, "SSE", "talk", "a"):
        await until(lambda: bool(app[SERVED].reports()))
        app[LIFECYCLE].begin_to_drain()
        assert (await client.post("/v1/task/talk/completion", json={"prompt": "b"})).status_code == 503
        assert len((await client.get("/v1/requests")).json()["requests"]) == 1
        assert (await client.get("/v1/stats", params={"detail": "1"})).json()["server"]["is_draining"]
        async with client.stream("GET", "/v1/requests/1/events") as answer:
            await anext(events_of(answer.aiter_lines()))
            assert app[LIFECYCLE].n_under_way == 2  # the request itself, and its place: not who watches
        gate.open()


async def test_only_who_may_use_everything_sees_requests() -> None:
    settings: dict[str, Any] = {"allowed_keys": ["key"], "jwt_private_key": {"symmetric": SECRET}}
    limited = jwt.encode({"exp": time.time() + 60, "tasks": ["talk"]}, SECRET, "HS256")
    unlimited = jwt.encode({"exp": time.time() + 60}, SECRET, "HS256")
    async with office(**settings) as here:
        for credential, status in ((limited, 403), (unlimited, 200), ("key", 200)):
            headers = {"Authorization": f"Bearer {credential}", "Accept": "application/json"}
            assert (await here.client.get("/v1/requests", headers=headers)).status_code == status


@pytest.mark.parametrize("keys", [[], ["key"]])
async def test_on_a_public_server_nobody_sees_the_requests_of_others_without_a_key(keys: list[str]) -> None:
    async with office(public=True, allowed_keys=keys) as here:
        for method, path in (("GET", ""), ("GET", "/1/events"), ("DELETE", "/1")):
            answer = await here.client.request(method, f"/v1/requests{path}", params={"detail": "1"})
            assert answer.status_code == 403
            assert "the server is public" in answer.json()["message"]
        with_key = await here.client.get("/v1/requests", headers={"Authorization": "Bearer key"})
        assert (with_key.status_code == 200) is bool(keys)


async def test_statistics_tell_how_the_server_is_to_who_may_use_everything() -> None:
    limited = jwt.encode({"exp": time.time() + 60, "tasks": ["talk"]}, SECRET, "HS256")
    async with office(allowed_keys=["key"], jwt_private_key={"symmetric": SECRET}) as here:
        here.client.headers["Authorization"] = "Bearer key"
        here.gate.open()
        await here.client.post("/v1/task/talk/completion", json={"prompt": "a"})
        answer = (await here.client.get("/v1/stats", params={"detail": "1"})).json()
        assert answer["tasks"]["talk"]["first_token_p50_s"] == 0.25
        assert answer["tasks"]["talk"]["first_token_p95_s"] == 0.25
        server = answer["server"]
        assert (server["n_requests"], server["n_errors"], server["n_tokens"]) == (1, 0, 6)
        assert server["rss_bytes"] > 1 << 20
        assert not server["is_draining"]
        again = (await here.client.get("/v1/stats", params={"detail": "1"})).json()
        assert again["server"]["n_requests"] == 1  # who looks is not counted
        plain = (await here.client.get("/v1/stats")).json()
        assert "server" not in plain
        assert "first_token_p50_s" not in plain["tasks"]["talk"]
        told = await here.client.get(
            "/v1/stats", params={"detail": "1"}, headers={"Authorization": f"Bearer {limited}"}
        )
        assert set(told.json()) == {"tasks"}
