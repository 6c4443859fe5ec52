"""Where a worker lives: a thread of this process, which opens the model, serves it, and closes it."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from poly_engine.batch.messages import Command, Report, Stop
from poly_engine.batch.scheduler import Scheduler
from poly_engine.batch.worker import Worker
from poly_engine.bias.compiled import Biases
from poly_engine.errors import PolyError
from poly_engine.llama.embedder import Embedder, max_tokens
from poly_engine.llama.model import LlamaModel
from poly_engine.llama.runner import MAX_SLOTS, Runner
from poly_engine.llama.vocabulary import Vocabulary
from poly_engine.models.gguf import GgufHeader

_log = logging.getLogger(__name__)
_SLOTS_PER_STREAM = 4
"""Slots for each sequence that may run: the others keep what idle sessions and preludes have cached."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What to open and how. Sizes are in tokens; `n_cells` is the KV cache of all sessions together."""

    header: GgufHeader
    adapters: tuple[Path, ...]
    gpu_layers: int
    context_size: int
    n_cells: int
    n_parallel: int
    n_batch: int
    n_threads: int


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """What there is to know of a model once it is open."""

    vocabulary: Vocabulary
    chat_template: str | None
    context_size: int
    embedding_size: int
    max_embed_tokens: int
    biases: Biases
    can_write: bool = True


class ThreadHost:
    """Runs the worker of one model in a thread. All callbacks are called from that thread, and must not block:
    `on_opened` once, with the model or the error; then `on_reports`; `on_end` last.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        on_progress: Callable[[float], None],
        on_opened: Callable[[OpenedModel | PolyError], None],
        on_reports: Callable[[list[Report]], None],
        on_end: Callable[[], None],
    ) -> None:
        self._spec = spec
        self._on_progress = on_progress
        self._on_opened = on_opened
        self._on_reports = on_reports
        self._on_end = on_end
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=f"poly-{spec.header.path.stem}", daemon=True)
        self._thread.start()

    def send(self, command: Command) -> None:
        """Hand a command to the worker. Never blocks."""
        self._commands.put(command)

    def stop(self, reason: str) -> None:
        """Ask the worker to end, for a reason; it gives up a model that is still being opened."""
        self._is_stopping = True
        self._commands.put(Stop(reason))

    def _run(self) -> None:
        try:
            self._serve()
        except PolyError as error:
            self._on_opened(error)
        except Exception:  # noqa: BLE001 - the edge of the thread: whoever waits is told by on_end
            _log.exception("the thread of a model failed")
        finally:
            self._on_end()

    def _serve(self) -> None:
        spec = self._spec
        model = LlamaModel(
            spec.header, adapters=spec.adapters, gpu_layers=spec.gpu_layers, on_progress=self._has_progressed
        )
        try:
            biases = Biases(model.vocabulary)
            runner = self._open_runner(model, biases) if model.is_generative else None
            embedder = cache(lambda: Embedder(model, n_threads=spec.n_threads))  # opened when first asked for
            scheduler = self._make_scheduler(model.vocabulary)
            worker = Worker(scheduler if runner else None, runner, embedder, self._commands, self._on_reports)
            self._on_opened(_describe(model, spec, biases))
            worker.run()
            if embedder.cache_info().currsize:
                embedder().close()
            if runner is not None:
                runner.close()
        finally:
            model.close()

    def _has_progressed(self, share: float) -> bool:
        self._on_progress(share)
        return not self._is_stopping

    def _open_runner(self, model: LlamaModel, biases: Biases) -> Runner:
        spec = self._spec
        return Runner(
            model,
            biases,
            n_cells=spec.n_cells,
            n_slots=self._n_slots,
            n_batch=spec.n_batch,
            n_threads=spec.n_threads,
        )

    def _make_scheduler(self, vocabulary: Vocabulary) -> Scheduler:
        spec = self._spec
        return Scheduler(
            vocabulary,
            context_size=spec.context_size,
            n_cells=spec.n_cells,
            n_slots=self._n_slots,
            n_parallel=spec.n_parallel,
            n_batch=spec.n_batch,
        )

    @property
    def _n_slots(self) -> int:
        return min(self._spec.n_parallel * _SLOTS_PER_STREAM, MAX_SLOTS)


def _describe(model: LlamaModel, spec: ModelSpec, biases: Biases) -> OpenedModel:
    return OpenedModel(
        model.vocabulary,
        model.chat_template,
        spec.context_size,
        model.embedding_size,
        max_tokens(model),
        biases,
        can_write=model.is_generative,
    )
