"""The requests that a server works on: what each has come to, who watches it, and how it is ended from outside."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from types import TracebackType

from aiohttp import web

from poly_engine import Done, Event, PolyError, Progress, Recalled, Token
from poly_engine.errors import EngineFailed, Overloaded, RequestCancelled, RequestNotFound
from poly_engine.types import Calling, Thinking
from poly_serve.reports import RequestReport, RequestState, SoFar, Written
from poly_serve.watchers import Watcher
from poly_serve.wire import event_record

__all__ = ["SERVED", "Asked", "Served", "ServedRequests"]

_MOST_REMEMBERED = 4096
"""Tokens that are kept of each request, for whoever begins to watch it."""
_MOST_WATCHERS = 64
_PATIENCE_S = 2.0
"""For a client to read on, when its request was cancelled, before it is cut off."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, and by whom, as `RequestReport` tells it."""

    id: str
    method: str
    route: str
    task: str
    model: str
    subject: str


class ServedRequests:
    """Those that are under way, or wait, by their numbers."""

    def __init__(self) -> None:
        self._served: dict[int, Served] = {}
        self._numbers = itertools.count(1)
        self._n_tokens = 0

    @property
    def n_tokens(self) -> int:
        """How many tokens were written so far."""
        return self._n_tokens + sum(one.n_tokens for one in self._served.values())

    def reports(self) -> Sequence[RequestReport]:
        """What there is, in the order in which it came."""
        return [one.report() for one in self._served.values()]

    @contextmanager
    def serve(self, asked: Asked, on_cut: Callable[[], None], on_done: Callable[[Done], None]) -> "Iterator[Served]":
        """Work on a request in the block, which has to be of one task, and may raise RequestCancelled.

        `on_cut` cuts off its client, and `on_done` is told how its answer ended.
        """
        number = next(self._numbers)
        served = self._served[number] = Served(number, asked, on_cut, on_done)
        with ExitStack() as over:
            over.push(served.end)
            over.callback(self._forget, number)
            with served.interruptible():
                yield served

    def cancel(self, number: int) -> None:
        """End a request. Raises RequestNotFound."""
        self._find(number).cancel()

    @contextmanager
    def watch(self, number: int) -> Iterator[tuple[SoFar, Watcher]]:
        """What was written of a request so far, and who is told what comes. Raises RequestNotFound, and Overloaded."""
        served = self._find(number)
        if sum(one.n_watchers for one in self._served.values()) >= _MOST_WATCHERS:
            raise Overloaded(f"{_MOST_WATCHERS} streams are watched already: leave one of them")
        so_far, watcher = served.watch()
        try:
            yield so_far, watcher
        finally:
            served.unwatch(watcher)

    def _find(self, number: int) -> "Served":
        if number not in self._served:
            raise RequestNotFound(str(number))
        return self._served[number]

    def _forget(self, number: int) -> None:
        self._n_tokens += self._served.pop(number).n_tokens


SERVED = web.AppKey("served", ServedRequests)


