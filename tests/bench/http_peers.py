"""`LLAMA_SERVER=… python -m tests.bench.http_peers`: tokens per second through HTTP, against llama-server's.

Both serve the same file, are asked the same over the same route of OpenAI's, and are streamed from by the same client,
in turns. Besides, how much of the engine at hand the server keeps.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.bench.llama_server import LlamaServer
from tests.bench.serve import CONFIG, PROMPT, at_hand, served
from tests.bench.shapes import SHAPES, write_model

N_TOKENS = 64
N_PARALLEL = 16
CONTEXT = 1024


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="0.5b")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    binary = os.environ.get("LLAMA_SERVER")
    if binary is None:
        parser.error("LLAMA_SERVER has to name the binary of a llama-server")
    with tempfile.TemporaryDirectory() as folder:
        path, config = Path(folder, "m.gguf"), Path(folder, "poly.toml")
        write_model(path, SHAPES[options.shape])
        config.write_text(CONFIG.format(path=path, n_tokens=N_TOKENS))
        n_threads = os.cpu_count() or 1
        context = CONTEXT * N_PARALLEL
        peer = LlamaServer(binary, path, n_parallel=N_PARALLEL, context_size=context, n_threads=n_threads)
        async with served(config) as server:
            with peer:
                await _compare(config, server.url, peer.url, options.rounds)


async def _compare(config: Path, ours: str, theirs: str, n_rounds: int) -> None:
    for url in (ours, theirs):
        await _speed(url, 1)  # loads the model
    for n_streams in (1, 4, 16):
        kept, ratios, speed = [], [], 0.0
        for _ in range(n_rounds):
            speed = await _speed(ours, n_streams)
            ratios.append(speed / await _speed(theirs, n_streams))
            kept.append(speed / await at_hand(config, n_streams, N_TOKENS))
        print(
            f"{n_streams:>2} streams: {speed:6.1f} tok/s, {statistics.median(ratios):.3f} of llama-server's "
            f"({', '.join(f'{one:.2f}' for one in ratios)}), {statistics.median(kept):.3f} of the engine at hand "
            f"({', '.join(f'{one:.2f}' for one in kept)})"
        )


async def _speed(url: str, n_streams: int) -> float:
    """Tokens per second of so many streams at once, from the first request to the last token."""
    async with aiohttp.ClientSession(url) as client:
        begin = time.perf_counter()
        counts = await asyncio.gather(*(_stream(client) for _ in range(n_streams)))
        seconds = time.perf_counter() - begin
    assert counts == [N_TOKENS] * n_streams, counts
    return n_streams * N_TOKENS / seconds


async def _stream(client: aiohttp.ClientSession) -> int:
    """The tokens of one answer."""
    body = {"model": "t", "prompt": PROMPT, "max_tokens": N_TOKENS, "temperature": 0, "ignore_eos": True}
    usage = {"stream": True, "stream_options": {"include_usage": True}}
    async with client.post("/v1/completions", json=body | usage) as answer:
        answer.raise_for_status()
        chunks = [line async for line in answer.content if line.startswith(b"data: {")]
    count: int = json.loads(chunks[-1][6:])["usage"]["completion_tokens"]
    return count


if __name__ == "__main__":
    asyncio.run(main())
