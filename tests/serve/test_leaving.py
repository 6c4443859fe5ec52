"""Whoever leaves, in whatever way, gives up the place, whatever was asked for and however far it is."""

from __future__ import annotations

import asyncio

import pytest

from poly_engine.config import Config
from poly_engine.types import TaskInfo
from poly_serve.admission import ADMISSION, Admission
from poly_serve.app import create_app
from poly_serve.deadlines import Deadlines
from poly_serve.serving import serving
from tests.fake_engine import FakeEngine, Gate, Reply
from tests.serve.askers import KINDS, WAYS, asking
from tests.serve.waiting import until

TASKS = (TaskInfo("echo", "fake"),)


def is_free(admission: Admission, engine: FakeEngine) -> bool:
    return not admission.n_admitted and not admission.n_waiting and not engine.n_running


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_tokens", [0, 3], ids=["before the first token", "between tokens"])
async def test_who_leaves_an_answer_gives_up_the_place(kind: str, way: str, n_tokens: int) -> None:
    engine = FakeEngine(lambda _: Reply(("la ",) * 100), tasks=TASKS, gate=Gate(n_tokens))
    app = create_app(engine, Config())
    async with serving(app, "127.0.0.1", 0, last_words_s=1) as site, asking(site.url, kind, "echo", "sing") as asker:
        await until(lambda: engine.n_running == 1)
        asker.leave(way)
        await until(lambda: is_free(app[ADMISSION], engine))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
async def test_who_leaves_while_waiting_gives_up_the_place(kind: str, way: str) -> None:
    engine = FakeEngine(tasks=TASKS, gate=Gate(0))
    app = create_app(engine, Config(max_concurrent=1))
    admission = app[ADMISSION]
    async with serving(app, "127.0.0.1", 0, last_words_s=1) as site, asking(site.url, "SSE", "echo", "first") as first:
        await until(lambda: engine.n_running == 1)
        async with asking(site.url, kind, "echo", "second") as second:
            await until(lambda: admission.n_waiting == 1)
            second.leave(way)
            await until(lambda: not admission.n_waiting)
        first.leave("fin")
        await until(lambda: is_free(admission, engine))
    assert [prompt for _, prompt in engine.asked] == ["first"]


@pytest.mark.parametrize("kind", KINDS)
async def test_who_does_not_read_is_not_waited_for(kind: str) -> None:
    engine = FakeEngine(lambda _: Reply(("la " * 50_000,) * 100), tasks=TASKS)
    deadlines = Deadlines(reading_s=0.1, least_bytes_per_s=1 << 30)
    app = create_app(engine, Config(), deadlines)
    async with serving(app, "127.0.0.1", 0, last_words_s=1) as site, asking(site.url, kind, "echo", "sing"):
        await until(lambda: bool(engine.asked) and is_free(app[ADMISSION], engine))


async def test_a_place_that_is_given_up_goes_to_who_waits() -> None:
    engine = FakeEngine(lambda _: Reply(("la ",)), tasks=TASKS, gate=Gate(0))
    app = create_app(engine, Config(max_concurrent=1))
    async with serving(app, "127.0.0.1", 0, last_words_s=1) as site:
        async with asking(site.url, "OpenAI, stream", "echo", "first") as first:
            await until(lambda: engine.n_running == 1)
            async with asking(site.url, "completion", "echo", "second") as second:
                await until(lambda: app[ADMISSION].n_waiting == 1)
                first.leave("rst")
                engine.gate.open()
                async with asyncio.timeout(20):
                    assert b" 200 " in await second.reader.readline()
