"""`python -m tests.bench.validity MODEL …`: answers to random schemas with random limits, and how many of them fit.

A model with random weights is the hardest case: it follows no schema by itself. Each answer has a schema of its own, or
shares one with a few; its limit is what the schema takes at least, or some tokens more.
"""

import argparse
import asyncio
from collections import Counter
from pathlib import Path
from random import Random

from poly_engine import Bias, Done, LimitTooLow, LocalEngine, Overrides, Session, Token
from poly_engine.bias.verify import fault
from poly_engine.config import Config
from tests.random_schemas import random_schema

MORE = (0, 0, 1, 3, 10, 40, 200)
AT_ONCE = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("-n", type=int, default=1000, help="answers for each model")
    parser.add_argument("--schemas", type=int, default=200)
    options = parser.parse_args()
    for path in options.models:
        counts = asyncio.run(Validity(path).run(options.n, options.schemas))
        print(f"{path.name}: {dict(counts)}")


class Validity:
    """One model and the task "t" over it."""

    def __init__(self, path: Path) -> None:
        model = {"model_path": str(path), "parallel": AT_ONCE, "context_size": 2048, "cache_size": 16384, "threads": 1}
        task = {"model": "m", "template": "none", "repeat_penalty": 1.0, "temperature": 1.5, "top_k": 0, "top_p": 1.0}
        self._engine = LocalEngine(Config.model_validate({"models": {"m": model}, "tasks": {"t": task}}))
        self._counts: Counter[str] = Counter()

    async def run(self, n_answers: int, n_schemas: int) -> Counter[str]:
        """Count answers by how they ended, the tokens, and the faults."""
        gate = asyncio.Semaphore(AT_ONCE)
        async with self._engine:
            await asyncio.gather(*(self._ask(number, number % n_schemas, gate) for number in range(n_answers)))
        return self._counts

    async def _ask(self, number: int, seed: int, gate: asyncio.Semaphore) -> None:
        bias = Bias.of_schema(random_schema(Random(seed)))
        async with gate, self._engine.session("t") as session:
            try:
                text, done = await _answer(session, bias, number, 1)
            except LimitTooLow as refusal:
                n_max = refusal.n_least + Random(number).choice(MORE)
                text, done = await _answer(session, bias, number, n_max)
        problem = fault(bias, text)
        if problem:
            print(f"  {seed}: {problem}: {text[-200:]}")
        self._counts["faults" if problem else done.finish_reason] += 1
        self._counts["tokens"] += done.usage.completion_tokens
        self._counts["forced"] += done.usage.forced_tokens


async def _answer(session: Session, bias: Bias, seed: int, n_max: int) -> tuple[str, Done]:
    async with session.send("Number: ", Overrides(seed=seed, max_tokens=n_max), schema=bias) as events:
        heard = [event async for event in events]
    done = heard[-1]
    assert isinstance(done, Done)
    return "".join(event.text for event in heard if isinstance(event, Token)), done


if __name__ == "__main__":
    main()
