"""The process of a model dies in every way there is: its requests end with an error, everything else goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from poly_engine.batch.deaths import Deaths, Patience
from poly_engine.batch.process.host import ProcessHost, Pulse
from poly_engine.errors import EngineClosed, EngineFailed, ModelLoadFailed
from poly_engine.interface import Session
from poly_engine.local import LocalEngine
from poly_engine.types import Token, Turn
from tests.engine.conversation import Settings, config, hear
from tests.engine.isolated import ROOT, children, isolated, the_child, until
from tests.gguf_models import make_chain, make_chains

QUICK = Pulse(interval_s=0.1, n_missed=3, n_missed_at_start=600)
LONG = {"context_size": 8192, "cache_size": 16384}


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says "yes" after ">", and after "#" goes on for longer than any test takes."""
    path = tmp_path_factory.mktemp("talker") / "m.gguf"
    return make_chains(path, {">": ["yes"], "#": [b"l", b"a"] * 4000}, context_length=8192)


async def failing(session: Session, started: asyncio.Queue[None]) -> tuple[float, str]:
    """Listen to an answer, say of each token that it came, and return when and why it failed."""
    try:
        async with session.send("#") as events:
            async for event in events:
                if isinstance(event, Token):
                    started.put_nowait(None)
    except EngineFailed as error:
        return time.monotonic(), str(error)
    finally:
        started.put_nowait(None)
    raise AssertionError("the answer came to its end")


async def streams(home: LocalEngine, n: int) -> list[asyncio.Task[tuple[float, str]]]:
    """Answers that are being written."""
    queues: list[asyncio.Queue[None]] = [asyncio.Queue() for _ in range(n)]
    tasks = [asyncio.create_task(failing(home.session("t"), started)) for started in queues]
    await asyncio.gather(*(started.get() for started in queues))
    return tasks


async def kill(home: LocalEngine) -> None:
    """Kill the process of the model, and wait until the engine knows."""
    the_child().kill()
    await until(lambda: home._served["m"].state == "failed")


async def answer(home: LocalEngine) -> str:
    async with home.session("t") as session:
        return (await hear(session, ">")).text


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
async def test_all_streams_of_a_model_that_dies_fail_within_a_second_and_it_serves_again(
    number: signal.Signals, talker: Path
) -> None:
    async with isolated(talker, {"parallel": 8, **LONG}) as home:
        listening = await streams(home, 8)
        killed = time.monotonic()
        the_child().send_signal(number)
        ended = await asyncio.gather(*listening)
        assert max(when for when, _ in ended) - killed < 1.0
        assert all(f"the process of the model was ended by {number.name}" in why for _, why in ended)
        assert await answer(home) == "yes"
        assert (await home.models())[0].state == "loaded"
    assert children() == []


async def test_a_session_goes_on_after_its_model_died_between_two_turns(talker: Path) -> None:
    async with isolated(talker) as home, home.session("t") as session:
        await hear(session, "one>")
        await kill(home)
        assert (await hear(session, "two>")).text == "yes"
        assert session.turns == (Turn("one>", "yes"), Turn("two>", "yes"))


async def test_a_model_that_died_tells_of_what_until_it_is_there_again(talker: Path) -> None:
    async with isolated(talker) as home:
        await home.load("m")
        await kill(home)
        model = (await home.models())[0]
        assert model.state == "failed"
        assert "ended by SIGKILL" in (model.problem or "")
        assert (await home.load("m")).problem is None


async def test_who_waits_for_tokens_of_a_model_that_dies_is_told(talker: Path) -> None:
    async with isolated(talker) as home:
        await home.load("m")
        the_child().suspend()
        waiting = [asyncio.create_task(home.tokenize("m", "a")), asyncio.create_task(home.embed("m", ["a"]))]
        await asyncio.sleep(0)
        the_child().kill()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in told] == [EngineFailed, EngineFailed]
        assert "ended by SIGKILL (Killed), as the system does when memory runs out" in str(told[0])


async def test_other_models_go_on_when_one_dies(talker: Path, tmp_path: Path) -> None:
    other = make_chain(tmp_path / "o.gguf", ["no"])
    models: dict[str, Settings] = {"m": {"model_path": str(talker), **LONG}, "other": {"model_path": str(other)}}
    tasks = {name: {"model": model, "template": "none"} for name, model in {"t": "m", "u": "other"}.items()}
    async with LocalEngine(config(models, tasks), ProcessHost) as home:
        (listening,) = await streams(home, 1)
        dying = the_child()
        async with home.session("u") as session:
            assert (await hear(session, ">")).text == "no"
            dying.kill()
            await listening
            assert (await hear(session, ">")).text == "no"
            assert [model.state for model in await home.models()] == ["failed", "loaded"]
            assert "ended by SIGKILL" in ((await home.models())[0].problem or "")


