"""Two engines that are scripted alike, behind a server, and the client of OpenAI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import httpx
import openai
import pytest

from poly_engine.config import Config
from poly_engine.interface import Engine
from poly_engine.local import LocalEngine
from poly_engine.types import TaskInfo
from tests.contract.script import ANSWER
from tests.fake_engine import FakeEngine, Reply
from tests.gguf_models import EMBEDDER, make, make_chains
from tests.serve.conftest import Serve

KEY = "open sesame"
SECRET = "s" * 40
CONFIG = Config.model_validate({"allowed_keys": [KEY], "jwt_private_key": {"symmetric": SECRET}})
TASKS = (TaskInfo("talk", "m", "Says what is written."), TaskInfo("both", "both"))


class Connect(Protocol):
    """Makes a client of a server, which tries nothing twice."""

    def __call__(self, url: str, key: str = KEY) -> openai.AsyncOpenAI: ...


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("openai")
    make_chains(folder / "m.gguf", {"\n": list(ANSWER)}, context_length=512)
    make(EMBEDDER, folder / "both.gguf")
    return folder


@pytest.fixture(params=["local", "fake"])
async def engine(request: pytest.FixtureRequest, model_folder: Path) -> AsyncIterator[Engine]:
    """An engine with the task "talk" over the model "m", and the model "both", which embeds, and has a task's name."""
    async with local_engine(model_folder) if request.param == "local" else fake_engine() as engine:
        yield engine


def local_engine(folder: Path) -> Engine:
    small = {"context_size": 512, "threads_per_session": 1}
    models = {name: {**small, "model_path": str(folder / f"{name}.gguf")} for name in ("m", "both")}
    talk = {"model": "m", "temperature": 0, "repeat_penalty": 1.0, "description": "Says what is written."}
    return LocalEngine(Config.model_validate({"models": models, "tasks": {"talk": talk, "both": {"model": "both"}}}))


def fake_engine() -> Engine:
    return FakeEngine(lambda _: Reply(ANSWER), tasks=TASKS, context_size=512)


@pytest.fixture
async def url(engine: Engine, serve: Serve) -> str:
    return await serve(engine, CONFIG)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        def connect(url: str, key: str = KEY) -> openai.AsyncOpenAI:
            client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=30)
            stack.push_async_callback(client.close)
            return client

        yield connect


@pytest.fixture
def client(url: str, connect: Connect) -> openai.AsyncOpenAI:
    return connect(url)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to any server with the key of CONFIG, without anything in between."""
    # That it reads no certificates makes it in 1 ms instead of 40.
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, verify=False, timeout=30) as client:
        yield client
