"""`poly serve` as a process: where it binds, how it stops, and how it takes a new configuration."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from poly_tui.cli import poly
from tests.gguf_models import make_scripted
from tests.serve.askers import Asker, asking

ROOT = Path(__file__).parents[2]


LAST_WORDS = {
    "WebSocket, texts": b"the engine was shut down",
    "WebSocket, events": b'"code":"engine_closed"',
    "SSE": b"event:failed",
    "completion": b"503",
    "OpenAI, stream": b'"code":"engine_closed"',
    "OpenAI, whole": b"503",
}
"""What is said in each way of asking when the server stops in the middle of an answer."""


async def everything(asker: Asker) -> bytes:
    """All that somebody is told, until the server closes the connection."""
    with suppress(ConnectionError):
        return await asker.reader.read()
    return b""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    process: asyncio.subprocess.Process
    url: str
    config: Path

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def line(self, words: str) -> str:
        """The next line of its log that holds some words."""
        assert self.process.stderr is not None
        while line := (await self.process.stderr.readline()).decode():
            if words in line:
                return line
        raise AssertionError(f"the server ended, and did not say: {words}")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of a task that goes on writing until its context is full."""
    make_scripted(tmp_path / "m.gguf", "la " * 1300, context_length=4096)
    path = tmp_path / "poly.toml"
    path.write_text(
        f'[models.m]\nmodel_path = "{tmp_path / "m.gguf"}"\nthreads = 1\ncontext_size = 4096\n'
        '[tasks.t]\nmodel = "m"\ntemplate = "none"\ntemperature = 0\nrepeat_penalty = 1.0\nmax_tokens = 3\n'
        f'[memories.notes]\nembedding_model = "m"\nstore = {{ file = {{ path = "{tmp_path / "notes"}" }} }}\n'
    )
    return path


@asynccontextmanager
async def served(config: Path, *arguments: str) -> AsyncIterator[Served]:
    command = (sys.executable, "-m", "poly_tui", "--config", str(config), "serve", "--bind", "127.0.0.1:0", *arguments)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(config.parent)}
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, env=environment)
    server = Served(process, "", config)
    try:
        line = await server.line("serving at ")
        yield Served(process, line.split()[-1], config)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_answers_and_ends_well_when_it_is_told_to_stop(config: Path) -> None:
    async with served(config) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/status")).text == '{"status":"ok"}'
        answer = await client.get("/v1/task/t/completion", params={"prompt": ">"})
        assert answer.json() == {"text": "la "}
        taken = await client.put("/v1/memory/notes", content=b"A cat sleeps.", headers={"Content-Type": "text/plain"})
        assert (taken.status_code, taken.text) == (200, "{}")
        server.signal(signal.SIGTERM)
        assert await server.process.wait() == 0


async def test_a_new_configuration_is_taken_and_a_wrong_one_is_not(config: Path) -> None:
    async with served(config) as server, httpx.AsyncClient(base_url=server.url) as client:
        right = config.read_text()
        config.write_text(f'allowed_keys = ["key"]\n{right}[tasks.u]\nmodel = "m"\n')
        server.signal(signal.SIGHUP)
        await server.line("was read anew")
        assert (await client.get("/v1/task")).status_code == 401
        tasks = await client.get("/v1/task", headers={"Authorization": "Bearer key"})
        assert tasks.json() == {"tasks": ["t", "u"]}
        config.write_text("nonsense")
        server.signal(signal.SIGHUP)
        await server.line("stays as it was")
        assert (await client.get("/v1/task", headers={"Authorization": "Bearer key"})).status_code == 200


async def test_what_is_under_way_comes_to_its_end_when_it_stops(config: Path) -> None:
    config.write_text(config.read_text().replace("max_tokens = 3", "max_tokens = 300"))
    async with served(config) as server, httpx.AsyncClient(base_url=server.url) as client:
        async with client.stream("GET", "/v1/task/t/live", params={"prompt": ">"}) as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            server.signal(signal.SIGTERM)
            n_tokens = len([line async for line in lines if line.startswith("data:")])
        assert n_tokens == 300
        assert await server.process.wait() == 0


