"""`python -m tests.bench.leaving`: how soon the place of a client that leaves is free again, and whether any is not.

Clients of all kinds leave in all ways, at a random moment: while they wait, while their prompts are read, and while
their answers are written. The server and its model are in this process, so that it can be asked who is in it.
"""

import argparse
import asyncio
import itertools
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from poly_engine.config import Config
from poly_engine.local import LocalEngine
from poly_serve.admission import ADMISSION, Admission
from poly_serve.app import create_app
from poly_serve.serving import serving
from tests.bench.shapes import SHAPES, write_model
from tests.serve.askers import KINDS, WAYS, asking

N_AT_ONCE = 4
PROMPT_TOKENS = 1500
PHASES = ("queued", "prefill", "decode")
_PATIENCE_S = 10.0


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--trials", type=int, default=540)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.gguf")
        write_model(path, SHAPES[options.shape])
        await measure(path, options.trials)


async def measure(path: Path, n_trials: int) -> None:
    """Let so many clients leave, and print how long their places were held after that."""
    task = {"model": "m", "template": "none", "temperature": 0, "repeat_penalty": 1.0, "max_tokens": 4000}
    model = {"model_path": str(path), "context_size": 8192, "cache_size": 8 * 8192, "parallel": 8}
    model["threads_per_session"] = 1  # several wait for each other in every step, however long other programs take
    config = Config.model_validate({"max_concurrent": N_AT_ONCE, "models": {"m": model}, "tasks": {"t": task}})
    async with LocalEngine(config) as engine:
        await engine.load("m")
        app = create_app(engine, config)
        async with serving(app, "127.0.0.1", 0, last_words_s=1) as site:
            trials = itertools.cycle(itertools.product(PHASES, KINDS, WAYS))
            took: dict[str, list[float]] = defaultdict(list)
            n_lost = 0
            for number, (phase, kind, way) in zip(range(n_trials), trials, strict=False):
                held_s = await _trial(site.url, app[ADMISSION], phase, kind, way, random.Random(number))
                n_lost += held_s is None
                if held_s is not None:
                    for key in (phase, kind, way, "all"):
                        took[key].append(1e3 * held_s)
    for key, times in took.items():
        cut = statistics.quantiles(times, n=100, method="inclusive")
        print(f"{key:<18} {len(times):>4} left: p50 {cut[49]:6.1f}, p99 {cut[98]:6.1f}, max {max(times):6.1f} ms")
    print(f"{n_lost} places of {n_trials} were not free after {_PATIENCE_S:g} s")


async def _trial(
    url: str, admission: Admission, phase: str, kind: str, way: str, chance: random.Random
) -> float | None:
    """How long a place is held after a client left; None if for ever."""
    n_before = N_AT_ONCE if phase == "queued" else 0
    prompt = f"t{chance.randrange(300, 4000)} " * (PROMPT_TOKENS if phase == "prefill" else 4)
    async with _crowd(url, n_before):
        await _until(lambda: admission.n_admitted == n_before)
        async with asking(url, kind, "t", prompt) as asker:
            if phase == "queued":
                await _until(lambda: admission.n_waiting == 1)
            else:
                await _until(lambda: admission.n_admitted == 1)
            await asyncio.sleep(chance.random() * {"queued": 0.02, "prefill": 0.1, "decode": 0.2}[phase])
            asker.leave(way)
            begin = time.perf_counter()
            is_free = await _until(lambda: admission.n_admitted == n_before and not admission.n_waiting)
            held_s = time.perf_counter() - begin
    await _until(lambda: not admission.n_admitted)
    return held_s if is_free else None


@asynccontextmanager
async def _crowd(url: str, n: int) -> AsyncIterator[None]:
    """So many others, whose answers are written meanwhile."""
    async with AsyncExitStack() as others:
        for _ in range(n):
            await others.enter_async_context(asking(url, "SSE", "t", "t300 t301"))
        yield


async def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.perf_counter() + _PATIENCE_S
    while not condition():
        if time.perf_counter() > deadline:
            return False
        await asyncio.sleep(0.0005)
    return True


if __name__ == "__main__":
    asyncio.run(main())
