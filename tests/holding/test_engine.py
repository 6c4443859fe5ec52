"""An engine with more models than its budget holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from poly_engine.batch.host import ThreadHost
from poly_engine.batch.messages import Command, Threads
from poly_engine.batch.opened import MakeHost
from poly_engine.batch.process.host import ProcessHost
from poly_engine.config import Config
from poly_engine.config.cores import usable_cores
from poly_engine.errors import EngineClosed, MemoryMismatch, ModelLoadFailed
from poly_engine.local import LocalEngine
from poly_engine.types import ModelState
from tests.engine.conversation import config, hear
from tests.gguf_models import make_chains

NAMES = ("one", "two", "three")
LONG = "x" * 200


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A model for each name, which says it, or for # something long. They are all as large."""
    folder = tmp_path_factory.mktemp("models")
    return {name: make_chains(folder / f"{name}.gguf", {">": [name], "#": list(LONG)}) for name in NAMES}


@pytest.fixture(params=[ThreadHost, ProcessHost])
def host(request: pytest.FixtureRequest) -> MakeHost:
    """Where the models live."""
    made: MakeHost = request.param
    return made


def settings(files: Mapping[str, Path], max_memory: object = None, **model: Any) -> Config:
    models = {name: {"model_path": str(path), **model} for name, path in files.items()}
    tasks = {name: {"model": name, "template": "none"} for name in files}
    made = config(models, tasks)
    return Config.model_validate({**dict(made), "max_memory": max_memory})


async def size_of_one(files: Mapping[str, Path]) -> int:
    async with LocalEngine(settings(files)) as home:
        sizes = [model.memory_bytes or 0 for model in await home.models()]
    assert min(sizes) > 0
    return max(sizes)


@asynccontextmanager
async def engine_for(
    n_models: float, files: Mapping[str, Path], host: MakeHost = ThreadHost, **model: Any
) -> AsyncIterator[LocalEngine]:
    """An engine whose budget holds so many of the models."""
    budget = int(n_models * await size_of_one(files))
    async with LocalEngine(settings(files, budget, **model), host) as home:
        yield home


async def ask(home: LocalEngine, task: str, prompt: str = ">") -> str:
    async with home.session(task) as session:
        return (await hear(session, prompt)).text


async def states(home: LocalEngine) -> dict[str, ModelState]:
    return {model.name: model.state for model in await home.models()}


async def until(home: LocalEngine, name: str, state: ModelState) -> None:
    async with asyncio.timeout(30):
        while (await states(home))[name] != state:
            pass


async def test_all_of_three_models_are_answered_by_within_a_budget_that_holds_two(
    files: Mapping[str, Path], host: MakeHost
) -> None:
    async with engine_for(2.5, files, host) as home:
        answers = await asyncio.gather(*(ask(home, name) for name in NAMES * 4))
        assert answers == list(NAMES * 4)
        assert sum(state == "loaded" for state in (await states(home)).values()) == 2


async def test_the_model_that_was_not_used_for_longest_makes_room(files: Mapping[str, Path], host: MakeHost) -> None:
    async with engine_for(2.5, files, host) as home:
        for name in ("one", "two", "one", "three"):
            assert await ask(home, name) == name
        assert await states(home) == {"one": "loaded", "two": "unloaded", "three": "loaded"}


async def test_a_model_waits_for_one_in_use_and_counts_as_loading_meanwhile(files: Mapping[str, Path]) -> None:
    async with engine_for(1.5, files) as home:
        async with home.session("one") as session, session.send("#") as events:
            await anext(events)
            waiting = asyncio.create_task(ask(home, "two"))
            await until(home, "two", "loading")
            text = [event async for event in events]
            assert await states(home) == {"one": "loaded", "two": "loading", "three": "unloaded"}
        assert await waiting == "two"
        assert len(text) > 100
        assert (await states(home))["one"] == "unloaded"


async def test_two_chats_with_models_that_do_not_fit_together_take_turns(
    files: Mapping[str, Path], host: MakeHost
) -> None:
    async with engine_for(1.5, files, host) as home, home.session("one") as one, home.session("two") as two:
        for _ in range(3):
            assert ((await hear(one, ">")).text, (await hear(two, ">")).text) == ("one", "two")
        assert len(one.turns) == len(two.turns) == 3


async def test_a_model_that_does_not_fit_alone_is_refused_in_words(files: Mapping[str, Path]) -> None:
    async with engine_for(0.5, files) as home:
        with pytest.raises(
            ModelLoadFailed, match=r"one takes about .* MB, and max_memory allows .* raise it, or lower"
        ):
            await ask(home, "one")


