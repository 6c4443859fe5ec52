"""The engines that the contract is for, all scripted alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from poly_engine.batch.opened import MakeHost
from poly_engine.batch.process.host import ProcessHost
from poly_engine.config import Config
from poly_engine.interface import Engine
from poly_engine.local import LocalEngine
from poly_engine.types import TaskInfo
from poly_serve.client import RemoteEngine
from tests import tool_templates
from tests.contract.script import ANSWER, CONTEXT, LONG_ANSWER, PRIVATE, reply
from tests.fake_engine import FakeEngine
from tests.gguf_models import make_chains
from tests.serve.conftest import served

Make = Callable[[Path, Path], AbstractAsyncContextManager[Engine]]


@pytest.fixture(scope="session")
def chat_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = [bytes([byte]) for byte in LONG_ANSWER.encode()]
    path = tmp_path_factory.mktemp("contract") / "chat.gguf"
    return make_chains(path, {">": list(ANSWER), "#": long}, context_length=CONTEXT)


ISOLATED = ("test_leaving", "test_prompt_parts", "test_schemas", "test_turns", "test_unloading")
"""What is tried with models in processes of their own, too: all that begins, ends, or asks a vocabulary. The others
pass as well, and each would cost the start of a process.
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        is_isolated = metafunc.module.__name__.rpartition(".")[2] in ISOLATED
        metafunc.parametrize("engine", [kind for kind in KINDS if kind != "isolated" or is_isolated], indirect=True)


@pytest.fixture
async def engine(request: pytest.FixtureRequest, chat_file: Path, tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine with the tasks "talk" and "write" over the model "m", and "draw" over the model "other"; "call" over
    "m", which can call tools; and the memory "notes", which is empty.
    """
    async with KINDS[request.param](chat_file, tmp_path) as engine:
        yield engine


@pytest.fixture(params=["local", "fake"])
async def home(request: pytest.FixtureRequest, chat_file: Path, tmp_path: Path) -> AsyncIterator[Engine]:
    """As `engine`, but none that is a server."""
    async with KINDS[request.param](chat_file, tmp_path) as engine:
        yield engine


@pytest.fixture
async def remote(chat_file: Path, tmp_path: Path) -> AsyncIterator[Engine]:
    """As `engine`, of a server."""
    async with _remote(chat_file, tmp_path) as engine:
        yield engine


@asynccontextmanager
async def _remote(path: Path, folder: Path) -> AsyncIterator[Engine]:
    """The local engine, at the other end of a socket."""
    async with (
        _local(path, folder) as local,
        served(local, Config()) as url,
        RemoteEngine(url) as engine,
    ):
        yield engine


def _isolated(path: Path, folder: Path) -> Engine:
    """The local engine, with each model in a process of its own."""
    return _local(path, folder, ProcessHost)


def _local(path: Path, folder: Path, host: MakeHost | None = None) -> Engine:
    model = {"model_path": str(path), "context_size": CONTEXT, "parallel": 4, "threads_per_session": 1}
    talk = {"model": "m", "template": "none", "temperature": 0, "repeat_penalty": 1.0, "private_tokens": [PRIVATE]}
    tasks = {
        "write": talk,
        "talk": {**talk, "description": "Says what is written."},
        "draw": {"model": "other"},
        "call": {**talk, "template": tool_templates.QWEN.replace("assistant\\n", "assistant>")},
    }
    memories = {"notes": {"embedding_model": "m", "store": {"file": {"path": str(folder / "notes")}}}}
    models = {"other": model, "m": model}
    return LocalEngine(Config.model_validate({"models": models, "tasks": tasks, "memories": memories}), host)


def _fake(_path: Path, _folder: Path) -> Engine:
    talk = TaskInfo("talk", "m", "Says what is written.")
    tasks = [TaskInfo("write", "m"), talk, TaskInfo("draw", "other"), TaskInfo("call", "m")]
    return FakeEngine(reply, tasks=tasks, context_size=CONTEXT, private_tokens=[PRIVATE], memories=["notes"])


KINDS: dict[str, Make] = {"local": _local, "isolated": _isolated, "remote": _remote, "fake": _fake}
