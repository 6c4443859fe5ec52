"""How fast a model is: prompts of one length read and answers of one length written, some rounds, and their medians."""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from poly_engine.errors import InvalidRequest, ModelLoadFailed
from poly_engine.interface import Engine
from poly_engine.models.gguf import read_header
from poly_engine.overrides import Overrides
from poly_engine.types import Done, ModelInfo, Progress, Token

__all__ = ["BenchProgress", "BenchResult", "Plan", "bench", "bench_embedding", "plan_for"]

N_ROUNDS = 3
N_PROMPT, N_WRITTEN = 512, 64
N_TEXTS = 16
N_AROUND = 64
"""Tokens that a task may put around the prompt."""
LEAST_ROOM = 32
SHORTEST_S = 1e-9
"""Where the clock did not even move."""
_TEXT = (
    "the river runs past old walls and under seven bridges before it comes to the sea where ships wait for morning "
    "and people talk of weather trade music and what the winter took from them while children count stones on a beach"
)


@dataclass(frozen=True, slots=True)
class BenchProgress:
    """How far a run is: in round `number` of `n_rounds`, so many tokens of the prompt read, and so many written."""

    number: int
    n_rounds: int
    n_read: int = 0
    n_prompt: int = 0
    n_written: int = 0
    n_to_write: int = 0

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1: reading is half of a round, and writing the other half."""
        read = self.n_read / self.n_prompt if self.n_prompt else 0.0
        written = self.n_written / self.n_to_write if self.n_to_write else 0.0
        return (self.number - 1 + (read + written) / 2) / self.n_rounds


@dataclass(frozen=True, slots=True)
class BenchResult:
    """The medians of a run. A model that only embeds writes nothing."""

    model: str
    n_prompt: int
    n_written: int
    prefill_per_s: float
    decode_per_s: float | None = None
    first_token_s: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run talks to: a task, with settings in place of its own if there are any."""

    task: str
    settings: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class _Round:
    n_prompt: int
    n_written: int
    prefill_per_s: float
    decode_per_s: float
    first_token_s: float


async def plan_for(engine: Engine, model: ModelInfo, *, is_local: bool) -> Plan | None:
    """How to have a model write; None if that cannot be had, so that it can only embed.

    Here any model takes a bare prompt, by a task with other settings. A server refuses those: there it is a task of the
    model itself, preferably one that does not bind its answers, nor recall anything.
    """
    if is_local and not await asyncio.to_thread(_can_write, Path(model.path)):
        return None
    tasks = await engine.tasks()
    if is_local and tasks:
        return Plan(tasks[0].name, {"model": model.name, "template": "none"})
    own = [task.name for task in tasks if task.model == model.name]
    for name in own:
        if not {"biaser", "bias_prompt", "memorization"} & (await engine.settings(name)).keys():
            return Plan(name)
    return Plan(own[0]) if own else None


def _can_write(path: Path) -> bool:
    try:
        return read_header(path).is_causal
    except ModelLoadFailed:
        return True  # it is loaded, so that it was there


async def bench(
    engine: Engine,
    model: ModelInfo,
    plan: Plan,
    on_progress: Callable[[BenchProgress], None],
    *,
    n_rounds: int = N_ROUNDS,
) -> BenchResult:
    """Have a loaded model read and write. Each prompt is new, so that nothing of it is cached.

    Raises what a session does, and InvalidRequest where the context is too small to measure anything in.
    """
    room = (model.context_size or N_PROMPT + N_WRITTEN + N_AROUND) - N_AROUND
    if room < LEAST_ROOM:
        raise InvalidRequest(f"a context of {model.context_size} tokens is too small to measure anything in")
    n_prompt, n_written = min(N_PROMPT, room * 3 // 4), min(N_WRITTEN, room // 4)
    rounds = []
    for number in range(1, n_rounds + 1):
        begun = BenchProgress(number, n_rounds, 0, n_prompt, 0, n_written)
        on_progress(begun)
        prompt = await _text_of(engine, model.name, n_prompt)
        rounds.append(await _round(engine, plan, prompt, begun, on_progress))
    return BenchResult(
        model.name,
        round(statistics.median(one.n_prompt for one in rounds)),
        round(statistics.median(one.n_written for one in rounds)),
        statistics.median(one.prefill_per_s for one in rounds),
        statistics.median(one.decode_per_s for one in rounds),
        statistics.median(one.first_token_s for one in rounds),
    )


async def bench_embedding(
    engine: Engine,
    model: ModelInfo,
    on_progress: Callable[[BenchProgress], None],
    *,
    n_rounds: int = N_ROUNDS,
) -> BenchResult:
    """Have a loaded model embed texts. Raises what `Engine.embed` does."""
    n_each = min(N_PROMPT, (model.context_size or N_PROMPT) // 2)
    speeds, n_tokens = [], 0
    for number in range(1, n_rounds + 1):
        on_progress(BenchProgress(number, n_rounds, 0, n_each * N_TEXTS))
        texts = [await _text_of(engine, model.name, n_each) for _ in range(N_TEXTS)]
        begin = time.perf_counter()
        n_tokens = (await engine.embed(model.name, texts)).n_tokens
        speeds.append(n_tokens / max(time.perf_counter() - begin, SHORTEST_S))
    return BenchResult(model.name, n_tokens, 0, statistics.median(speeds))


async def _round(
    engine: Engine, plan: Plan, prompt: str, told: BenchProgress, on_progress: Callable[[BenchProgress], None]
) -> _Round:
    overrides = Overrides(max_tokens=told.n_to_write, temperature=0.0, ignore_eos=True, stop_sequences=())
    async with (
        engine.session(plan.task, settings=plan.settings) as session,
        session.send(prompt, overrides) as events,
    ):
        async for event in events:
            match event:
                case Progress(done=n_read, total=n_prompt):
                    told = replace(told, n_read=n_read, n_prompt=n_prompt)
                case Token():
                    told = replace(told, n_written=told.n_written + 1)
                case Done():
                    return _measured(event)
            on_progress(told)
    raise AssertionError("a turn ends in Done, or it raises")


def _measured(done: Done) -> _Round:
    usage, timings = done.usage, done.timings
    n_read = usage.prompt_tokens - usage.cached_tokens
    n_timed = usage.completion_tokens - 1  # the time of the first token is that of reading the prompt
    return _Round(
        n_read,
        usage.completion_tokens,
        n_read / max(timings.prefill_s, SHORTEST_S),
        n_timed / max(timings.decode_s, SHORTEST_S),
        timings.first_token_s,
    )


async def _text_of(engine: Engine, model: str, n_tokens: int) -> str:
    """A text of about so many tokens, and no more, that begins as no other did before."""
    known = _TEXT.split()
    words = [str(time.time_ns()), *(known[place % len(known)] for place in range(n_tokens))]
    n_taken = len(await engine.tokenize(model, " ".join(words)))
    return " ".join(words[: max(1, len(words) * n_tokens // max(n_taken, n_tokens))])
