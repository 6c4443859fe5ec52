"""Documents on their way into a memory: accepted first, then taken in, one after the other of each source."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from poly_engine import content as contents
from poly_engine.content import Content
from poly_engine.errors import (
    EngineClosed,
    InvalidRequest,
    MemoryUnavailable,
    MemoryUnwritable,
    ModelLoadFailed,
    PolyError,
    UnreadableDocument,
)
from poly_engine.memory.intake import Intake, OnProgress
from poly_engine.memory.queue import IngestQueue, Job
from poly_engine.memory.threads import Threads
from poly_engine.types import Ingested, IngestJob

__all__ = ["Ingestion"]

_log = logging.getLogger(__name__)

_MOST_WAITING = 1000
_MOST_WAITING_BYTES = 1 << 30
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 60.0
_PASSING = (MemoryUnavailable, MemoryUnwritable, ModelLoadFailed, EngineClosed)
"""Errors that are no fault of the document: it waits until the store or the model is back."""


class Ingestion:
    """Works through the queue of a memory. What others left in it when they were killed is taken up, too."""

    def __init__(self, queue: IngestQueue, intake: Intake, threads: Threads) -> None:
        self._queue = queue
        self._intake = intake
        self._threads = threads
        self._in_line: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._worker: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._is_closed = False

    async def ingest(
        self, content: Content, *, source: str, media_type: str | None = None, on_progress: OnProgress | None = None
    ) -> Ingested:
        """Take in a document now. Who is cancelled, or told of an error, need not expect it to be taken in later.

        Raises UnreadableDocument, a MemoryFailed, or what embedding raises.
        """
        self._begin()
        async with self._turn_of(source):
            if (same := await self._intake.unchanged(content, source)) is not None:
                return same
            job = await self._threads.run(self._queue.add, source, content, media_type, is_mine=True)
            try:
                taken = await self._intake.take_in(content, source, media_type, on_progress)
            except InvalidRequest as error:
                await self._fail(job, error)
                raise
            except BaseException:
                await self._threads.run(self._queue.done, job)
                raise
            await self._threads.run(self._queue.done, job)
            return taken

    async def submit(self, content: Content, *, source: str, media_type: str | None = None) -> None:
        """Accept a document, to be taken in later: when this returns, it is in the queue on the disk.

        Waits while the queue is full.
        """
        self._begin()
        async with self._changed:
            while _is_full(await self._threads.run(self._queue.jobs)):
                await self._changed.wait()
                self._check_open()
        await self._threads.run(self._queue.add, source, content, media_type, is_mine=False)
        self._begin()

    async def settle(self) -> None:
        """Wait until the queue holds nothing that could be taken in."""
        self._begin()
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def jobs(self) -> Sequence[IngestJob]:
        """What is in the queue."""
        return await self._threads.run(self._queue.jobs)

    async def forget(self, source: str | None) -> int:
        """Drop what waits in the queue, and what failed, of a source or all; return how many documents that were."""
        return await self._threads.run(self._queue.forget, source)

    async def close(self) -> None:
        """Stop. What was accepted waits on the disk until the memory is opened again."""
        self._is_closed = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        async with self._changed:
            self._changed.notify_all()
        await self._threads.run(self._queue.close)

    def _begin(self) -> None:
        self._check_open()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineClosed("the engine was shut down")

    def _turn_of(self, source: str) -> asyncio.Lock:
        """Held while a document of that source is taken in."""
        return self._in_line.setdefault(source, asyncio.Lock())

    async def _work(self) -> None:
        """Take in what waits, until there is nothing left."""
        pause_s = _FIRST_PAUSE_S
        while (job := await self._threads.run(self._queue.take)) is not None:
            try:
                await self._take_in(job)
                pause_s = _FIRST_PAUSE_S
            except _PASSING as error:
                _log.warning("%s is not taken in yet: %s", job.source, error)
                await self._threads.run(self._queue.release, job)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            except asyncio.CancelledError:
                await self._threads.run(self._queue.release, job)
                raise
            async with self._changed:
                self._changed.notify_all()

    async def _take_in(self, job: Job) -> None:
        try:
            async with self._turn_of(job.source), self._content_of(job) as content:
                await self._intake.take_in(content, job.source, job.media_type, None)
        except _PASSING:
            raise
        except PolyError as error:
            await self._fail(job, error)
        except Exception as error:  # noqa: BLE001 - the loop's edge: a bug of ours must not end it
            _log.exception("%s cannot be taken in", job.source)
            await self._fail(job, error)
        else:
            await self._threads.run(self._queue.done, job)

    @asynccontextmanager
    async def _content_of(self, job: Job) -> AsyncIterator[Content]:
        content = await self._threads.run(self._queue.content, job)
        try:
            yield content
        finally:
            contents.close(content)

    async def _fail(self, job: Job, error: Exception) -> None:
        """Keep on record that a document could not be taken in."""
        cause = error.cause if isinstance(error, UnreadableDocument) else getattr(error, "code", "error")
        reason = error.reason if isinstance(error, UnreadableDocument) else str(error)
        await self._threads.run(self._queue.fail, job, cause, reason)


def _is_full(jobs: Sequence[IngestJob]) -> bool:
    waiting = [job for job in jobs if job.state != "failed"]
    return len(waiting) >= _MOST_WAITING or sum(job.n_bytes for job in waiting) >= _MOST_WAITING_BYTES
