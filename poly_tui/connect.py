"""Where the verbs get their configuration and their engine from."""

import importlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poly_engine import Engine, MemoryInfo, ModelInfo, TaskInfo, TaskNotFound
from poly_engine.errors import ConfigError, EngineFailed
from poly_engine.places import data_dir
from poly_tui.backend import Backend
from poly_tui.settings import Settings

if TYPE_CHECKING:  # as below
    from poly_engine.batch.opened import MakeHost
    from poly_engine.config import Config, LoadedConfig

__all__ = [
    "backend",
    "chats_file",
    "configuration",
    "engine",
    "find_configuration",
    "find_task",
    "load_client",
    "memories",
    "models",
    "process_host",
    "task_settings",
    "tasks",
]

_log = logging.getLogger(__name__)


def configuration(settings: Settings) -> "LoadedConfig":
    """Read the configuration that is in effect. Raises ConfigError, whose problems begin with the path of the file, and
    where a server does the work, which does not tell its own.
    """
    if settings.url is not None:
        words = "does not tell how it is configured: ask on the machine where it runs, without --connect"
        raise ConfigError([f"{settings.url} {words}"])
    from poly_engine.config import load  # pydantic, 150 ms that the terminal interface has no time for at first

    path = find_configuration(settings)
    try:
        loaded = load(path)
    except ConfigError as error:
        raise ConfigError([_located(problem, path) for problem in error.problems]) from error
    for note in loaded.notes:
        _log.info("%s", note)
    return loaded


def find_configuration(settings: Settings) -> Path | None:
    """The file of the configuration that is in effect, None if it is the built-in one. Raises ConfigError."""
    from poly_engine.config import find  # as above

    return find(settings.config_file, os.environ, _working_directory())


def load_client(settings: Settings) -> None:
    """Load what is needed to reach a server, if one does the work."""
    if settings.url is not None:
        # httpx has a command line of its own, which nobody calls here: rich and pygments for it cost 100 ms
        sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # what is None there is not imported
        importlib.import_module("poly_serve.client")  # httpx and pydantic, 150 ms


def engine(settings: Settings, *, isolated: bool = False) -> Engine:
    """An engine for the configuration that is in effect, or that of a server, to be entered with `async with`. It runs
    models in this process, or if `isolated` each in one of its own: for who goes on when one crashes, and not for who
    asks once and would wait 0.4 s longer.

    Raises ConfigError, or EngineFailed if llama.cpp is not properly installed.
    """
    if settings.url is not None:
        load_client(settings)
        from poly_serve.client import RemoteEngine  # as above

        return RemoteEngine(settings.url, settings.key)
    loaded = configuration(settings)
    from poly_engine.local import LocalEngine  # numpy, 130 ms too much for a broken configuration

    host = process_host() if isolated else _thread_host()
    return LocalEngine(loaded.config, host, folder=loaded.path and loaded.path.parent)


def process_host() -> "MakeHost":
    """What has each model live in a process of its own."""
    from poly_engine.batch.process.host import ProcessHost  # as above

    return ProcessHost


def _thread_host() -> "MakeHost":
    try:
        from poly_engine.batch.host import ThreadHost  # llama.cpp, 200 ms
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineFailed(f"llama.cpp cannot be loaded: {error}; poly doctor knows more") from error
    return ThreadHost


def backend(settings: Settings) -> Backend:
    """What the terminal interface stands on. Nothing is opened or read yet."""
    return Backend(_Source(settings), url=settings.url, key=settings.key)


class _Source:
    """The engine and the configuration that the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open_engine(self) -> Engine:
        return engine(self._settings, isolated=True)

    def find_config(self) -> Path | None:
        return find_configuration(self._settings)

    def read_config(self) -> "Config":
        return configuration(self._settings).config


def chats_file() -> Path:
    """Where chats are kept, whatever server does the work."""
    return data_dir() / "chats.db"


async def tasks(settings: Settings) -> Sequence[TaskInfo]:
    """The tasks that there are. For those of this machine no library is loaded. Raises ConfigError."""
    if settings.url is None:
        config = configuration(settings).config
        return [TaskInfo(name, task.model, task.description) for name, task in config.tasks.items()]
    async with engine(settings) as remote:
        return await remote.tasks()


async def task_settings(settings: Settings, task: str) -> Mapping[str, object]:
    """The settings of a task that are in effect, as `tasks`. Raises TaskNotFound, too."""
    if settings.url is None:
        tasks = configuration(settings).config.tasks
        if task not in tasks:
            raise TaskNotFound(task, tasks)
        return tasks[task].in_effect
    async with engine(settings) as remote:
        return await remote.settings(task)


async def models(settings: Settings) -> Sequence[ModelInfo]:
    """The models that there are, as `tasks`; of those of this machine no file is looked at."""
    if settings.url is None:
        config = configuration(settings).config
        return [
            ModelInfo(name, model.place, "unloaded", is_remote=model.is_remote) for name, model in config.models.items()
        ]
    async with engine(settings) as remote:
        return await remote.models()


async def memories(settings: Settings) -> Sequence[MemoryInfo]:
    """The memories that there are, as `tasks`."""
    if settings.url is None:
        config = configuration(settings).config
        return [MemoryInfo(name, memory.embedding_model) for name, memory in sorted(config.memories.items())]
    async with engine(settings) as remote:
        return await remote.memories()


async def find_task(engine: Engine, name: str | None) -> TaskInfo:
    """The task of that name, or the first one there is. Raises TaskNotFound, or ConfigError if there is none at all."""
    tasks = {task.name: task for task in await engine.tasks()}
    if not tasks:
        raise ConfigError(["no task is configured: there is nothing to talk to"])
    if name is None:
        return next(iter(tasks.values()))
    if name not in tasks:
        raise TaskNotFound(name, tasks)
    return tasks[name]


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError(["the working directory does not exist any more: change to another one"]) from error


def _located(problem: str, path: Path | None) -> str:
    return problem if path is None or problem.startswith(str(path)) else f"{path}: {problem}"
