"""A model of the configuration while it is served: opened when it is first asked for, and again if its worker died."""

import asyncio
import time
from collections.abc import Callable
from contextvars import copy_context

from poly_engine.batch.client import WorkerClient
from poly_engine.batch.deaths import Deaths
from poly_engine.batch.opened import GpuSpec, MakeHost, ModelSpec, OpenedModel
from poly_engine.config import ModelConfig
from poly_engine.errors import EngineClosed, ModelLoadFailed
from poly_engine.holding.keeper import Keeper
from poly_engine.models.fit import CacheSizes, adapter_bytes, cache_sizes, memory_bytes
from poly_engine.models.gguf import read_header
from poly_engine.models.pull import PullProgress, pull
from poly_engine.models.shards import with_others
from poly_engine.types import ModelState

__all__ = ["ServedModel"]

_ALL_LAYERS = 1 << 16
_SHARE_OF_PULLING = 0.95


class ServedModel:
    """A model of the configuration, opened when first asked for, and again if its worker died, as `Deaths` says."""

    def __init__(self, name: str, config: ModelConfig, host: MakeHost, keeper: Keeper) -> None:
        self._name = name
        self._config = config
        self._host = host
        self._keeper = keeper
        self._deaths = Deaths()
        self._began = 0.0  # to be opened
        self._opening: asyncio.Task[WorkerClient] | None = None
        self._unloaded: asyncio.Task[WorkerClient] | None = None
        """What was opened before, whose memory may not be free yet."""
        self._sizes: CacheSizes | None = None
        self._listeners: list[Callable[[float], object]] = []
        self._share_before = 0.0
        """Of the whole way to a loaded model, what lies before it is loaded."""

    @property
    def state(self) -> ModelState:
        """How far it is."""
        if self._opening is None:
            return "unloaded"
        if not self._opening.done():
            return "loading"
        return "loaded" if self._is_usable() else "failed"

    @property
    def refusal(self) -> str:
        """Why it is not opened for a while, as a sentence; "" if it would be."""
        return "" if self._is_usable() else self._deaths.refusal(time.monotonic())

    @property
    def sizes(self) -> CacheSizes | None:
        """Tokens of a session and of its cache, once it is loaded."""
        return self._sizes if self._is_usable() else None

    @property
    def opened(self) -> OpenedModel | None:
        """What is known of it since it was loaded, while it is."""
        opening = self._opening
        return opening.result().model if opening is not None and self._is_usable() else None

    @property
    def problem(self) -> str | None:
        """Why it could not be loaded, or what ended it, if that is so."""
        opening = self._opening
        if opening is None or not opening.done() or opening.cancelled():
            return None
        if (error := opening.exception()) is not None:
            return str(error)
        return None if self._is_usable() else self.refusal or opening.result().problem or None

    @property
    def n_running(self) -> int:
        """Requests that it is working on, or that wait for it."""
        opening = self._opening
        return opening.result().n_running if opening is not None and self._is_usable() else 0

    async def client(self, on_progress: Callable[[float], None] | None) -> WorkerClient:
        """The worker, once it serves. However many ask, it is opened once; it goes on loading when they leave."""
        if self._opening is None or (self._opening.done() and not self._is_usable()):
            self._check_deaths()
            self._opening = asyncio.create_task(self._open(self._opening or self._unloaded))
        if on_progress is None or self._opening.done():
            return await self._opened(self._opening)
        tell = _in_this_context(on_progress)  # it is called for the worker, and expects the context of who asked
        self._listeners.append(tell)
        try:
            return await self._opened(self._opening)
        finally:
            self._listeners.remove(tell)

    def share_cores(self, n_cores: int) -> None:
        """Have it computed by so many cores, or the fewer that it is configured to take."""
        opening = self._opening
        if opening is not None and self._is_usable():
            opening.result().set_threads(min(n_cores, self._config.threads_per_session))

    async def close(self) -> None:
        """Give up loading, end the worker, free the memory."""
        if self._opening is not None:
            self._opening.cancel()
            await _end(self._opening)
        if self._unloaded is not None:
            await _end(self._unloaded)

    async def unload(self) -> None:
        """As `close`; whoever asks for it from now on has it opened again."""
        if self._opening is not None:
            self._unloaded, self._opening = self._opening, None
            self._unloaded.cancel()
        if self._unloaded is not None:
            await _end(self._unloaded, "the model was unloaded")

    async def _opened(self, opening: asyncio.Task[WorkerClient]) -> WorkerClient:
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if (
                opening.cancelled() and task is not None and not task.cancelling()
            ):  # not who asks, but what is asked for
                is_unloaded = self._opening is not opening
                raise EngineClosed(f"the {'model was unloaded' if is_unloaded else 'engine was shut down'}") from None
            raise

    def _is_usable(self) -> bool:
        opening = self._opening
        if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
            return False
        return opening.result().is_alive

    async def _open(self, previous: asyncio.Task[WorkerClient] | None) -> WorkerClient:
        if previous is not None:  # it broke down; its memory is to be free before the next one takes some
            await _end(previous)
        await asyncio.sleep(self._deaths.pause_s(time.monotonic()))
        await self._fetch()
        spec, n_bytes = await asyncio.to_thread(_spec, self._config, self._keeper.budget_bytes)
        stay = await self._keeper.take(self._name, n_bytes)
        self._sizes = CacheSizes(spec.context_size, spec.n_cells)
        self._began = time.monotonic()
        try:
            return await WorkerClient.open(
                spec, self._progress, self._host, self._mourn, lambda: self._keeper.end(stay)
            )
        except BaseException:
            self._keeper.end(stay)
            raise

    def _check_deaths(self) -> None:
        if refusal := self._deaths.refusal(time.monotonic()):
            raise ModelLoadFailed(f"{self._config.file} is not loaded: {refusal}")

    def _mourn(self, cause: str) -> None:
        now = time.monotonic()
        self._deaths.add(now, now - self._began, cause)

    async def _fetch(self) -> None:
        """Pull the file of the model, if it is not there yet; that is most of what there is to wait for."""
        config, self._share_before = self._config, 0.0
        if config.url is None or not await asyncio.to_thread(lambda: config.is_to_be_pulled):
            return
        await pull(config.url, config.folder, to=config.file, on_progress=self._pulling)
        self._share_before = _SHARE_OF_PULLING

    def _pulling(self, progress: PullProgress) -> None:
        if progress.n_total:
            self._tell(_SHARE_OF_PULLING * progress.n_done / progress.n_total)

    def _progress(self, share: float) -> None:
        self._tell(self._share_before + (1 - self._share_before) * share)

    def _tell(self, share: float) -> None:
        for listener in self._listeners:
            listener(share)


