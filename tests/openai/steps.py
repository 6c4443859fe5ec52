"""What the tests of models of servers have in common: an engine over one, and sessions with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from poly_engine.config import Config
from poly_engine.interface import Session
from poly_engine.local import LocalEngine


def engine(url: str, model: dict[str, Any] | None = None, **task: Any) -> LocalEngine:
    """An engine with the model "m" of a server and the task "t" over it."""
    models = {"m": {"engine": "openai", "url": url, **(model or {})}}
    return LocalEngine(Config.model_validate({"models": models, "tasks": {"t": {"model": "m", **task}}}))


@asynccontextmanager
async def opened(url: str, model: dict[str, Any] | None = None, **task: Any) -> AsyncIterator[Session]:
    """A session with an engine of its own."""
    async with engine(url, model, **task) as home, home.session("t") as session:
        yield session
