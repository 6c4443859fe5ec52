"""`python -m tests.bench.busy --embedder FILE`: how soon a server says that it is well while it has its hands full.

Sixteen streams are written, one after the other each, and documents are taken in, all the time; /status is asked for
twenty times a second.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from pathlib import Path
from pydoc_data.topics import topics

import aiohttp

from tests.bench.serve import CONFIG, N_TOKENS, live, served, spread
from tests.bench.shapes import SHAPES, write_model

N_STREAMS = 16
EVERY_S = 1 / 20
EMBEDDING = """
[models.e]
model_path = "{embedder}"
threads = 1
[memories.notes]
embedding_model = "e"
store = {{ file = {{ path = "{folder}/notes" }} }}
"""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedder", type=Path, required=True, help="a GGUF file that computes embeddings")
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, config = Path(folder, "m.gguf"), Path(folder, "poly.toml")
        write_model(path, SHAPES[options.shape])
        text = CONFIG.format(path=path, n_tokens=N_TOKENS)
        config.write_text(text + EMBEDDING.format(embedder=options.embedder.absolute(), folder=folder))
        connector = aiohttp.TCPConnector(limit=0)
        async with served(config) as server, aiohttp.ClientSession(server.url, connector=connector) as client:
            await live(client)
            await _take_in(client, 0)
            await _measure(client, options.seconds)


async def _measure(client: aiohttp.ClientSession, seconds: float) -> None:
    counts = {"answers": 0, "documents": 0}

    async def write() -> None:
        while True:
            await live(client)
            counts["answers"] += 1

    async def read() -> None:
        for number in itertools.count(1):
            await _take_in(client, number)
            counts["documents"] += 1

    busy = [asyncio.create_task(work) for work in (*(write() for _ in range(N_STREAMS)), read())]
    times = await _status_times(client, seconds)
    for task in busy:
        task.cancel()
    failed = [result for result in await asyncio.gather(*busy, return_exceptions=True) if isinstance(result, Exception)]
    done = ", ".join(f"{n} {what}" for what, n in counts.items())
    print(f"/status beside {N_STREAMS} streams and an ingest: {spread(times)} of {len(times)}")
    print(f"meanwhile {done}, {len(failed)} failures")


async def _status_times(client: aiohttp.ClientSession, seconds: float) -> list[float]:
    times = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        async with client.get("/status") as answer:
            await answer.read()
        times.append(time.perf_counter() - begin)
        await asyncio.sleep(max(0.0, EVERY_S - times[-1]))
    return times


async def _take_in(client: aiohttp.ClientSession, number: int) -> None:
    """One of the texts on Python, changed a little each time, so that it is new."""
    name = sorted(topics)[number % len(topics)]
    text = f"Edition {number}.\n\n{topics[name]}"
    headers = {"Content-Type": "text/plain"}
    async with client.put("/v1/memory/notes", params={"source": name}, data=text.encode(), headers=headers) as answer:
        answer.raise_for_status()


if __name__ == "__main__":
    asyncio.run(main())
