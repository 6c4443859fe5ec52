"""What `poly doctor` looks at: one finding for each thing."""

import os
import platform
import re
import sys
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version

import psutil

from poly_engine import ConfigError, PolyError, __version__
from poly_engine.config import ModelConfig
from poly_engine.config.cores import usable_cores
from poly_engine.gpu import NO_SUPPORT, REMEDY
from poly_engine.places import data_dir
from poly_tui import connect
from poly_tui.commands.listing import Bytes, Count
from poly_tui.commands.model_files import look_at
from poly_tui.settings import Settings

__all__ = ["Finding", "State", "examine"]

_REINSTALL = "pip install --force-reinstall --no-cache-dir llama-cpp-python"
_GPU_BUILD = f"{REMEDY} builds it for CUDA; the README of llama-cpp-python names the others"


class State(Enum):
    """How well a thing is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, how it is, and how to mend it."""

    state: State
    subject: str
    text: str
    hint: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything that Poly needs, one thing after the other."""
    yield Finding(State.OK, "poly", f"{__version__}, on Python {platform.python_version()} ({sys.executable})")
    obstacle = yield from _library()
    yield from _machine()
    yield from _configuration(settings, obstacle)
    yield _data_folder()


def _library() -> Generator[Finding, None, str]:
    """Return why it cannot use a GPU; "" if it can."""
    try:
        from poly_engine.llama import library  # this may fail, and then it is what we want to know
    except (ImportError, OSError, RuntimeError) as error:
        yield Finding(State.BROKEN, "llama.cpp", f"cannot be loaded: {error}", f"{_REINSTALL} builds it anew")
        return NO_SUPPORT
    features = _joined(re.findall(r"(\w+) = 1", library.system_info()))
    yield Finding(State.OK, "llama.cpp", f"llama-cpp-python {version('llama-cpp-python')}, built for {features}")
    obstacle = library.gpu_obstacle()
    text = f"cannot be used: {obstacle}" if obstacle else "is computed on where use_gpu is set"
    yield Finding(State.OK, "gpu", text, _GPU_BUILD if obstacle == NO_SUPPORT else "")
    return obstacle


def _machine() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    yield Finding(State.OK, "cores", f"{usable_cores()} to compute on, {os.cpu_count()} in all")
    yield Finding(State.OK, "memory", f"{Bytes(memory.available)} available of {Bytes(memory.total)}")


def _configuration(settings: Settings, obstacle: str) -> Iterator[Finding]:
    try:
        loaded = connect.configuration(settings)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(State.BROKEN, "config", problem)
        return
    if loaded.path is None:
        yield Finding(State.OK, "config", "the built-in one", "poly config init writes one to begin with")
    else:
        yield Finding(State.OK, "config", str(loaded.path))
    for note in loaded.notes:
        yield Finding(State.WARNING, "config", note)
    budget_bytes = loaded.config.memory_budget_bytes
    for name, model in loaded.config.models.items():
        yield _model(name, model, budget_bytes, obstacle)
    yield _tasks(loaded.config.tasks)


def _model(name: str, model: ModelConfig, budget_bytes: int | None, obstacle: str) -> Finding:
    subject = f"model {name}"
    if model.is_remote:
        return _remote_model(name, model)
    file = look_at(model, budget_bytes)
    if model.is_to_be_pulled:
        return Finding(State.OK, subject, f"is fetched from {file.location} when it is first used")
    if file.header is None or file.memory_bytes is None:
        return Finding(State.BROKEN, subject, file.problem or "", "mend model_path in the configuration, or the file")
    text = (
        f"{file.header.architecture}, {Count(file.header.n_params)} parameters, {Bytes(file.header.size_bytes)}; "
        f"takes about {Bytes(file.memory_bytes)} of memory"
    )
    hint = "set a smaller context_size or cache_size"
    if budget_bytes is not None and file.memory_bytes > budget_bytes:
        text = f"{text}, and max_memory allows {Bytes(budget_bytes)} for all models together"
        return Finding(State.BROKEN, subject, text, f"raise max_memory, or {hint}")
    if not file.fits:
        return Finding(State.WARNING, subject, f"{text}, which is not available", hint)
    if not model.wants_gpu:
        return Finding(State.OK, subject, text)
    if model.require_gpu and obstacle:
        return Finding(State.BROKEN, subject, f"{text}; require_gpu is set, and {obstacle}", _GPU_BUILD)
    if obstacle:
        return Finding(State.WARNING, subject, f"{text}; use_gpu is set in vain: {obstacle}", _GPU_BUILD)
    n = file.header.n_layers
    n_on_gpu = min(model.gpu_layers, n) if isinstance(model.gpu_layers, int) else n
    return Finding(State.OK, subject, f"{text}; {n_on_gpu} of {n} layers on the GPU")


def _remote_model(name: str, config: ModelConfig) -> Finding:
    """Ask the server whether it has the model."""
    import asyncio  # 200 ms with HTTP, which only models of servers cost

    from poly_engine.openai.model import RemoteModel

    async def look() -> str:
        model = RemoteModel(name, config)
        try:
            return await model.load()
        finally:
            await model.close()

    try:
        known_as = asyncio.run(look())
    except PolyError as error:
        return Finding(
            State.BROKEN, f"model {name}", str(error), "mend url, remote_model or the key, or start the server"
        )
    return Finding(State.OK, f"model {name}", f"{known_as}, of the server at {config.place}, which answers")


def _tasks(tasks: Iterable[str]) -> Finding:
    names = _joined(tasks)
    if names:
        return Finding(State.OK, "tasks", names)
    return Finding(State.WARNING, "tasks", "there is none", "add a [tasks.NAME] to the configuration")


def _data_folder() -> Finding:
    folder = data_dir()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK):
        return Finding(State.OK, "data", f"{folder}{'' if existing == folder else ', which is not there yet'}")
    return Finding(State.WARNING, "data", f"{existing} cannot be written to", "set POLY_DATA_DIR to a folder that can")


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names)
