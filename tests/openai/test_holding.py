"""Models of servers beside models of this machine, which are held within a budget of memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from poly_engine.config import Config
from poly_engine.errors import EngineClosed
from poly_engine.local import LocalEngine
from tests.engine.conversation import config, hear
from tests.gguf_models import make_chains
from tests.openai.misbehaving import json_answer, openai_server, saying

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A model for each name, which says it. They are as large."""
    folder = tmp_path_factory.mktemp("models")
    return {name: make_chains(folder / f"{name}.gguf", {">": [name]}) for name in NAMES}


def settings(files: Mapping[str, Path], url: str, **more: Any) -> Config:
    """The models of this machine, "far" of a server, and a task over each, of the same name."""
    models: dict[str, dict[str, Any]] = {name: {"model_path": str(path)} for name, path in files.items()}
    tasks: dict[str, dict[str, Any]] = {name: {"model": name, "template": "none"} for name in files}
    plain = config(models, tasks)
    far = Config.model_validate(
        {"models": {"far": {"engine": "openai", "url": url, "server": "poly"}}, "tasks": {"far": {"model": "far"}}}
    )
    both = {"models": {**plain.models, **far.models}, "tasks": {**plain.tasks, **far.tasks}}
    return Config.model_validate({**both, **more})


async def budget_for_one(files: Mapping[str, Path]) -> int:
    async with LocalEngine(settings(files, "http://127.0.0.1:1/v1")) as home:
        sizes = [model.memory_bytes for model in await home.models() if model.memory_bytes]
    return int(1.5 * max(sizes))


async def test_a_model_of_a_server_answers_while_another_one_fills_the_budget(files: Mapping[str, Path]) -> None:
    async with openai_server(saying("far")) as server:
        both = settings(files, server.url, max_memory=await budget_for_one(files))
        async with LocalEngine(both) as home, home.session("one") as here, here.send(">") as events:
            await anext(events)
            async with home.session("far") as there:
                assert (await hear(there, "hello")).text == "far"
            described = {model.name: model for model in await home.models()}
    assert [described[name].state for name in ("far", "one", "two")] == ["loaded", "loaded", "unloaded"]
    assert described["far"].is_remote
    assert (described["far"].memory_bytes, described["far"].expires_in_s) == (None, None)
    assert (described["one"].is_remote, described["one"].device) == (False, "cpu")


async def test_a_task_of_a_server_reads_a_memory_whose_model_waits_for_room(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    notes = {"embedding_model": "two", "store": {"file": {"path": str(tmp_path / "notes")}}}
    async with openai_server(saying("far")) as server:
        budget = await budget_for_one(files)
        plain = settings(files, server.url, max_memory=budget, memories={"notes": notes})
        memorization = {"memory": "notes", "retrieve": 1, "store_prompts": True}
        far = {"model": "far", "memorization": memorization}
        both = Config.model_validate({**dict(plain), "tasks": {**plain.tasks, "far": far}})
        async with LocalEngine(both) as home, asyncio.timeout(60):
            await home.ingest("notes", b"A cat.", source="cat.txt")
            async with home.session("one") as here, home.session("far") as there:
                for number in range(3):
                    assert (await hear(here, ">")).text == "one"
                    assert (await hear(there, f"a cat {number}")).text == "far"
            assert len(await home.documents("notes")) == 4
    assert "A cat." in str(server.asked[0]["messages"])


async def test_a_task_of_this_machine_reads_a_memory_that_a_server_embeds_for(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    notes = {"embedding_model": "far", "store": {"file": {"path": str(tmp_path / "notes")}}}
    async with openai_server(json_answer({"data": [{"index": 0, "embedding": [3.0, 4.0]}]})) as server:
        plain = settings(files, server.url, max_memory=await budget_for_one(files), memories={"notes": notes})
        memorization = {"memory": "notes", "retrieve": 1, "store_prompts": True}
        one = {**dict(plain.tasks["one"]), "memorization": memorization}
        both = Config.model_validate({**dict(plain), "tasks": {**plain.tasks, "one": one}})
        async with LocalEngine(both) as home, asyncio.timeout(60):
            await home.ingest("notes", b"A cat.", source="cat.txt")
            async with home.session("one") as session:
                assert (await hear(session, ">")).text == "one"
            assert len(await home.documents("notes")) == 2
    assert {tuple(asked["input"]) for asked in server.asked} >= {("A cat.",), (">",)}


async def test_a_session_ends_when_its_model_goes_to_a_server(files: Mapping[str, Path]) -> None:
    async with openai_server(saying("far")) as server:
        async with LocalEngine(settings(files, server.url)) as home, home.session("one") as session:
            assert (await hear(session, ">")).text == "one"
            moved = settings(files, server.url)
            models = {**moved.models, "one": moved.models["far"]}
            await home.reconfigure(Config.model_validate({**dict(moved), "models": models}))
            with pytest.raises(EngineClosed, match="one was configured anew, and a server has it now: open another"):
                await hear(session, ">")
            async with home.session("one") as other:
                assert (await hear(other, ">")).text == "far"


async def test_a_model_of_a_server_is_kept_when_only_the_time_of_another_changes(files: Mapping[str, Path]) -> None:
    async with openai_server(saying("far")) as server:
        async with LocalEngine(settings(files, server.url)) as home, home.session("far") as session:
            await hear(session, "hello")
            await home.reconfigure(settings(files, server.url, max_memory="100%"))
            await hear(session, "and now?")
            assert server.paths.count("/v1/models") == 1