class Served:
    """One request in the making, as `ServedRequests.serve` has it."""

    def __init__(self, number: int, asked: Asked, on_cut: Callable[[], None], on_done: Callable[[Done], None]) -> None:
        self.n_tokens = 0
        self._number = number
        self._asked = asked
        self._on_cut = on_cut
        self._on_done = on_done
        self._begin = time.monotonic()
        self._first_token: float | None = None
        self._state: RequestState = "waiting"
        self._context_tokens = 0
        self._written: deque[Written] = deque(maxlen=_MOST_REMEMBERED)
        self._watchers: list[Watcher] = []
        self._done: Done | None = None
        task = asyncio.current_task()
        assert task is not None, "requests are worked on by tasks"
        self._task = task
        self._is_cancelled = False
        self._is_at_client = False
        """Whether its task tells the client something. An error that is raised there could not be told any more."""
        self._is_over = False

    def report(self) -> RequestReport:
        """What it has come to."""
        now = time.monotonic()
        writing_s = now - self._first_token if self._first_token is not None else 0.0
        return RequestReport(
            number=self._number,
            **asdict(self._asked),
            state=self._state,
            n_tokens=self.n_tokens,
            tokens_per_s=round(self.n_tokens / writing_s, 2) if writing_s > 0 else 0.0,
            context_tokens=self._context_tokens,
            seconds=round(now - self._begin, 3),
        )

    def begin(self) -> None:
        """Its place was given."""
        self._state = "reading"

    async def follow(self, events: AsyncIterator[Event]) -> AsyncGenerator[Event]:
        """The events of its answer, as they come, counted. Raises RequestCancelled, too."""
        try:
            with self.interruptible():
                async for event in events:
                    self._hear(event)
                    self._is_at_client = True
                    yield event
                    self._is_at_client = False
                    if self._is_cancelled:
                        raise self._cancellation
        finally:
            self._is_at_client, self._is_over = False, True

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Have the block raise RequestCancelled when it is cancelled, as asyncio.timeout does. When its task is, too,
        the block ends as it does then.
        """
        n_cancelling = self._task.cancelling()
        try:
            yield
        except asyncio.CancelledError as error:
            if self._is_cancelled and self._task.uncancel() <= n_cancelling:
                raise self._cancellation from error
            raise

    def cancel(self) -> None:
        """End it. If its client does not read, so that nothing else ends it, it is cut off soon."""
        if self._is_cancelled or self._is_over:
            return
        self._is_cancelled = True
        if self._is_at_client:
            asyncio.get_running_loop().call_later(_PATIENCE_S, self._cut_if_it_hangs)
        else:
            self._task.cancel()

    def watch(self) -> tuple[SoFar, Watcher]:
        """What was written so far, and the watcher that is told what comes. To be left by `unwatch`."""
        watcher = Watcher()
        self._watchers.append(watcher)
        written = tuple(_joined(self._written))
        return SoFar(self.report(), written, len(self._written) == _MOST_REMEMBERED), watcher

    def unwatch(self, watcher: Watcher) -> None:
        """Tell somebody nothing more."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    @property
    def n_watchers(self) -> int:
        """How many are told what happens."""
        return len(self._watchers)

    def end(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """It is over, because of an error or because all is said: a way to leave a block."""
        self._is_over = True
        for watcher in self._watchers:
            if error is None and self._done is not None:
                watcher.tell(event_record(self._done))
            watcher.end(None if error is None else self._told(error))
        self._watchers = []

    def _hear(self, event: Event) -> None:
        match event:
            case Token(text=text):
                self._write(Written("token", text))
            case Thinking(text=text):
                self._write(Written("thinking", text))
            case Calling(arguments=text):
                self._write(Written("calling", text))
            case Progress(total=total):
                self._context_tokens = total
            case Done():
                self._done = event
                self._context_tokens = event.usage.context_tokens
                self._on_done(event)
                return  # watchers are told when all is over
        if self._watchers and not isinstance(event, Recalled):
            self._tell(event)

    def _write(self, written: Written) -> None:
        self.n_tokens += 1
        self._context_tokens += 1
        if self._first_token is None:
            self._first_token, self._state = time.monotonic(), "writing"
        if written.text:
            self._written.append(written)

    def _tell(self, event: Event) -> None:
        record = event_record(event)
        record.pop("logprobs", None)
        for watcher in self._watchers:
            watcher.tell(record)
        self._watchers = [one for one in self._watchers if not one.is_left_behind]

    def _told(self, error: BaseException) -> PolyError:
        """What watchers are told of an error."""
        match error:
            case PolyError():
                return error
            case asyncio.CancelledError() | ConnectionError():
                return RequestCancelled(f"the client of request {self._number} is gone")
        return EngineFailed(f"request {self._number} failed: the log of the server says why")

    @property
    def _cancellation(self) -> RequestCancelled:
        return RequestCancelled(f"request {self._number} was cancelled by who runs the server")

    def _cut_if_it_hangs(self) -> None:
        if self._is_at_client:
            self._on_cut()


def _joined(written: Iterable[Written]) -> Iterator[Written]:
    """Texts of the same kind that follow each other, as one."""
    for kind, texts in itertools.groupby(written, key=lambda one: one.type):
        yield Written(kind, "".join(one.text for one in texts))
