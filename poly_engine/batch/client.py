"""The caller's side of a worker: requests from an event loop, and the streams of what comes back."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import ParamSpec, Self, TypeVar, TypeVarTuple

import numpy as np
import numpy.typing as npt

from poly_engine.batch.messages import Cancel, Embed, Embedded, Failed, Finished, Generate, Report, Threads
from poly_engine.batch.opened import Host, MakeHost, ModelSpec, OpenedModel
from poly_engine.batch.packing import packs
from poly_engine.errors import EngineClosed, EngineFailed, ModelLoadFailed, PolyError

P = ParamSpec("P")
T = TypeVar("T")
Values = TypeVarTuple("Values")
_N_THREADS = 4


class ReportStream:
    """The reports on one request, in order. `outcome` is the last one, known as soon as it has arrived, whether or
    not anybody has read up to it.
    """

    def __init__(self) -> None:
        self.outcome: Finished | Embedded | Failed | None = None
        self.is_over = asyncio.Event()
        self._reports: asyncio.Queue[Report] = asyncio.Queue()
        self._is_read = False

    def put(self, report: Report) -> None:
        """Add what has arrived."""
        self._reports.put_nowait(report)
        if isinstance(report, Finished | Embedded | Failed):
            self.outcome = report
            self.is_over.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Report:
        if self._is_read:
            raise StopAsyncIteration
        report = await self._reports.get()
        self._is_read = report is self.outcome
        if isinstance(report, Failed):
            raise EngineClosed(report.message) if report.is_closed else EngineFailed(report.message)
        return report


class WorkerClient:
    """A model that is being served. Opened by `open`, which loads it; to be closed."""

    def __init__(self, on_death: Callable[[str], None], on_ended: Callable[[], None] = lambda: None) -> None:
        self._on_death = on_death
        self._on_ended = on_ended
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._streams: dict[int, ReportStream] = {}
        self._opened: asyncio.Future[OpenedModel] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._closed_for = ""
        self._is_broken = False
        self._why = ""  # what ended it, if nobody told it to end
        self._host: Host | None = None
        self._n_threads = 0
        """What it was told, or opened with."""
        self._progress = 0.0
        self._threads = ThreadPoolExecutor(_N_THREADS, thread_name_prefix="poly-ask")

    @classmethod
    async def open(
        cls,
        spec: ModelSpec,
        on_progress: Callable[[float], None],
        host: MakeHost,
        on_death: Callable[[str], None] = lambda _: None,
        on_ended: Callable[[], None] = lambda: None,
    ) -> Self:
        """Load a model. Raises ModelLoadFailed; being cancelled, gives up loading. `on_death` is told what ended the
        worker, now or later, if nobody told it to end; `on_ended` in any case, when its memory is free.
        """
        client = cls(on_death, on_ended)
        client._n_threads = spec.n_threads
        client._host = host(
            spec,
            on_progress=lambda share: client._report_progress(share, on_progress),
            on_opened=lambda opened: client._call(client._set_opened, opened),
            on_reports=lambda reports: client._call(client._deliver, reports),
            on_end=lambda why: client._call(client._set_ended, why, spec),
        )
        try:
            await asyncio.shield(client._opened)
        except BaseException:
            await client.close()
            client._opened.exception()  # seen: asyncio would complain of an error that nobody looked at
            raise
        return client

    @property
    def model(self) -> OpenedModel:
        """What was opened."""
        return self._opened.result()

    @property
    def is_alive(self) -> bool:
        """Whether it still serves; a bug of ours may have ended it."""
        return not (self._is_broken or self._closed_for or self._ended.is_set())

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function`, which may wait for the model, in a thread. The model has a few of its own, so that who waits
        for one that does not answer takes no thread from the others.
        """
        if self._closed_for:
            raise EngineClosed(self._closed_for)
        return await asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))

    @property
    def problem(self) -> str:
        """What ended it, if nobody wanted that; empty if nothing did."""
        return self._why or ("it failed; the log says why" if self._is_broken else "")

    @property
    def n_running(self) -> int:
        """Requests that have not come to their end."""
        return sum(stream.outcome is None for stream in self._streams.values())

    def next_id(self) -> int:
        """A number for the next request."""
        return next(self._ids)

    @asynccontextmanager
    async def generate(self, request: Generate) -> AsyncIterator[ReportStream]:
        """Send a request and stream its reports. Leaving early cancels it, and waits until its slot is free."""
        stream = self._send(request)
        try:
            yield stream
        finally:
            try:
                await self.cancel(request.id)
            finally:
                del self._streams[request.id]

    def set_threads(self, n: int) -> None:
        """Have it computed with so many threads from the next step on."""
        if self._host is not None and self.is_alive and n != self._n_threads:
            self._n_threads = n
            self._host.send(Threads(n))

    async def cancel(self, request_id: int) -> None:
        """Stop a generation, and wait until its slot is free."""
        stream = self._streams.get(request_id)
        if stream is not None and stream.outcome is None and self._host is not None:
            self._host.send(Cancel(request_id))
            await stream.is_over.wait()

    async def embed(self, texts: Sequence[tuple[int, ...]]) -> npt.NDArray[np.float32]:
        """Return the vectors of texts given as tokens, shape (n_texts, embedding_size). Raises EngineFailed.

        They are sent in packs of one decode, between which the worker goes on writing for others; who is cancelled
        takes back those that are still waiting.
        """
        vectors = np.empty((len(texts), self.model.embedding_size), np.float32)
        together = packs(texts, self.model.max_embed_tokens)
        parts = [asyncio.create_task(self._embed(texts, pack, vectors)) for pack in together]
        try:
            await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()
        return vectors

    async def _embed(self, texts: Sequence[tuple[int, ...]], pack: list[int], vectors: npt.NDArray[np.float32]) -> None:
        request = Embed(self.next_id(), tuple(texts[number] for number in pack))
        stream = self._send(request)
        try:
            report = await anext(stream)
        finally:
            del self._streams[request.id]
            if stream.outcome is None and self._host is not None:
                self._host.send(Cancel(request.id))
        assert isinstance(report, Embedded)
        vectors[pack] = report.vectors

    async def close(self, reason: str = "the engine was shut down") -> None:
        """End the worker and free the model. What is under way fails, for a `reason`."""
        self._closed_for = self._closed_for or reason
        if self._host is not None:
            self._host.stop(self._closed_for)
            await self._ended.wait()
        self._threads.shutdown(wait=False)  # nothing in them waits any more

    def _send(self, request: Generate | Embed) -> ReportStream:
        if self._why:
            raise EngineFailed(self._why)
        if self._host is None or self._ended.is_set():
            raise EngineClosed("the model was unloaded")
        stream = self._streams[request.id] = ReportStream()
        self._host.send(request)
        return stream

    def _deliver(self, reports: list[Report]) -> None:
        self._is_broken |= any(isinstance(report, Failed) and report.is_broken for report in reports)
        for report in reports:
            if stream := self._streams.get(report.id):
                stream.put(report)

    def _set_opened(self, opened: OpenedModel | PolyError) -> None:
        if isinstance(opened, PolyError):
            self._opened.set_exception(opened)
        else:
            self._opened.set_result(opened)

    def _set_ended(self, why: str, spec: ModelSpec) -> None:
        self._why = "" if self._closed_for else why
        self._ended.set()
        self._on_ended()
        if self._why:
            self._on_death(why)
        if not self._opened.done():
            cause = why or "it was given up"
            self._opened.set_exception(ModelLoadFailed(f"{spec.header.path} cannot be loaded: {cause}"))
        for request_id, stream in self._streams.items():
            if stream.outcome is None:
                stream.put(self._last_words(request_id))

    def _last_words(self, request_id: int) -> Failed:
        if self._closed_for:
            return Failed(request_id, self._closed_for, is_closed=True)
        return Failed(request_id, self._why or "the engine failed; its log says why", is_broken=True)

    def _report_progress(self, share: float, on_progress: Callable[[float], None]) -> None:
        if share >= 1.0 or share - self._progress >= 0.01:  # llama.cpp calls for every tensor
            self._progress = share
            self._call(on_progress, share)

    def _call(self, function: Callable[[*Values], object], *values: *Values) -> None:
        self._loop.call_soon_threadsafe(function, *values)
