"""`python -m tests.bench.hosts [--shape 0.5b]`: what it costs that a model lives in a process of its own.

Both hosts do the same work in turns, so that what else the machine does meets both; the ratio is what counts.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from poly_engine.batch.host import ThreadHost
from poly_engine.batch.opened import MakeHost
from poly_engine.batch.process.host import ProcessHost
from poly_engine.config import Config
from poly_engine.local import LocalEngine
from poly_engine.types import Overrides, Token
from tests.bench.shapes import SHAPES, write_model

N_STREAMS = (1, 4, 16)
_PROMPT = "The quick brown fox jumps over the lazy dog. " * 20


@dataclass
class Figures:
    """What was measured of a host, once a round."""

    load_s: list[float] = field(default_factory=list)
    tokens_per_s: dict[int, list[float]] = field(default_factory=dict)
    first_token_s: list[float] = field(default_factory=list)
    tokenize_s: list[float] = field(default_factory=list)
    cpu_s_per_token: list[float] = field(default_factory=list)
    """Of all processes together: less noisy than what a clock on the wall says."""


def config(path: Path) -> Config:
    # One thread: several spin while they wait for each other, which says nothing about a host.
    model = {"model_path": str(path), "context_size": 2048, "cache_size": 16384, "threads": 1}
    return Config.model_validate({"models": {"m": model}, "tasks": {"t": {"model": "m", "template": "none"}}})


async def write(home: LocalEngine, n_tokens: int) -> float:
    """Write an answer; return when its first token was there."""
    first = 0.0
    async with home.session("t") as session:
        async with session.send(_PROMPT, Overrides(max_tokens=n_tokens, ignore_eos=True)) as events:
            async for event in events:
                first = first or (time.perf_counter() if isinstance(event, Token) else 0.0)
    return first


async def measure(path: Path, host: MakeHost, figures: Figures, n_tokens: int) -> None:
    begin = time.perf_counter()
    async with LocalEngine(config(path), host) as home:
        await home.load("m")
        figures.load_s.append(time.perf_counter() - begin)
        await write(home, 8)
        begin = time.perf_counter()
        figures.first_token_s.append(await write(home, 8) - begin)
        for _ in range(20):
            begin = time.perf_counter()
            await home.tokenize("m", "hello")
            figures.tokenize_s.append(time.perf_counter() - begin)
        cpu_begin = cpu_s()
        for n_streams in N_STREAMS:
            begin = time.perf_counter()
            await asyncio.gather(*(write(home, n_tokens) for _ in range(n_streams)))
            speed = n_streams * n_tokens / (time.perf_counter() - begin)
            figures.tokens_per_s.setdefault(n_streams, []).append(speed)
        figures.cpu_s_per_token.append((cpu_s() - cpu_begin) / (sum(N_STREAMS) * n_tokens))


def cpu_s() -> float:
    """Seconds of CPU that this process and its children have used."""
    here = psutil.Process()
    return sum(one.cpu_times().user + one.cpu_times().system for one in (here, *here.children()))


async def compare(path: Path, n_rounds: int, n_tokens: int) -> None:
    hosts: dict[str, MakeHost] = {"thread": ThreadHost, "process": ProcessHost}
    figures = {name: Figures() for name in hosts}
    for _ in range(n_rounds):
        for name, host in hosts.items():
            await measure(path, host, figures[name], n_tokens)
    thread, process = figures["thread"], figures["process"]
    for n_streams, speeds in thread.tokens_per_s.items():
        one, other = statistics.median(speeds), statistics.median(process.tokens_per_s[n_streams])
        print(f"{n_streams:>3} streams  {one:8.1f} tok/s in a thread  {other:8.1f} in a process  {other / one:.3f} x")
    for words in ("load_s", "first_token_s", "tokenize_s", "cpu_s_per_token"):
        one, other = statistics.median(getattr(thread, words)), statistics.median(getattr(process, words))
        print(f"{words:<16} {1000 * one:8.2f} ms in a thread  {1000 * other:8.2f} ms in a process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.gguf"
        write_model(path, SHAPES[options.shape])
        asyncio.run(compare(path, options.rounds, options.tokens))


if __name__ == "__main__":
    main()
