"""Chats that come back to their session after the connection was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from poly_engine.config import Config
from poly_engine.errors import EngineClosed, EngineUnreachable, SessionNotFound
from poly_engine.types import TaskInfo, Token, Turn
from poly_serve.app import create_app
from poly_serve.client import RemoteEngine
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.sessions import SESSIONS, Sessions
from tests.engine.conversation import hear
from tests.fake_engine import FakeEngine, FakeSession, Gate
from tests.serve.conftest import running
from tests.serve.proxy import connected
from tests.serve.test_events import OPEN, PROMPT, Talk, types
from tests.serve.waiting import until


class Counted(FakeEngine):
    """Knows the sessions that it has opened."""

    sessions: tuple[FakeSession, ...] = ()

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> FakeSession:
        session = super().session(task, system=system, history=history, settings=settings)
        self.sessions += (session,)
        return session


@asynccontextmanager
async def talk(url: str, task: str = "echo", key: str = "") -> AsyncIterator[Talk]:
    path = f"ws{url[4:]}/v1/task/{task}/chat?api_key={key}"
    async with connect(path, subprotocols=[Subprotocol("poly.events.v1")], proxy=None) as socket:
        yield Talk(socket)


async def lost(app: web.Application, url: str, key: str = "") -> str:
    """The id of a session whose connection was lost after a turn."""
    async with talk(url, key=key) as client:
        await client.say(PROMPT)
        id = (await client.hear_until("done"))[0]["session"]  # noqa: A001 - as in the protocol
        client.socket.transport.abort()
        n_parked = app[SESSIONS].n_parked
        await until(lambda: app[SESSIONS].n_parked > n_parked)
    assert isinstance(id, str)
    return id


def resume(id: object, **more: object) -> dict[str, object]:  # noqa: A002 - as in the protocol
    return {"type": "open", "resume": id, **more}


async def test_who_comes_back_is_told_what_is_remembered_of_the_answer_that_was_cut_off() -> None:
    engine = Counted(gate=Gate(2))
    app = create_app(engine, Config())
    async with running(app) as url:
        async with talk(url) as client:
            await client.say(PROMPT)
            id = (await client.hear_until("token"))[0]["session"]  # noqa: A001 - as in the protocol
            await client.hear()
            client.socket.transport.abort()
            await until(lambda: engine.n_running == 0)
        engine.gate.open()
        async with talk(url) as client:
            await client.say(resume(id), PROMPT)
            frames = await client.hear_until("done")
    assert frames[0] == {"type": "opened", "session": id, "turns": 1, "answer": "You said"}
    assert frames[-1]["usage"]["prompt_tokens"] == 1 + 2 + 1
    assert len(engine.sessions) == 1


async def test_who_comes_back_may_have_turns_forgotten() -> None:
    app = create_app(FakeEngine(), Config())
    async with running(app) as url:
        id = await lost(app, url)  # noqa: A001 - as in the protocol
        async with talk(url) as client:
            await client.say(resume(id, turns=0), PROMPT)
            frames = await client.hear_until("done")
    assert frames[0] == {"type": "opened", "session": id, "turns": 0, "answer": None}
    assert frames[-1]["usage"]["prompt_tokens"] == 1


@pytest.mark.parametrize("is_known", [True, False])
async def test_what_is_not_kept_can_be_opened_with_its_history_over_the_same_socket(*, is_known: bool) -> None:
    app = create_app(FakeEngine(), Config())
    async with running(app) as url:
        id = await lost(app, url) if is_known else "some-id"  # noqa: A001 - as in the protocol
        async with talk(url) as client:
            await client.say(resume(id, turns=2), PROMPT)
            error, last = await client.hear(), await client.hear()
            assert (error["code"], last["code"], last["answer"]) == ("session_not_found", "session_not_found", None)
            await client.say({**OPEN, "history": [{"prompt": "one", "answer": "two"}]}, PROMPT)
            frames = await client.hear_until("done")
    assert types(frames).startswith("opened begun")
    assert frames[-1]["usage"]["prompt_tokens"] == 3


@pytest.mark.parametrize("code", [CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY])
async def test_who_says_goodbye_ends_the_session(code: CloseCode) -> None:
    engine = Counted()
    app = create_app(engine, Config())
    async with running(app) as url:
        async with talk(url) as client:
            await client.say(OPEN)
            id = (await client.hear())["session"]  # noqa: A001 - as in the protocol
            await client.socket.close(code)
        await until(lambda: engine.sessions[0]._is_closed)
        assert app[SESSIONS].n_parked == 0
        async with talk(url) as client:
            await client.say(resume(id))
            assert (await client.hear())["code"] == "session_not_found"


async def test_a_session_is_kept_for_its_task_and_for_the_key_that_opened_it() -> None:
    tasks = [TaskInfo("echo", "fake"), TaskInfo("other", "fake")]
    app = create_app(FakeEngine(tasks=tasks), Config.model_validate({"allowed_keys": ["one", "two"]}))
    async with running(app) as url:
        id = await lost(app, url, key="one")  # noqa: A001 - as in the protocol
        for task, key, answer in (("echo", "two", "error"), ("other", "one", "error"), ("echo", "one", "opened")):
            async with talk(url, task, key) as client:
                await client.say(resume(id))
                assert (await client.hear())["type"] == answer


async def test_who_comes_back_before_the_loss_was_noticed_takes_the_session_over() -> None:
    engine = Counted(gate=Gate(2))
    async with running(create_app(engine, Config())) as url, connected(url) as (proxy, near_url):
        async with talk(near_url) as first:
            await first.say(PROMPT)
            id = (await first.hear_until("token"))[0]["session"]  # noqa: A001 - as in the protocol
            proxy.is_mute = True
            async with talk(url) as second:
                await second.say(resume(id))
                assert (await second.hear())["turns"] == 1
                assert engine.n_running == 0
                engine.gate.open()
                await second.say(PROMPT)
                assert types(await second.hear_until("done")).startswith("begun")
            proxy.cut()
    assert len(engine.sessions) == 1


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (resume(3), "resume: has to be the id of a session"),
        (resume("a", turns=-1), "turns: has to be a number of turns"),
        (resume("a", turns=True), "turns: has to be a number of turns"),
        (resume("a", history=[]), "history: cannot be given anew to a session that is resumed"),
    ],
)
async def test_a_frame_that_makes_no_sense_ends_the_conversation(frame: dict[str, object], words: str) -> None:
    async with running(create_app(FakeEngine(), Config())) as url, talk(url) as client:
        await client.say(frame)
        assert (await client.hear())["message"] == words
        assert await client.hear_the_end() == 1008


async def test_parked_sessions_are_no_work_and_are_closed_with_the_server() -> None:
    engine = Counted()
    app = create_app(engine, Config())
    async with running(app) as url:
        await lost(app, url)
        assert app[LIFECYCLE].n_under_way == 0
        assert not engine.sessions[0]._is_closed
    assert engine.sessions[0]._is_closed
    assert app[SESSIONS].n_parked == 0


def parked(sessions: Sessions, subject: str) -> str:
    """The id of a session that was just parked."""
    session = FakeEngine().session("echo")
    kept = sessions.add(session, task="echo", subject=subject, system=None, leave=lambda: None)
    sessions.park(kept)
    return kept.id


async def is_there(sessions: Sessions, id: str, subject: str) -> bool:  # noqa: A002 - as in the protocol
    try:
        sessions.park(await sessions.resume(id, task="echo", subject=subject, leave=lambda: None))
    except SessionNotFound:
        return False
    return True


async def test_beyond_the_bounds_the_one_goes_that_was_parked_first() -> None:
    sessions = Sessions(n_most=3, n_most_of_one=2)
    ids = [(subject, parked(sessions, subject)) for subject in ("ada", "ada", "ada", "eve", "bob")]
    there = [await is_there(sessions, id, subject) for subject, id in ids]  # noqa: A001 - as in the protocol
    assert there == [False, False, True, True, True]
    await sessions.close()
    assert sessions.n_parked == 0


async def test_a_parked_session_is_closed_after_its_time() -> None:
    sessions = Sessions(parked_s=0.001)
    id = parked(sessions, "ada")  # noqa: A001 - as in the protocol
    await until(lambda: sessions.n_parked == 0)
    assert not await is_there(sessions, id, "ada")


async def test_after_the_end_nothing_is_parked() -> None:
    sessions = Sessions()
    await sessions.close()
    parked(sessions, "ada")
    assert sessions.n_parked == 0
    await sessions.close()


async def test_a_remote_session_comes_back_to_its_session_after_the_wire_broke() -> None:
    engine = Counted()
    app = create_app(engine, Config())
    async with running(app) as url, connected(url) as (proxy, near_url), RemoteEngine(near_url) as remote:
        session = remote.session("echo")
        await hear(session, "first")
        proxy.cut()
        await hear(session, "second")
        assert len(engine.sessions) == 1
        assert engine.sessions[0].turns == session.turns


async def test_a_turn_that_was_cut_off_is_reported_and_forgotten_on_both_sides() -> None:
    engine = Counted(gate=Gate(2))
    app = create_app(engine, Config())
    async with running(app) as url, connected(url) as (proxy, near_url), RemoteEngine(near_url) as remote:
        session = remote.session("echo")
        with pytest.raises(EngineUnreachable, match="was lost before all was said"):
            async with session.send("first") as events:
                async for event in events:
                    if isinstance(event, Token):
                        proxy.cut()
        engine.gate.open()
        second = await hear(session, "second")
        assert second.done.usage.prompt_tokens == 1
        assert engine.sessions[-1].turns == session.turns == (Turn("second", "You said: second"),)
        assert app[SESSIONS].n_parked == 0


async def test_a_prompt_that_a_server_does_not_begin_since_it_stops_goes_to_another_one() -> None:
    first, second = Counted(), Counted()
    apps = [create_app(first, Config()), create_app(second, Config())]
    async with running(apps[0]) as url, running(apps[1]) as other_url, connected(url) as (proxy, near_url):
        async with RemoteEngine(near_url) as remote, remote.session("echo") as session:
            await hear(session, "first")
            proxy.target = other_url
            apps[0][LIFECYCLE].begin_to_drain()
            await hear(session, "second")
            assert [prompt for _, prompt in second.asked] == ["second"]
            assert second.sessions[-1].turns == session.turns
            apps[1][LIFECYCLE].begin_to_drain()
            with pytest.raises(EngineClosed, match="shutting down"):
                await hear(session, "third")