async def test_a_second_signal_ends_it_at_once(config: Path) -> None:
    config.write_text(config.read_text().replace("max_tokens = 3", "max_tokens = 4000"))
    async with served(config) as server, httpx.AsyncClient(base_url=server.url) as client:
        async with client.stream("GET", "/v1/task/t/live", params={"prompt": ">"}) as answer:
            await anext(answer.aiter_lines())
            server.signal(signal.SIGTERM)
            await server.line("draining")
            server.signal(signal.SIGTERM)
            assert await server.process.wait() == 1


async def test_what_does_not_come_to_its_end_is_told_so_in_every_way(config: Path) -> None:
    config.write_text(config.read_text().replace("max_tokens = 3", "max_tokens = 4000"))
    async with served(config, "--grace", "0.2") as server, AsyncExitStack() as askers:
        asking_now = {kind: await askers.enter_async_context(asking(server.url, kind, "t", ">")) for kind in LAST_WORDS}
        async with asyncio.timeout(30):
            await asyncio.gather(*(asking_now[kind].reader.readexactly(1) for kind in LAST_WORDS if "S" in kind))
            server.signal(signal.SIGTERM)
            told = dict(zip(asking_now, await asyncio.gather(*map(everything, asking_now.values())), strict=True))
            assert await server.process.wait() == 0
    assert {kind: words for kind, words in LAST_WORDS.items() if words not in told[kind]} == {}


async def test_an_upload_that_is_under_way_comes_to_its_end_when_it_stops(config: Path) -> None:
    async with served(config) as server, httpx.AsyncClient(base_url=server.url) as client:
        is_told = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b"A cat "
            await is_told.wait()
            yield b"sleeps."

        headers = {"Content-Type": "text/plain"}
        putting = asyncio.create_task(client.put("/v1/memory/notes?wait=false", content=slowly(), headers=headers))
        await asyncio.gather(*[client.get("/status") for _ in range(3)])  # so that it has begun
        server.signal(signal.SIGTERM)
        await server.line("draining: 1")
        is_told.set()
        assert (await putting).status_code == 200
        assert await server.process.wait() == 0


async def test_what_was_accepted_and_not_taken_in_is_taken_in_by_the_next_one(config: Path) -> None:
    text = " ".join(map(str, range(20_000)))
    async with served(config, "--grace", "0") as server, httpx.AsyncClient(base_url=server.url) as client:
        for source in ("a", "b"):
            query = {"wait": "false", "source": source, "detail": "1"}
            assert (await client.put("/v1/memory/notes", params=query, content=text)).status_code == 200
        server.signal(signal.SIGTERM)
        assert await server.process.wait() == 0
    async with served(config) as server, httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        while 'poly_ingest_backlog{memory="notes"' not in (await client.get("/metrics")).text:
            await server.line("/metrics")  # nobody asks for the memory, and it is opened all the same
        await client.post("/v1/memory/notes/settle")
        documents = (await client.get("/v1/memory/notes/documents")).json()["documents"]
    assert {one["source"] for one in documents} == {"a", "b"}


async def test_no_key_gets_into_the_log(config: Path) -> None:
    async with served(config) as server, httpx.AsyncClient(base_url=server.url) as client:
        await client.get("/v1/task", params={"api_key": "canary-secret", "prompt": "canary-prompt"})
        line = await server.line("/v1/task")
    assert "canary" not in line


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_an_address_that_others_reach_is_refused_without_a_key(config: Path, address: str) -> None:
    result = CliRunner().invoke(poly, ["--config", str(config), "serve", "--bind", address])
    assert result.exit_code == 2
    assert "no key is needed" in result.stderr
