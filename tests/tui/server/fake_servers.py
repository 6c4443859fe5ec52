"""Servers that are not there: what they tell, and when they are lost, is up to the test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from poly_engine.config import Config
from poly_engine.errors import PolyError, RequestNotFound
from poly_engine.types import Event
from poly_serve.reports import RequestReport, ServerReport, SoFar, TaskReport, Written

__all__ = ["BUSY", "TASKS", "FakeDaemon", "FakeServers", "FakeWatch", "report", "request"]

URL = "http://127.0.0.1:3000"


def report(**known: object) -> ServerReport:
    """How a server is that has been used for three hours."""
    plain = ServerReport("1.0", 11_520.0, False, 1284, 3, 2, 0, 0, 90_000, 3_400_000_000, 0.41, 1.1)
    return replace(plain, **known)  # type: ignore[arg-type]  # the test knows their types


def request(number: int, **known: object) -> RequestReport:
    """A request that is answered."""
    plain = RequestReport(
        number, "f00d", "POST", "/v1/task/legal/live", "legal", "m", "key:ci-bot", "writing", 41, 46.0, 1234, 2.1
    )
    return replace(plain, **known)  # type: ignore[arg-type]  # as above


TASKS = (
    TaskReport("legal", 412, 640_000, 152.0, 88_000, 1864.4, 0.41, 1.1),
    TaskReport("recipe", 61, 71_000, 18.2, 30_000, 681.8, 0.38, 0.9),
)
BUSY = (request(1284), request(1285, state="waiting", subject="ada", n_tokens=0, tokens_per_s=0.0, seconds=0.4))


class FakeWatch:
    """A server that answers what it is told to."""

    def __init__(self, url: str = URL) -> None:
        self.url = url
        self.answers = True
        self.failure: PolyError | None = None
        self.report_now = report()
        self.tasks: Sequence[TaskReport] = TASKS
        self.requests_now: Sequence[RequestReport] = BUSY
        self.cancelled: list[int] = []
        self.n_asked = 0
        self.is_closed = False
        self.so_far: tuple[Written, ...] = (Written("thinking", "Hm. "), Written("token", "…terminate in three"))
        self.streams: dict[int, asyncio.Queue[Event | PolyError | None]] = {}

    async def is_there(self) -> bool:
        return self.answers

    async def report(self) -> tuple[ServerReport, Sequence[TaskReport]]:
        return self.report_now, self.tasks

    async def requests(self) -> Sequence[RequestReport]:
        self.n_asked += 1
        if self.failure is not None:
            raise self.failure
        return self.requests_now

    @asynccontextmanager
    async def watch(self, number: int) -> AsyncIterator[AsyncIterator[SoFar | Event]]:
        found = [one for one in self.requests_now if one.number == number]
        if not found:
            raise RequestNotFound(str(number))
        stream = self.streams[number] = asyncio.Queue()
        try:
            yield self._events(found[0], stream)
        finally:
            del self.streams[number]

    async def cancel(self, number: int) -> None:
        self.cancelled.append(number)
        self.requests_now = [one for one in self.requests_now if one.number != number]

    async def close(self) -> None:
        self.is_closed = True

    async def _events(
        self, asked: RequestReport, stream: asyncio.Queue[Event | PolyError | None]
    ) -> AsyncIterator[SoFar | Event]:
        yield SoFar(asked, self.so_far, is_cut=False)
        while (one := await stream.get()) is not None:
            if isinstance(one, PolyError):
                raise one
            yield one


class FakeDaemon:
    """A process that lives as long as the test says."""

    def __init__(self, *lines: str, url: str | None = None, key: str | None = None) -> None:
        self.url = url
        self.key = key
        self.log_path = Path("/state/serve.log")
        self.lines = list(lines)
        self.is_running = True
        self.n_stopped = 0
        self.n_reloaded = 0
        self.is_left = False

    def is_alive(self) -> bool:
        return self.is_running

    def read_log(self) -> Sequence[str]:
        lines, self.lines = self.lines, []
        return lines

    def stop(self) -> None:
        self.n_stopped += 1

    def reload(self) -> None:
        self.n_reloaded += 1

    def leave(self) -> None:
        self.is_left = True


class FakeServers:
    """What can be looked at and started."""

    def __init__(self, *, answers: bool = False, left: FakeDaemon | None = None) -> None:
        self.config = Config()
        self.watches: list[tuple[str, str | None]] = []
        self.seen = FakeWatch()
        self.seen.answers = answers
        self.left = left
        self.next: FakeDaemon | PolyError = FakeDaemon()
        self.n_started = 0

    def configuration(self) -> Config:
        return self.config

    def watch(self, url: str, key: str | None) -> FakeWatch:
        self.watches.append((url, key))
        self.seen.url = url
        return self.seen

    def left_running(self) -> FakeDaemon | None:
        return self.left

    def start(self) -> FakeDaemon:
        self.n_started += 1
        if isinstance(self.next, PolyError):
            raise self.next
        return self.next
