"""Answers bound to a schema: how fast they come against free ones, against llama-server, and what the masks cost."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from poly_engine import Done, Engine, Overrides
from tests.bench.house import Clock
from tests.bench.llama_server import LlamaServer

SCHEMA = {
    "type": "object",
    "properties": {
        "make": {"type": "string", "maxLength": 12},
        "model_name": {"type": "string", "maxLength": 12},
        "year_of_manufacture": {"type": "integer", "minimum": 1950, "maximum": 2030},
        "is_electric": {"type": "boolean"},
        "fuel_type": {"enum": ["petrol", "diesel", "electric", "hydrogen"]},
        "previous_owner_names": {
            "type": "array",
            "items": {"type": "string", "maxLength": 8},
            "minItems": 2,
            "maxItems": 3,
        },
    },
    "required": ["make", "model_name", "year_of_manufacture", "is_electric", "fuel_type", "previous_owner_names"],
    "additionalProperties": False,
}
STREAMS = (1, 4)
LONGEST = 500
"""Tokens; llama-server lets a model write as much white space as it likes."""


@dataclass(frozen=True)
class Written:
    """What some streams wrote at once: objects that came to their end, tokens in all, and the seconds it took."""

    n_objects: int
    n_tokens: int
    seconds: float
    n_forced: int = 0

    @property
    def tokens_per_s(self) -> float:
        return self.n_tokens / self.seconds

    @property
    def objects_per_s(self) -> float:
        return self.n_objects / self.seconds


async def figures(
    engine: Engine, server: LlamaServer | None, clock: Clock, *, n_rounds: int, n_free: int
) -> dict[str, float]:
    """The figures by name. The subjects take turns in every round; free answers are of `n_free` tokens."""
    found: dict[str, float] = {}
    await _ours(engine, ["warm up"], "bound", 0)
    for n_streams in STREAMS:
        clock.masks_s = clock.steps_s = 0.0
        rounds: dict[str, list[Written]] = {}
        for i in range(n_rounds):
            prompts = [f"A car, number {i * n_streams + stream}: " for stream in range(n_streams)]
            rounds.setdefault("free", []).append(await _ours(engine, prompts, "raw", i, n_free))
            rounds.setdefault("bound", []).append(await _ours(engine, prompts, "bound", i))
            if server is not None:
                rounds.setdefault("server", []).append(await asyncio.to_thread(_theirs, server, prompts, i))
        name = f"schema {n_streams}"
        found[f"{name} free"] = _median(rounds["free"], lambda written: written.tokens_per_s)
        found[f"{name} bound"] = _median(rounds["bound"], lambda written: written.tokens_per_s)
        found[f"{name} ratio to free"] = found[f"{name} bound"] / found[f"{name} free"]
        found[f"{name} share of forced tokens"] = _share(rounds["bound"])
        found[f"{name} share of a step for masks"] = clock.masks_s / clock.steps_s
        if server is not None:
            pairs = list(zip(rounds["bound"], rounds["server"], strict=True))
            found[f"{name} llama-server"] = _median(rounds["server"], lambda written: written.tokens_per_s)
            found[f"{name} tokens, ratio to llama-server"] = statistics.median(
                ours.tokens_per_s / theirs.tokens_per_s for ours, theirs in pairs
            )
            found[f"{name} objects, ratio to llama-server"] = statistics.median(
                ours.objects_per_s / max(theirs.objects_per_s, 1e-9) for ours, theirs in pairs
            )
    return found


async def _ours(engine: Engine, prompts: Sequence[str], task: str, seed: int, n_tokens: int = LONGEST) -> Written:
    async def write(prompt: str) -> Done:
        async with engine.session(task) as session:
            async with session.send(prompt, Overrides(seed=seed, max_tokens=n_tokens)) as events:
                return [event async for event in events if isinstance(event, Done)][-1]

    begin = time.perf_counter()
    done = await asyncio.gather(*map(write, prompts))
    seconds = time.perf_counter() - begin
    n_objects = sum(its.finish_reason == "stop" for its in done)
    n_forced = sum(its.usage.forced_tokens for its in done)
    return Written(n_objects, sum(its.usage.completion_tokens for its in done), seconds, n_forced)


def _theirs(server: LlamaServer, prompts: Sequence[str], seed: int) -> Written:
    settings = {"json_schema": SCHEMA, "seed": seed, "temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0}
    begin = time.perf_counter()
    with ThreadPoolExecutor(len(prompts)) as pool:
        answers = list(pool.map(lambda prompt: server.complete(prompt, LONGEST, **settings), prompts))
    seconds = time.perf_counter() - begin
    return Written(sum(_is_json(a["content"]) for a in answers), sum(a["tokens_predicted"] for a in answers), seconds)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _median(rounds: Sequence[Written], figure: Callable[[Written], float]) -> float:
    return statistics.median(map(figure, rounds))


def _share(rounds: Sequence[Written]) -> float:
    return sum(written.n_forced for written in rounds) / sum(written.n_tokens for written in rounds)
