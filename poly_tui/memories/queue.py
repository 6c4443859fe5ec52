"""Documents that are being taken into memories, a few at once: paused, cancelled, tried again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeAlias

from poly_engine.errors import InvalidRequest, PolyError, UnreadableDocument
from poly_engine.interface import Engine
from poly_engine.types import IngestProgress
from poly_tui.documents import Document, take_in

__all__ = ["AT_ONCE", "Item", "State", "TakeInQueue"]

AT_ONCE = 3
"""While one document is embedded, others are read and stored."""


class State(Enum):
    """How far a document is. The value is the word for it."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


class Work(Protocol):
    """What was begun, and can be broken off."""

    def cancel(self) -> object:
        """Break it off."""


Begin: TypeAlias = Callable[[Coroutine[Any, Any, None]], Work]  # Any: what a coroutine is sent is nobody's affair here


@dataclass(slots=True, eq=False)
class Item:
    """A document on its way into a memory. `outcome` is the engine's word for what became of it, `reason` says why it
    failed. Of the `n_new` chunks that have to be embedded `n_embedded` are; `began` is when the first was to be.
    """

    memory: str
    document: Document
    state: State = State.WAITING
    outcome: str = ""
    reason: str = ""
    n_embedded: int = 0
    n_new: int = 0
    n_chunks: int = 0
    began: float | None = None
    heard: float = 0.0
    work: Work | None = field(default=None, repr=False)
    is_unwanted: bool = False

    @property
    def source(self) -> str:
        """What the memory knows it by."""
        return self.document.name

    @property
    def share(self) -> float:
        """How much of it is embedded, 0 to 1."""
        return self.n_embedded / self.n_new if self.n_new else 0.0

    @property
    def chunks_per_s(self) -> float | None:
        """How fast it is embedded, once that can be told."""
        if self.began is None or not self.n_embedded or self.heard <= self.began:
            return None
        return self.n_embedded / (self.heard - self.began)

    @property
    def left_s(self) -> float | None:
        """In how many seconds it will be embedded, once that can be told."""
        rate = self.chunks_per_s
        return None if rate is None else (self.n_new - self.n_embedded) / rate


class TakeInQueue:
    """Takes in what is added, in order. `begin` runs a coroutine beside, such that it can be broken off. `on_change`
    is told of every step.

    A document that cannot be read fails alone. Where the memory, the model or the server does not work, none would
    succeed: then everything waits, `trouble` says why, and `go_on` tries again. What is cancelled leaves nothing
    behind: a document is in a memory as a whole or not at all.
    """

    def __init__(
        self,
        engine: Callable[[], Awaitable[Engine]],
        begin: Begin,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.items: list[Item] = []
        self.trouble: PolyError | None = None
        self._engine = engine
        self._begin = begin
        self._on_change = on_change
        self._clock = clock
        self._is_paused = False

    @property
    def is_paused(self) -> bool:
        """Whether nothing new is begun. What was begun comes to its end."""
        return self._is_paused

    @property
    def n_working(self) -> int:
        """How many documents are being taken in right now."""
        return sum(item.state is State.WORKING for item in self.items)

    @property
    def n_waiting(self) -> int:
        """How many are still to come."""
        return sum(item.state is State.WAITING for item in self.items)

    @property
    def n_failed(self) -> int:
        """How many could not be taken in."""
        return sum(item.state is State.FAILED for item in self.items)

    @property
    def is_busy(self) -> bool:
        """Whether there is anything left to do."""
        return self.n_working > 0 or self.n_waiting > 0

    def find(self, memory: str, source: str) -> Item | None:
        """The last item of a source."""
        return next((one for one in reversed(self.items) if (one.memory, one.source) == (memory, source)), None)

    def add(self, memory: str, documents: Iterable[Document]) -> None:
        """Take in documents, after those that wait. One that is on its way already is not added again."""
        for document in documents:
            item = self.find(memory, document.name)
            if item is None or item.state.is_over:
                self.items = [one for one in self.items if one is not item]
                self.items.append(Item(memory, document))
        self._step()

    def pause(self) -> None:
        """Begin nothing new."""
        self._is_paused = True
        self._on_change()

    def go_on(self) -> None:
        """Go on after a pause, or after trouble."""
        self._is_paused, self.trouble = False, None
        self._step()

    def cancel(self, item: Item) -> None:
        """Do not take a document in, or break it off."""
        if not item.state.is_over:
            item.state, item.is_unwanted = State.CANCELLED, True
            if item.work is not None:
                item.work.cancel()
            self._step()

    def retry(self, memory: str) -> int:
        """Try again what failed or was cancelled; return how many documents that are."""
        again = [one for one in self.items if one.memory == memory and one.state in (State.FAILED, State.CANCELLED)]
        for item in again:
            self.items[self.items.index(item)] = Item(memory, item.document)
        self._step()
        return len(again)

    def drop_done(self, memory: str, sources: Container[str]) -> None:
        """Forget those items whose documents are seen to be in the memory."""
        self.items = [
            one
            for one in self.items
            if one.state is not State.DONE or one.memory != memory or one.source not in sources
        ]

    def drop(self, memory: str, source: str) -> None:
        """Forget an item of which nothing more will become."""
        self.items = [
            one for one in self.items if not (one.state.is_over and (one.memory, one.source) == (memory, source))
        ]

    # How it is done

    def _step(self) -> None:
        """Begin as many as there may be."""
        if not self._is_paused:
            waiting = [item for item in self.items if item.state is State.WAITING]
            for item in waiting[: max(0, AT_ONCE - self.n_working)]:
                item.state = State.WORKING
                item.work = self._begin(self._take_in(item))
        self._on_change()

    async def _take_in(self, item: Item) -> None:
        def hear(progress: IngestProgress) -> None:
            item.heard = self._clock()
            item.began = item.heard if item.began is None else item.began
            item.n_embedded, item.n_new = progress.n_embedded, progress.n_new
            self._on_change()

        try:
            done = await take_in(await self._engine(), item.memory, item.document, on_progress=hear)
            item.state, item.outcome, item.n_chunks = State.DONE, done.outcome, done.n_chunks
        except InvalidRequest as error:
            item.state = State.FAILED
            item.reason = error.reason if isinstance(error, UnreadableDocument) else str(error)
        except PolyError as error:
            if not item.is_unwanted:
                item.state, self.trouble, self._is_paused = State.WAITING, error, True
        except asyncio.CancelledError:
            item.state = State.CANCELLED
            self._is_paused = self._is_paused or not item.is_unwanted  # else all comes to its end: begin nothing more
            raise
        finally:
            item.work = None
            self._step()