async def _end(opening: asyncio.Task[WorkerClient], reason: str = "the engine was shut down") -> None:
    """Wait until what was being opened is open, and close it."""
    await asyncio.wait([opening])
    if not opening.cancelled() and opening.exception() is None:
        await opening.result().close(reason)


def _in_this_context(listener: Callable[[float], object]) -> Callable[[float], object]:
    context = copy_context()
    return lambda share: context.run(listener, share)


def _gpu(config: ModelConfig) -> GpuSpec | None:
    if not config.wants_gpu:
        return None
    n_layers = config.gpu_layers if isinstance(config.gpu_layers, int) else _ALL_LAYERS
    return GpuSpec(n_layers, config.require_gpu, config.gpu_split, config.main_gpu)


def _spec(config: ModelConfig, budget_bytes: int | None) -> tuple[ModelSpec, int]:
    """How to open a model, and about how many bytes it takes then."""
    path = config.file
    if path is None:
        raise ModelLoadFailed("the file that was fetched for the model is gone: it is fetched again at its next use")
    header = with_others(read_header(path))
    sizes = cache_sizes(header, config.context_size, config.cache_size, budget_bytes)
    n_bytes = memory_bytes(header, sizes, config.batch_size) + adapter_bytes(config.adapter_files)
    spec = ModelSpec(
        header=header,
        adapters=config.adapter_files,
        gpu=_gpu(config),
        context_size=sizes.context_size,
        n_cells=sizes.cache_size,
        n_parallel=config.parallel,
        n_batch=max(config.batch_size, config.parallel),
        n_threads=config.threads_per_session,
    )
    return spec, n_bytes
