"""The same work through Poly's public interface, and the time that its worker spends outside the library."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from poly_engine import Engine, LocalEngine, Overrides, Progress, Token
from poly_engine.batch.host import ThreadHost
from poly_engine.batch.scheduler import Batch
from poly_engine.bias.compiled import Biases
from poly_engine.bias.taken import Taken
from poly_engine.config import Config
from poly_engine.llama.biased import BiasedSampling
from poly_engine.llama.model import LlamaModel
from poly_engine.llama.runner import Runner
from poly_engine.llama.sampler import Sampler
from tests.bench.floor import Speeds


@dataclass
class Clock:
    """Seconds of CPU that the worker spends between one decode and the next, and over how many sequences."""

    outside_s: float = 0.0
    n_sequence_steps: int = 0
    masks_s: float = 0.0
    """Of `steps_s`, for what a bias adds: waiting for masks, gathering what they leave, and looking for an ending."""
    steps_s: float = 0.0
    last_end: float | None = None


class TimedRunner(Runner):
    """A runner that notes how long the worker takes to come back to it. What it does before the library is called
    (edits, filling the batch) counts as time of the library: it is some microseconds a step."""

    clock: Clock

    def decode(self, batch: Batch) -> list[Taken]:
        clock = self.clock
        if clock.last_end is not None and len(batch.outputs) == batch.n_rows:
            clock.outside_s += time.thread_time() - clock.last_end
            clock.n_sequence_steps += batch.n_rows
        begin = time.perf_counter()
        taken = super().decode(batch)
        clock.steps_s += time.perf_counter() - begin
        clock.last_end = time.thread_time()
        return taken


class TimedBiasedSampling(BiasedSampling):
    """Notes what a bias adds to a step."""

    clock: Clock

    @contextmanager
    def masking(self, requests: Sequence[int]) -> Iterator[None]:
        end = 0.0
        with super().masking(requests):
            yield
            end = time.perf_counter()
        self.clock.masks_s += time.perf_counter() - end

    def sample(self, request_id: int, sampler: Sampler, logits: npt.NDArray[np.float32]) -> Taken:
        begin = time.perf_counter()
        taken = super().sample(request_id, sampler, logits)
        self.clock.masks_s += time.perf_counter() - begin
        return taken


class TimedHost(ThreadHost):
    """A host whose runner is timed."""

    clock: ClassVar[Clock] = Clock()

    def _open_runner(self, model: LlamaModel, biases: Biases) -> Runner:
        runner = super()._open_runner(model, biases)
        runner.__class__ = TimedRunner
        assert isinstance(runner, TimedRunner)
        runner.clock = self.clock
        runner._biased.__class__ = TimedBiasedSampling
        assert isinstance(runner._biased, TimedBiasedSampling)
        runner._biased.clock = self.clock
        return runner


def engine(
    path: Path, *, prelude: str, schema: dict[str, object], n_threads: int, context_size: int, cache_size: int
) -> LocalEngine:
    """An engine with a task `raw` that takes prompts as they are, one that has a prelude, and one that has a schema."""
    sampling = {"repeat_penalty": 1.0, "model": "bench"}
    model = {
        "model_path": str(path),
        "threads": n_threads,
        "context_size": context_size,
        "cache_size": cache_size,
        "parallel": 16,
    }
    tasks = {
        "raw": {"template": "none", **sampling},
        "prelude": {"prelude": prelude, **sampling},
        "bound": {"template": "none", **sampling, "biaser": {"json_schema": schema}},
    }
    return LocalEngine(Config.model_validate({"models": {"bench": model}, "tasks": tasks}), TimedHost)


async def speeds(subject: Engine, prompts: list[str], n_tokens: int) -> Speeds:
    """Run all prompts at once. Prefill counts until the first token of the last stream, decode from there until the
    first stream is done."""
    streams = await asyncio.gather(*(_stream(subject, "raw", prompt, n_tokens) for prompt in prompts))
    begin = min(stream.sent for stream in streams)
    middle = max(stream.tokens[0] for stream in streams)
    end = min(stream.tokens[-1] for stream in streams)
    n_decoded = sum(middle < moment <= end for stream in streams for moment in stream.tokens)
    n_early = sum(moment < middle for stream in streams for moment in stream.tokens)
    return Speeds((sum(stream.n_prompt for stream in streams) + n_early) / (middle - begin), n_decoded / (end - middle))


async def first_tokens_seconds(subject: Engine, prompts: list[str]) -> float:
    """Start a session of the task with the prelude for each prompt at once; the time until all have a first token."""
    streams = await asyncio.gather(*(_stream(subject, "prelude", prompt, 1) for prompt in prompts))
    return max(stream.tokens[0] for stream in streams) - min(stream.sent for stream in streams)


@dataclass
class Stream:
    """The moments of one answer."""

    sent: float
    n_prompt: int = 0
    tokens: list[float] = field(default_factory=list)


async def _stream(subject: Engine, task: str, prompt: str, n_tokens: int) -> Stream:
    async with subject.session(task) as session:
        stream = Stream(time.perf_counter())
        async with session.send(prompt, Overrides(max_tokens=n_tokens, seed=1)) as events:
            async for event in events:
                if isinstance(event, Token):
                    stream.tokens.append(time.perf_counter())
                elif isinstance(event, Progress):
                    stream.n_prompt = event.total
        return stream
