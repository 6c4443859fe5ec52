"""Engines whose models live in processes of their own, and these processes as the system sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from poly_engine.batch.process.host import ProcessHost, Pulse
from poly_engine.local import LocalEngine
from tests.engine.conversation import Settings, config

ROOT = str(Path(__file__).parents[2])
_PROGRAM = "poly_engine.batch.process.child"
_PATIENCE_S = 30.0


def isolated(path: Path, model: Settings | None = None, *, pulse: Pulse | None = None, **task: Any) -> LocalEngine:
    """An engine with the model "m" at `path`, in a process, and the task "t" over it."""
    tasks = {"t": {"model": "m", "template": "none", **task}}
    host = ProcessHost if pulse is None else partial(ProcessHost, pulse=pulse)
    return LocalEngine(config({"m": {"model_path": str(path), **(model or {})}}, tasks), host)


def children(process: int | None = None) -> list[psutil.Process]:
    """The processes of models that a process has started, by default this one; those that are dead and were not buried
    count, too.
    """
    return [child for child in psutil.Process(process).children() if _is_of_model(child)]


def the_child() -> psutil.Process:
    """The only one of this process."""
    (child,) = children()
    return child


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    async with asyncio.timeout(_PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


def _is_of_model(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE or _PROGRAM in process.cmdline()
    except psutil.NoSuchProcess:
        return False
