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


class Serve(Protocol):
    """Serves an engine until the test ends, on a free port of this machine; returns the URL, without a slash."""

    async def __call__(self, engine: Engine, config: Config | None = None) -> str: ...


@asynccontextmanager
async def served(engine: Engine, config: Config) -> AsyncIterator[str]:
    """A server in the block, as its URL."""
    async with running(create_app(engine, config)) as url:
        yield url


@asynccontextmanager
async def running(app: web.Application) -> AsyncIterator[str]:
    """A server of an application in the block, as its URL."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(engine: Engine, config: Config | None = None) -> str:
            return await stack.enter_async_context(served(engine, config or Config()))

        yield start
