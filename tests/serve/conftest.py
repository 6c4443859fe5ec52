"""Servers on real sockets, over any engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import pytest
from aiohttp import web

from poly_engine.config import Config
from poly_engine.interface import Engine
from poly_serve.app import create_app
from poly_serve.deadlines import Deadlines
from poly_serve.serving import serving


class Serve(Protocol):
    """Serves an engine until the test ends, on a free port of this machine; returns the URL, without a slash."""

    async def __call__(
        self, engine: Engine, config: Config | None = None, deadlines: Deadlines | None = None
    ) -> str: ...


@asynccontextmanager
async def served(engine: Engine, config: Config, deadlines: Deadlines = Deadlines()) -> AsyncIterator[str]:  # noqa: B008 - frozen
    """A server in the block, as its URL."""
    async with running(create_app(engine, config, deadlines)) as url:
        yield url


@asynccontextmanager
async def running(app: web.Application) -> AsyncIterator[str]:
    """A server of an application in the block, as its URL."""
    async with serving(app, "127.0.0.1", 0, last_words_s=1) as site:
        yield site.url


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(engine: Engine, config: Config | None = None, deadlines: Deadlines | None = None) -> str:
            return await stack.enter_async_context(served(engine, config or Config(), deadlines or Deadlines()))

        yield start
