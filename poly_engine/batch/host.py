"""Where a worker lives: a thread of this process, which opens the model, serves it, and closes it."""

import logging
import threading
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue

from poly_engine.batch.messages import Command, Report, Stop
from poly_engine.batch.opened import ModelSpec, OpenedModel
from poly_engine.batch.scheduler import Scheduler
from poly_engine.batch.worker import Worker
from poly_engine.bias.compiled import Biases
from poly_engine.errors import PolyError
from poly_engine.llama.embedder import Embedder, max_tokens
from poly_engine.llama.model import LlamaModel
from poly_engine.llama.runner import MAX_SLOTS, Runner
from poly_engine.llama.vocabulary import Vocabulary

_log = logging.getLogger(__name__)
A_BUG = "the engine failed; its log says why"
"""What ended a worker that nobody told to end."""
_SLOTS_PER_STREAM = 4
"""Slots for each sequence that may run: the others keep what idle sessions and preludes have cached."""


class ThreadHost:
    """Runs the worker of one model in a thread of this process: see `MakeHost`."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        on_progress: Callable[[float], None],
        on_opened: Callable[[OpenedModel | PolyError], None],
        on_reports: Callable[[list[Report]], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._spec = spec
        self._on_progress = on_progress
        self._on_opened = on_opened
        self._on_reports = on_reports
        self._on_end = on_end
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._is_stopping = False
        self._worker: Worker | None = None
        self._thread = threading.Thread(target=self._run, name=f"poly-{spec.header.path.stem}", daemon=True)
        self._thread.start()

    def send(self, command: Command) -> None:
        """Hand a command to the worker. Never blocks."""
        self._commands.put(command)

    @property
    def stuck_s(self) -> float:
        """For how many seconds the worker has been in the same step; 0 while it waits for work."""
        return self._worker.stuck_s if self._worker is not None else 0.0

    def stop(self, reason: str) -> None:
        """Ask the worker to end, for a reason; it gives up a model that is still being opened."""
        self._is_stopping = True
        self._commands.put(Stop(reason))

    def _run(self) -> None:
        why = ""
        try:
            if not self._serve():
                why = A_BUG
        except PolyError as error:
            self._on_opened(error)
        except Exception:  # noqa: BLE001 - the edge of the thread: whoever waits is told by on_end
            _log.exception("the thread of a model failed")
            why = A_BUG
        finally:
            self._on_end(why)

    def _serve(self) -> bool:
        """Serve until told to stop; say whether it was that what ended it."""
        spec = self._spec
        model = LlamaModel(spec.header, adapters=spec.adapters, gpu=spec.gpu, on_progress=self._has_progressed)
        try:
            biases = Biases(model.vocabulary)
            runner = self._open_runner(model, biases) if model.is_generative else None
            embedder = cache(lambda: Embedder(model, n_threads=spec.n_threads))  # opened when first asked for
            scheduler = self._make_scheduler(model.vocabulary)
            worker = Worker(scheduler if runner else None, runner, embedder, self._commands, self._on_reports)
            self._worker = worker
            self._on_opened(_describe(model, spec, biases))
            is_well = worker.run()
            if embedder.cache_info().currsize:
                embedder().close()
            if runner is not None:
                runner.close()
            return is_well
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
        device=model.device,
        n_gpu_layers=model.n_gpu_layers,
    )
