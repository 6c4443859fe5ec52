"""Servers of OpenAI's protocol as processes, over tiny models: that of llama-cpp-python, and our own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
KEY = "open-sesame"


@asynccontextmanager
async def llama_cpp_server(model: Path, *arguments: str, n_ctx: int = 2048) -> AsyncIterator[str]:
    """The server of llama-cpp-python in the block, as its URL; it wants KEY, and calls its model "tiny"."""
    port = _free_port()
    settings = ("--model", str(model), "--model_alias", "tiny", "--n_ctx", str(n_ctx), "--n_threads", "1")
    command = (sys.executable, "-W", "ignore", "-m", "llama_cpp.server", *settings, "--port", str(port))
    async with _process(*command, "--api_key", KEY, *arguments) as process:
        url = f"http://127.0.0.1:{port}/v1"
        await _answers(process, f"{url}/models")
        yield url


@asynccontextmanager
async def poly_server(config: Path) -> AsyncIterator[str]:
    """`poly serve` in the block, as its URL."""
    port = _free_port()
    command = (sys.executable, "-m", "poly_tui", "--config", str(config), "serve", "--bind", f"127.0.0.1:{port}")
    async with _process(*command) as process:
        url = f"http://127.0.0.1:{port}/v1"
        await _answers(process, f"{url}/models")
        yield url


@asynccontextmanager
async def _process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(process: asyncio.subprocess.Process, url: str) -> None:
    """Wait until a server answers, whatever that is."""
    async with httpx.AsyncClient() as client:
        while True:
            assert process.returncode is None, "the server ended"
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