async def test_other_models_go_on_while_one_does_not_answer(talker: Path, tmp_path: Path) -> None:
    other = make_chain(tmp_path / "o.gguf", ["no"])
    models: dict[str, Settings] = {"m": {"model_path": str(talker)}, "other": {"model_path": str(other)}}
    async with LocalEngine(config(models, {"u": {"model": "other", "template": "none"}}), ProcessHost) as home:
        await home.load("m")
        stopped = the_child()
        stopped.suspend()
        waiting = [asyncio.create_task(home.tokenize("m", "a")) for _ in range(50)]
        async with home.session("u") as session:
            assert (await hear(session, ">")).text == "no"
        assert not any(task.done() for task in waiting)
        stopped.resume()
        assert {tokens[0].text for tokens in await asyncio.gather(*waiting)} == {"a"}


async def test_a_process_that_dies_while_it_loads_is_an_error_that_says_so(talker: Path) -> None:
    async with isolated(talker) as home:
        loading = asyncio.create_task(home.load("m"))
        await until(lambda: bool(children()))
        the_child().kill()
        with pytest.raises(
            ModelLoadFailed, match=r"m\.gguf cannot be loaded: the process of the model was ended by SIG"
        ):
            await loading
        assert (await home.models())[0].state == "failed"
        assert (await home.load("m")).state == "loaded"


async def test_a_process_that_is_stopped_is_ended_and_its_requests_fail(talker: Path) -> None:
    async with isolated(talker, LONG, pulse=QUICK) as home:
        (listening,) = await streams(home, 1)
        the_child().suspend()
        _, why = await listening
        assert why == "the process of the model did not answer for 0.3 s, and was ended"
        assert await answer(home) == "yes"


async def test_a_worker_that_gets_no_further_is_ended_though_its_process_answers(talker: Path) -> None:
    async with isolated(
        talker, LONG, pulse=Pulse(0.01, n_missed=6000, n_missed_at_start=6000, longest_step_s=0.0)
    ) as home:
        (listening,) = await streams(home, 1)
        _, why = await listening
        assert "the model was at the same step for" in why


async def test_an_engine_closes_at_once_though_a_model_does_not_answer(talker: Path) -> None:
    async with isolated(talker) as home:
        await home.load("m")
        the_child().suspend()
        turn = asyncio.create_task(answer(home))
        await asyncio.sleep(0)
    with pytest.raises(EngineClosed):
        await turn
    assert children() == []


async def test_a_model_that_dies_again_and_again_is_left_alone_for_a_while(talker: Path) -> None:
    async with isolated(talker) as home:
        await home.load("m")
        patience = Patience(first_pause_s=0.01, n_most=3, refusal_s=0.5)
        home._served["m"]._deaths = Deaths(patience)
        for _ in range(3):
            await home.load("m")
            await kill(home)
        with pytest.raises(
            ModelLoadFailed, match=r"died 3 times within 10 minutes, and is tried again in \d+ s; .*KILL"
        ):
            await home.load("m")
        (model,) = await home.models()
        assert (model.state, list(await home.refusals())) == ("failed", ["m"])
        assert "it died 3 times within 10 minutes" in (model.problem or "")
        await until(lambda: not home._served["m"].refusal)
        assert await answer(home) == "yes"
        assert await home.refusals() == {}


async def test_a_memory_survives_the_death_of_its_model(talker: Path, tmp_path: Path) -> None:
    settings = {
        "models": {"m": {"model_path": str(talker), "context_size": 256, "threads": 1}},
        "memories": {"notes": {"embedding_model": "m", "store": {"file": {"path": str(tmp_path / "notes")}}}},
    }
    async with LocalEngine(config({}).model_validate(settings), ProcessHost) as home:
        await home.ingest("notes", b"A cat sleeps.", source="a.txt")
        await kill(home)
        await home.ingest("notes", b"A dog barks.", source="b.txt")
        assert (await home.recall("notes", "A dog")).hits[0].source == "b.txt"


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.engine.isolated import isolated, the_child

async def main():
    async with isolated(Path(sys.argv[1])) as home:
        await home.load("m")
        print(the_child().pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "is_stopped",
    [
        False,
        pytest.param(
            True, marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end what is stopped")
        ),
    ],
)
async def test_no_process_is_left_when_its_parent_is_killed(is_stopped: bool, talker: Path) -> None:  # noqa: FBT001
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        str(talker),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    if is_stopped:
        child.suspend()
    parent.kill()
    await parent.communicate()
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


async def test_ctrl_c_and_what_stops_a_service_are_for_the_parent_alone(talker: Path) -> None:
    async with isolated(talker) as home:
        await home.load("m")
        child = the_child().pid
        assert os.getsid(child) == os.getpgid(child) == child
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(child, number)
        assert await answer(home) == "yes"
        assert the_child().pid == child
