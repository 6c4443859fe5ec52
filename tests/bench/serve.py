"""`python -m tests.bench.serve`: what the server costs, and how it stands up to crowds, in a process of its own.

Figures: tokens per second through HTTP against the engine at hand at 1, 4 and 16 streams; how 1,000 requests at once
are answered; what 1,000 idle chats cost; and how soon a slot is free again when a client leaves, in every way that
there is (`tests.bench.leaving`).
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from poly_engine import Overrides, Token
from poly_engine.config import load
from poly_engine.local import LocalEngine
from tests.bench import leaving
from tests.bench.shapes import SHAPES, write_model

N_TOKENS = 128
N_LEAVING = 540
PROMPT = "t1 t2 t3"
CONFIG = """
bind_address = "127.0.0.1:0"
max_concurrent = 16
[models.m]
model_path = "{path}"
context_size = 1024
cache_size = 32768
parallel = 16
[tasks.t]
model = "m"
template = "none"
temperature = 0
repeat_penalty = 1.0
max_tokens = {n_tokens}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running `poly serve`."""

    url: str
    process: psutil.Process


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.gguf")
        write_model(path, SHAPES[options.shape])
        config = Path(folder, "poly.toml")
        config.write_text(CONFIG.format(path=path, n_tokens=N_TOKENS))
        async with served(config) as server, aiohttp.ClientSession(server.url, connector=_connector()) as client:
            await live(client)  # loads the model
            await _compare(config, client, options.rounds)
            await _crowd(client, server)
            await _idle(client, server)
            await _leave(client)
        await leaving.measure(path, N_LEAVING)


@asynccontextmanager
async def served(config: Path) -> AsyncIterator[Server]:
    """`poly serve` in a process of its own."""
    command = (sys.executable, "-m", "poly_tui", "--config", str(config), "serve")
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        while b"serving at" not in (line := await process.stderr.readline()):
            pass
        draining = asyncio.create_task(process.stderr.read())  # or it would stop when the pipe is full
        yield Server(line.split()[-1].decode(), psutil.Process(process.pid))
        draining.cancel()
    finally:
        process.kill()
        await process.wait()


def _connector() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=0)


async def live(client: aiohttp.ClientSession) -> int:
    """The tokens of one answer."""
    async with client.get("/v1/task/t/live", params={"prompt": PROMPT}) as answer:
        answer.raise_for_status()
        return sum([1 async for line in answer.content if line.startswith(b"data:")])


async def _compare(config: Path, client: aiohttp.ClientSession, n_rounds: int) -> None:
    for n_streams in (1, 4, 16):
        over_http, ratios = 0.0, []
        for _ in range(n_rounds):
            begin = time.perf_counter()
            await asyncio.gather(*(live(client) for _ in range(n_streams)))
            over_http = n_streams * N_TOKENS / (time.perf_counter() - begin)
            ratios.append(over_http / await at_hand(config, n_streams, N_TOKENS))
        ratio = statistics.median(ratios)
        print(f"{n_streams:>2} streams: HTTP {over_http:7.1f} tok/s, {ratio:.3f} of the engine at hand")


async def at_hand(config: Path, n_streams: int, n_tokens: int) -> float:
    """Tokens per second of so many streams at once, by an engine in this process."""
    async with LocalEngine(load(config).config) as engine:
        await engine.load("m")
        await _answer(engine, n_tokens)
        begin = time.perf_counter()
        await asyncio.gather(*(_answer(engine, n_tokens) for _ in range(n_streams)))
        return n_streams * n_tokens / (time.perf_counter() - begin)


async def _answer(engine: LocalEngine, n_tokens: int) -> None:
    overrides = Overrides(max_tokens=n_tokens, ignore_eos=True)
    async with engine.session("t") as session, session.send(PROMPT, overrides) as events:
        async for event in events:
            isinstance(event, Token)


async def _crowd(client: aiohttp.ClientSession, server: Server) -> None:
    before = server.process.memory_info().rss

    async def ask() -> tuple[int, float]:
        begin = time.perf_counter()
        async with client.get("/v1/task/t/completion", params={"prompt": PROMPT}) as answer:
            await answer.read()
            return answer.status, time.perf_counter() - begin

    answers = await asyncio.gather(*(ask() for _ in range(1000)))
    refused = [took for status, took in answers if status == 503]
    n_answered = sum(status == 200 for status, _ in answers)
    grown = (server.process.memory_info().rss - before) / 1e6
    print(
        f"1,000 at once: {n_answered} answered, {len(refused)} refused, {1000 - n_answered - len(refused)} else; "
        f"refusals {spread(refused)}; memory + {grown:.1f} MB"
    )


async def _idle(client: aiohttp.ClientSession, server: Server) -> None:
    before = server.process.memory_info().rss
    sockets = await asyncio.gather(*(client.ws_connect("/v1/task/t/chat") for _ in range(1000)))
    server.process.cpu_percent()
    await asyncio.sleep(5)
    share = server.process.cpu_percent()
    print(f"1,000 idle chats: {(server.process.memory_info().rss - before) / 1e6:.1f} MB, {share:.1f} % of a core")
    await asyncio.gather(*(socket.close() for socket in sockets))


async def _leave(client: aiohttp.ClientSession) -> None:
    """How long a request waits for the slot of one that left, beyond what it takes alone."""
    alone = min([await _first_token(client) for _ in range(10)])
    waits = []
    for number in range(60):
        leaving = [asyncio.create_task(live(client)) for _ in range(16)]
        await asyncio.sleep(random.Random(number).random() / 10)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        waits.append(max(0.0, await _first_token(client) - alone))
    print(f"a slot after 16 clients left: {spread(waits)}")


async def _first_token(client: aiohttp.ClientSession) -> float:
    begin = time.perf_counter()
    async with client.get("/v1/task/t/live", params={"prompt": PROMPT}) as answer:
        await answer.content.readline()
        return time.perf_counter() - begin


def spread(seconds: list[float]) -> str:
    """The median, the 99th percentile and the largest of some times."""
    if len(seconds) < 2:
        return "none"
    percentiles = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {1e3 * percentiles[49]:.1f} ms, p99 {1e3 * percentiles[98]:.1f} ms, most {1e3 * max(seconds):.1f} ms"


if __name__ == "__main__":
    asyncio.run(main())
