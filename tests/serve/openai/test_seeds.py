"""Seeds of several answers to one request, over a model of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from poly_engine.config import Config
from poly_engine.local import LocalEngine
from tests.gguf_models import make
from tests.serve.conftest import Serve
from tests.serve.openai.conftest import CONFIG, Connect


@pytest.fixture
async def client(serve: Serve, connect: Connect, tmp_path: Path) -> openai.AsyncOpenAI:
    """A client of an engine with the tasks "free", and "same", which has a seed."""
    free = {"model": "m", "temperature": 1.0, "top_k": 0, "top_p": 1.0, "max_tokens": 12}
    models = {"m": {"model_path": str(make("qwen2", tmp_path / "m.gguf"))}}
    tasks = {"free": free, "same": {**free, "seed": 2**32 - 3}}
    engine = LocalEngine(Config.model_validate({"models": models, "tasks": tasks}))
    return connect(await serve(engine, CONFIG))


async def texts(client: openai.AsyncOpenAI, model: str, **settings: Any) -> list[str | None]:
    messages: Any = [{"role": "user", "content": "hello"}]
    answer = await client.chat.completions.create(model=model, messages=messages, n=3, **settings)
    return [choice.message.content for choice in answer.choices]


@pytest.mark.parametrize("seed", [7, 2**63 - 1])
async def test_each_of_several_answers_has_a_seed_of_its_own(client: openai.AsyncOpenAI, seed: int) -> None:
    first = await texts(client, "free", seed=seed)
    assert len(set(first)) == 3
    assert await texts(client, "free", seed=seed) == first


async def test_a_seed_of_the_task_is_that_of_the_first_of_several(client: openai.AsyncOpenAI) -> None:
    first = await texts(client, "same")
    assert len(set(first)) == 3
    assert await texts(client, "same") == first
    assert await texts(client, "same", seed=2**32 - 3) == first


async def test_any_seed_is_another_one_each_time(client: openai.AsyncOpenAI) -> None:
    assert await texts(client, "same", seed=-1) != await texts(client, "same", seed=-1)