async def test_a_task_whose_memory_embeds_with_another_model_needs_room_for_one_at_a_time(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    budget = int(1.5 * await size_of_one(files))
    plain = settings(files, budget)
    recalling = plain.tasks["one"].model_copy(
        update={"memorization": {"memory": "notes", "store_prompts": True, "retrieve": 1}}
    )
    store = {"file": {"path": str(tmp_path / "notes")}}
    with_memory = Config.model_validate(
        {
            **dict(plain),
            "tasks": {"one": dict(recalling)},
            "memories": {"notes": {"embedding_model": "two", "store": store}},
        }
    )
    async with LocalEngine(with_memory) as home:
        for number in range(3):
            async with asyncio.timeout(30):
                assert await ask(home, "one", f"{number}>") == "one"
        assert len(await home.documents("notes")) == 3


async def test_a_memory_notices_when_its_model_comes_back_from_another_file(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(files["one"].read_bytes())
    memories = {"notes": {"embedding_model": "m", "store": {"file": {"path": str(tmp_path / "notes")}}}}
    plain = settings({"m": file}, keep_alive=0)
    async with LocalEngine(Config.model_validate({**dict(plain), "memories": memories})) as home:
        await home.ingest("notes", b"A cat.", source="cat.txt")
        await until(home, "m", "unloaded")
        assert len((await home.recall("notes", "a cat")).hits) == 1
        await until(home, "m", "unloaded")
        file.write_bytes(files["two"].read_bytes())
        with pytest.raises(EngineClosed, match="the file of the embedding model m is another one now: try again"):
            await home.recall("notes", "a cat")
        with pytest.raises(MemoryMismatch):
            await home.recall("notes", "a cat")


async def test_documents_in_a_queue_are_taken_in_while_a_chat_goes_on(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    budget = int(1.5 * await size_of_one(files))
    memories = {"notes": {"embedding_model": "two", "store": {"file": {"path": str(tmp_path / "notes")}}}}
    both = Config.model_validate({**dict(settings(files, budget)), "memories": memories})
    async with LocalEngine(both) as home, asyncio.timeout(60):
        for number in range(4):
            await home.submit("notes", f"Document number {number}.".encode(), source=f"{number}.txt")
            assert await ask(home, "one") == "one"
        await home.settle("notes")
        assert len(await home.documents("notes")) == 4


async def test_a_model_leaves_when_nobody_has_used_it_for_its_time(files: Mapping[str, Path], host: MakeHost) -> None:
    async with LocalEngine(settings(files, keep_alive=0), host) as home:
        assert await ask(home, "one") == "one"
        await until(home, "one", "unloaded")
        assert await ask(home, "one") == "one"


async def test_a_model_stays_while_it_is_in_use(files: Mapping[str, Path]) -> None:
    async with LocalEngine(settings(files, keep_alive=0)) as home:
        async with home.session("one") as session, session.send("#") as events:
            assert len([event async for event in events]) > 100
            assert (await states(home))["one"] == "loaded"
        await until(home, "one", "unloaded")


async def test_a_loaded_model_tells_for_how_long_it_is_idle_and_when_it_leaves(files: Mapping[str, Path]) -> None:
    async with LocalEngine(settings(files, keep_alive="30m")) as home:
        await home.load("one")
        one, _, two = await home.models()
        assert one.idle_s is not None
        assert one.expires_in_s is not None
        assert one.idle_s + one.expires_in_s == pytest.approx(1800, abs=1)
        assert (two.idle_s, two.expires_in_s) == (None, None)


async def test_another_time_to_stay_and_another_budget_leave_a_loaded_model_where_it_is(
    files: Mapping[str, Path],
) -> None:
    async with LocalEngine(settings(files, keep_alive="forever")) as home:
        async with home.session("one") as session, session.send("#") as events:
            await anext(events)
            await home.load("two")
            await home.reconfigure(settings(files, 1, keep_alive="1h"))
            assert len([event async for event in events]) > 100
            await until(home, "two", "unloaded")
            assert (await states(home))["one"] == "loaded"
        await until(home, "one", "unloaded")  # nobody uses it any more, and it is above the budget
        await home.reconfigure(settings(files, None, keep_alive="1h"))
        assert await ask(home, "one") == "one"
        one = (await home.models())[0]
        assert (one.expires_in_s or 0) > 3500
        await home.reconfigure(settings(files, None, keep_alive=0))
        await until(home, "one", "unloaded")


class NotingHost(ThreadHost):
    """Notes how many threads each model was told to compute with."""

    told: ClassVar[list[tuple[str, int]]] = []

    def send(self, command: Command) -> None:
        if isinstance(command, Threads):
            NotingHost.told.append((self._spec.header.path.stem, command.n))
        super().send(command)


async def test_models_that_work_at_the_same_time_share_the_cores(files: Mapping[str, Path]) -> None:
    half = max(1, usable_cores() // 2)
    async with LocalEngine(settings(files, threads_per_session=64), NotingHost) as home:
        await home.load("one")
        await home.load("two")
        NotingHost.told.clear()
        async with home.session("one") as one, one.send("#") as events:
            await anext(events)
            assert await ask(home, "two") == "two"
            assert len([event async for event in events]) > 100
    assert NotingHost.told[:2] in ([("one", half), ("two", half)], [("two", half), ("one", half)])
    assert ("one", 64) in NotingHost.told[2:]


async def test_an_engine_is_closed_while_somebody_waits_for_room(files: Mapping[str, Path]) -> None:
    async with engine_for(1.5, files) as home:
        async with home.session("one") as session, session.send("#") as events:
            await anext(events)
            waiting = [asyncio.create_task(ask(home, name)) for name in ("two", "three")]
            await until(home, "two", "loading")
            await until(home, "three", "loading")
            await home.close()
            results = await asyncio.gather(*waiting, return_exceptions=True)
            with pytest.raises(EngineClosed):
                [event async for event in events]
        assert [type(result) for result in results] == [EngineClosed, EngineClosed]


async def test_who_leaves_while_waiting_for_room_sends_no_model_away(files: Mapping[str, Path]) -> None:
    async with engine_for(1.5, files) as home:
        async with home.session("one") as session, session.send("#") as events:
            await anext(events)
            waiting = asyncio.create_task(ask(home, "two"))
            await until(home, "two", "loading")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert await ask(home, "one") == "one"
        assert (await states(home))["one"] == "loaded"
