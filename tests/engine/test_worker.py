"""The worker of a model: whatever breaks, each request ends, and what can go on goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
from numpy.typing import NDArray

from poly_engine.batch.host import ThreadHost
from poly_engine.batch.messages import (
    Cancel,
    Command,
    Embed,
    Embedded,
    Failed,
    Finished,
    Generate,
    Report,
    Stop,
    Threads,
)
from poly_engine.batch.scheduler import Batch, Scheduler
from poly_engine.batch.worker import Worker
from poly_engine.bias.compiled import Biases
from poly_engine.bias.taken import Step, Taken
from poly_engine.config import Config
from poly_engine.errors import EngineFailed, ModelLoadFailed
from poly_engine.llama.model import LlamaModel
from poly_engine.llama.runner import Runner
from poly_engine.local import LocalEngine
from poly_engine.sampling import Greedy
from poly_engine.types import Turn
from tests.engine.conversation import config, hear
from tests.gguf_models import make_chain


class Letters:
    """A vocabulary of one letter a token."""

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def is_end(self, token: int) -> bool:
        return token == 0


class FakeRunner:
    """Says "a" for ever. `error` is raised by one of the next decodes, counted from 0."""

    def __init__(self, error: Exception | None = None, n_before: int = 0) -> None:
        self.prepared: set[int] = set()
        self.n_cleared = 0
        self.n_threads = 0
        self._error = error
        self._n_before = n_before

    def prepare(self, request: Generate) -> Taken:
        self.prepared.add(request.id)
        return Taken()

    def drop(self, request_id: int) -> None:
        self.prepared.discard(request_id)

    def decode(self, batch: Batch) -> list[Taken]:
        self._n_before -= 1
        if self._error is not None and self._n_before == -1:
            raise self._error
        return [Taken((Step(ord("a")),))] * len(batch.outputs)

    def clear(self) -> None:
        self.n_cleared += 1

    def set_threads(self, n: int) -> None:
        self.n_threads = n


class FakeEmbedder:
    """Gives zeros, and the number of its threads in place of the first."""

    n_threads = 0

    def set_threads(self, n: int) -> None:
        self.n_threads = n

    def embed(self, texts: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), 2), np.float32)
        vectors[:, 0] = self.n_threads
        return vectors


def broken_embedder() -> FakeEmbedder:
    raise ModelLoadFailed("no context can be made")


def generate(number: int, n_tokens: int = 3) -> Generate:
    return Generate(number, (number + 1,) * 3, (Greedy(),), seed=0, max_tokens=n_tokens)


def scheduler() -> Scheduler:
    return Scheduler(Letters(), context_size=16, n_cells=32, n_slots=4, n_parallel=2, n_batch=8)


def serve(
    *commands: Command, runner: FakeRunner | None = None, embedder: Callable[[], FakeEmbedder] = FakeEmbedder
) -> list[Report]:
    """Let a worker of two places obey until all is done; return the last report on each request."""
    queue: SimpleQueue[Command] = SimpleQueue()
    for command in commands:
        queue.put(command)
    n_open = len({command.id for command in commands if isinstance(command, Generate | Embed)})
    last: list[Report] = []

    def emit(reports: list[Report]) -> None:
        last.extend(report for report in reports if isinstance(report, Finished | Failed | Embedded))
        if len(last) == n_open:
            queue.put(Stop())

    Worker(scheduler(), runner or FakeRunner(), embedder, queue, emit).run()
    return last


def test_threads_are_those_that_it_was_told_last_also_for_embeddings() -> None:
    runner = FakeRunner()
    (embedded,) = serve(Threads(3), Threads(2), Embed(1, ((5,),)), runner=runner)
    assert isinstance(embedded, Embedded)
    assert (runner.n_threads, embedded.vectors[0, 0]) == (2, 2)


def test_a_step_that_fails_loses_who_runs_and_not_who_waits() -> None:
    runner = FakeRunner(EngineFailed("out of luck"), n_before=1)
    reports = serve(*map(generate, range(5)), runner=runner)
    assert reports[:2] == [Failed(0, "out of luck"), Failed(1, "out of luck")]
    assert {report.id for report in reports[2:] if isinstance(report, Finished)} == {2, 3, 4}
    assert (runner.n_cleared, runner.prepared) == (1, set())


def test_a_bug_fails_everybody_and_says_where_to_look(caplog: pytest.LogCaptureFixture) -> None:
    reports = serve(*map(generate, range(3)), runner=FakeRunner(RuntimeError("a bug")))
    assert reports == [Failed(number, "the engine failed; its log says why", is_broken=True) for number in range(3)]
    assert "a bug" in caplog.text


def test_vectors_that_cannot_be_computed_are_an_error_for_who_asked() -> None:
    reports = serve(Embed(7, ((1, 2),)), generate(1), embedder=broken_embedder)
    assert Failed(7, "no context can be made") in reports
    assert any(isinstance(report, Finished) and report.id == 1 for report in reports)


def test_what_was_to_be_embedded_can_be_taken_back() -> None:
    queue: SimpleQueue[Command] = SimpleQueue()
    for command in (Embed(1, ((1,),)), Embed(2, ((1,),)), Embed(3, ((1,),)), Cancel(2)):
        queue.put(command)
    told: list[int] = []

    def emit(reports: list[Report]) -> None:
        told.extend(report.id for report in reports)
        if told == [1, 3]:
            queue.put(Stop())

    Worker(scheduler(), FakeRunner(), FakeEmbedder, queue, emit).run()
    assert told == [1, 3]


def test_who_is_told_to_stop_fails_what_is_left() -> None:
    queue: SimpleQueue[Command] = SimpleQueue()
    for command in (generate(1), generate(2), Stop(), generate(3)):
        queue.put(command)
    reports: list[Report] = []
    Worker(scheduler(), FakeRunner(), FakeEmbedder, queue, reports.extend).run()
    failed = [report for report in reports if isinstance(report, Failed)]
    assert failed == [Failed(number, "the engine was shut down", is_closed=True) for number in (1, 2)]


def test_it_says_how_long_a_step_takes_and_that_it_waits() -> None:
    queue: SimpleQueue[Command] = SimpleQueue()
    is_idle, stuck = threading.Event(), list[float]()

    class WatchedRunner(FakeRunner):
        def decode(self, batch: Batch) -> list[Taken]:
            stuck.append(worker.stuck_s)
            return super().decode(batch)

    def emit(reports: list[Report]) -> None:
        if any(isinstance(report, Finished) for report in reports):
            is_idle.set()

    worker = Worker(scheduler(), WatchedRunner(), FakeEmbedder, queue, emit)
    assert worker.stuck_s == 0
    serving = threading.Thread(target=worker.run)
    serving.start()
    queue.put(generate(1))
    is_idle.wait()
    while worker.stuck_s:
        pass
    queue.put(Stop())
    serving.join()
    assert len(stuck) == 3
    assert all(seconds > 0 for seconds in stuck)


def test_cancelling_what_is_over_or_was_never_there_does_nothing() -> None:
    reports = serve(Cancel(99), generate(1), Cancel(98), generate(2))
    assert [type(report) for report in reports] == [Finished, Finished]


def test_who_is_cancelled_before_it_begins_says_so() -> None:
    first, second = serve(generate(1), generate(2), Cancel(1))
    assert isinstance(first, Finished)
    assert (first.id, first.reason, first.kept) == (1, "cancelled", ())
    assert isinstance(second, Finished)
    assert second.reason == "length"


class StumblingRunner(Runner):
    """Fails once, at its second step, in a way that nobody has thought of."""

    n_steps = 0

    def decode(self, batch: Batch) -> list[Taken]:
        StumblingRunner.n_steps += 1
        if StumblingRunner.n_steps == 2:
            raise RuntimeError("a bug")
        return super().decode(batch)


class StumblingHost(ThreadHost):
    def _open_runner(self, model: LlamaModel, biases: Biases) -> Runner:
        spec = self._spec
        sizes = {"n_cells": spec.n_cells, "n_batch": spec.n_batch, "n_threads": spec.n_threads}
        return StumblingRunner(model, biases, n_slots=self._n_slots, **sizes)


async def test_a_session_goes_on_after_its_engine_failed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    StumblingRunner.n_steps = 0
    models = {"m": {"model_path": str(make_chain(tmp_path / "m.gguf", ["yes", "no"]))}}
    caplog.set_level(logging.CRITICAL)
    async with LocalEngine(config(models, {"t": {"model": "m", "template": "none"}}), StumblingHost) as home:
        async with home.session("t") as session:
            with pytest.raises(EngineFailed, match="its log says why"):
                await hear(session, "one>")
            assert (await hear(session, "two>")).text == "yesno"
            assert session.turns == (Turn("two>", "yesno"),)


async def test_a_memory_goes_on_after_the_engine_of_its_model_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    StumblingRunner.n_steps = 0
    path = make_chain(tmp_path / "m.gguf", ["yes", "no"])
    model = {"model_path": str(path), "threads_per_session": 1, "context_size": 256}
    memory = {"embedding_model": "m", "store": {"file": {"path": str(tmp_path / "notes")}}}
    tree = {"models": {"m": model}, "memories": {"notes": memory}, "tasks": {"t": {"model": "m", "template": "none"}}}
    caplog.set_level(logging.CRITICAL)
    async with LocalEngine(Config.model_validate(tree), StumblingHost) as home:
        await home.ingest("notes", b"A cat sleeps.", source="cats.txt")
        with pytest.raises(EngineFailed, match="its log says why"):
            await hear(home.session("t"), "one>")
        await home.load("m")
        assert [hit.source for hit in (await home.recall("notes", "a cat")).hits] == ["cats.txt"]
