"""`python -m tests.bench.ingest --model FILE`: how much of the speed of the bare embedding loop taking in keeps.

The bare loop embeds the same chunks with the same model, in the same process, one after the other of the same rounds:
the texts are ready, nothing is read, cut or stored.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from pydoc_data.topics import topics

from poly_engine.config import Config
from poly_engine.local import LocalEngine

AS_IT_IS: Mapping[str, object] = {"pre_filter": [], "post_filter": []}
"""What is embedded are the texts of the chunks, so that both embed the same."""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file that computes embeddings")
    parser.add_argument("--documents", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    documents = dict(sorted(topics.items(), key=lambda topic: -len(topic[1]))[: options.documents])
    ratios = [await _measure(str(options.model.absolute()), options.threads, documents) for _ in range(options.rounds)]
    print(f"taking in is {statistics.median(ratios):.3f} of the bare loop (median of {len(ratios)})")


async def _measure(model: str, threads: int, documents: dict[str, str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "models": {"m": {"model_path": model, "threads": threads}},
            "memories": {"notes": {"embedding_model": "m", "store": {"file": {"path": folder}}, **AS_IT_IS}},
        }
        async with LocalEngine(Config.model_validate(config)) as engine:
            await engine.embed("m", ["warm up"])
            await engine.documents("notes")
            begin = time.perf_counter()
            await asyncio.gather(*(_take_in(engine, name, text) for name, text in documents.items()))
            taken_s = time.perf_counter() - begin
            chunks = [one.text for name in documents for one in await engine.chunks("notes", name)]
            begin = time.perf_counter()
            await engine.embed("m", chunks)
            bare_s = time.perf_counter() - begin
    print(f"{len(chunks)} chunks: taken in {len(chunks) / taken_s:.1f}/s, bare {len(chunks) / bare_s:.1f}/s")
    return bare_s / taken_s


async def _take_in(engine: LocalEngine, name: str, text: str) -> None:
    await engine.ingest("notes", text.encode(), source=name, media_type="text/plain")


if __name__ == "__main__":
    asyncio.run(main())
