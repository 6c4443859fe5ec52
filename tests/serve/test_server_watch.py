"""A server over the wire, as who runs it sees it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import jwt
import pytest

from poly_engine.config import Config
from poly_engine.errors import EngineUnreachable, Forbidden, RequestCancelled, RequestNotFound, Unauthorized
from poly_engine.types import Done, TaskInfo, Token
from poly_serve.app import create_app
from poly_serve.client import RemoteEngine
from poly_serve.client.watch import ServerWatch
from poly_serve.reports import RequestReport, SoFar, Written
from poly_serve.serving import serving
from tests.fake_engine import FakeEngine, Gate, Reply
from tests.serve.conftest import Serve, served

WORDS = ("one ", "two ", "three ")


def scripted(gate: Gate) -> FakeEngine:
    return FakeEngine(lambda _: Reply(WORDS), tasks=[TaskInfo("talk", "m")], gate=gate)


@dataclass
class Asked:
    """Somebody whose request is under way."""

    task: asyncio.Task[None]

    @classmethod
    def at(cls, url: str) -> Asked:
        async def ask() -> None:
            async with RemoteEngine(url) as engine, engine.session("talk") as session, session.send("a") as events:
                assert [event async for event in events]

        return cls(asyncio.create_task(ask()))


async def first(watch: ServerWatch, n_tokens: int) -> RequestReport:
    async with asyncio.timeout(20):
        while not (found := [one for one in await watch.requests() if one.n_tokens == n_tokens]):
            pass
    return found[0]


async def test_it_tells_how_the_server_and_its_tasks_are(serve: Serve) -> None:
    gate = Gate(3)
    url = await serve(scripted(gate))
    await Asked.at(url).task
    watch = ServerWatch(url)
    assert await watch.is_there()
    server, (task,) = await watch.report()
    assert (task.name, task.cycles, task.predict_tokens, task.first_token_p95_s) == ("talk", 1, 3, 0.25)
    assert task.tokens_per_s == pytest.approx(50)
    assert task.prompt_tokens_per_s == pytest.approx(4)
    assert (server.n_tokens, server.n_waiting, server.n_admitted) == (3, 0, 0)
    await watch.close()


async def test_a_request_is_watched_from_what_was_written_to_its_end(serve: Serve) -> None:
    gate = Gate(1)
    url = await serve(scripted(gate))
    watch = ServerWatch(url)
    asked = Asked.at(url)
    request = await first(watch, 1)
    async with watch.watch(request.number) as events:
        so_far = await anext(events)
        assert isinstance(so_far, SoFar)
        assert so_far.written == (Written("token", "one "),)
        gate.open()
        rest = [event async for event in events]
    assert [event.text for event in rest if isinstance(event, Token)] == ["two ", "three "]
    assert isinstance(rest[-1], Done)
    await asked.task
    await watch.close()


async def test_who_watches_a_request_that_is_cancelled_is_told_what_its_client_is(serve: Serve) -> None:
    gate = Gate(1)
    url = await serve(scripted(gate))
    watch = ServerWatch(url)
    asked = Asked.at(url)
    request = await first(watch, 1)
    with pytest.raises(RequestCancelled):
        async with watch.watch(request.number) as events:
            await watch.cancel(request.number)
            assert [event async for event in events]
    with pytest.raises(RequestCancelled):
        await asked.task
    with pytest.raises(RequestNotFound):
        await watch.cancel(request.number)
    with pytest.raises(RequestNotFound):
        async with watch.watch(request.number):
            pass
    await watch.close()


async def test_what_a_key_does_not_allow_is_said(serve: Serve) -> None:
    url = await serve(scripted(Gate()), Config.model_validate({"public": True, "allowed_keys": ["key"]}))
    for key, kind in ((None, Forbidden), ("wrong", Unauthorized)):
        watch = ServerWatch(url, key)
        with pytest.raises(kind):
            await watch.requests()
        await watch.close()


async def test_a_token_for_some_tasks_does_not_tell_how_the_server_is(serve: Serve) -> None:
    secret = "s" * 40
    url = await serve(scripted(Gate()), Config.model_validate({"jwt_private_key": {"symmetric": secret}}))
    watch = ServerWatch(url, jwt.encode({"exp": time.time() + 60, "tasks": ["talk"]}, secret, "HS256"))
    for asked in (watch.report(), watch.requests()):
        with pytest.raises(Forbidden, match="for some things only"):
            await asked
    await watch.close()


async def test_a_server_that_was_away_is_found_again() -> None:
    async with served(scripted(Gate()), Config()) as url:
        port = int(url.rpartition(":")[2])
    watch = ServerWatch(url)
    with pytest.raises(EngineUnreachable):
        await watch.requests()
    assert not await watch.is_there()
    async with serving(create_app(scripted(Gate()), Config()), "127.0.0.1", port, last_words_s=1):
        assert await watch.requests() == []
    await watch.close()
