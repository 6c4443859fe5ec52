"""A server as who runs it sees it: how it is, and the requests that it works on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from poly_engine.errors import EngineUnreachable, Forbidden, PolyError
from poly_engine.types import Event
from poly_serve.client.address import Address
from poly_serve.client.faults import no_poly
from poly_serve.client.server import Server
from poly_serve.reports import RequestReport, ServerReport, SoFar, TaskReport
from poly_serve.wire import event_from, is_event

__all__ = ["ServerWatch"]

_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class _Duration:
    """Seconds as the original writes them."""

    secs: int
    nanos: int

    @property
    def seconds(self) -> float:
        return self.secs + self.nanos / 1e9


@dataclass(frozen=True, slots=True)
class _TaskStats:
    """What a task has done, as the original writes it, and more."""

    cycles: int
    prompt_tokens: int
    prompt_duration: _Duration
    predict_tokens: int
    predict_duration: _Duration
    first_token_p50_s: float = 0.0
    first_token_p95_s: float = 0.0


class ServerWatch:
    """Watches `poly serve` at a URL, with a key that may be used for everything, if the server wants one. To be closed.

    Raises ConfigError for a URL that is none. Everything may raise EngineUnreachable, Unauthorized and Forbidden; what
    is asked again finds the server when it is there again.
    """

    def __init__(self, url: str, key: str | None = None, *, answer_s: float = _ANSWER_S) -> None:
        self._server = Server(Address.of(url), key, silence_s=answer_s)
        self._answer_s = answer_s

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._server.address.url

    async def is_there(self) -> bool:
        """Whether a server of Poly answers, which says nothing about what it allows."""
        try:
            async with self._in_time():
                return (await self._server.peek("healthz")).get("status") == "ok"
        except PolyError:
            return False

    async def report(self) -> tuple[ServerReport, Sequence[TaskReport]]:
        """How the server is, and what each task has done. Raises Forbidden if the key is for some things only."""
        answer = await self._get("v1", "stats", detail="1")
        tasks = answer.get("tasks")
        if not isinstance(tasks, dict):
            raise no_poly(self.url)
        if "server" not in answer:
            raise Forbidden("the key is for some things only: how the server is, is told who may use everything")
        server = self._server.thing(ServerReport, answer["server"])
        return server, [self._task(name, plain) for name, plain in tasks.items()]

    async def requests(self) -> Sequence[RequestReport]:
        """The requests that it works on, in the order in which they came."""
        return self._server.things(RequestReport, await self._get("v1", "requests"), "requests")

    @asynccontextmanager
    async def watch(self, number: int) -> AsyncIterator[AsyncIterator[SoFar | Event]]:
        """What a request has come to, and then its events up to Done; what is recalled is not told. The request does
        not notice. Raises RequestNotFound, and while iterating why the request failed, or Overloaded after a pause.
        """
        async with self._server.events("v1", "requests", str(number), "events") as events:
            yield self._watched(events)

    async def cancel(self, number: int) -> None:
        """End a request, whose client is told so. Raises RequestNotFound."""
        async with self._in_time():
            await self._server.ask("DELETE", "v1", "requests", str(number), is_repeatable=True)

    async def close(self) -> None:
        """Watch no more."""
        await self._server.close()

    async def _watched(self, events: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[SoFar | Event]:  # Any: as JSON
        async for name, plain in events:
            if name == "written":
                yield self._server.thing(SoFar, plain)
            elif isinstance(plain, dict) and is_event(plain):
                try:
                    yield event_from(plain)
                except (KeyError, ValidationError) as error:
                    raise no_poly(self.url) from error

    def _task(self, name: str, plain: object) -> TaskReport:
        stats = self._server.thing(_TaskStats, plain)
        return TaskReport(
            name=name,
            cycles=stats.cycles,
            prompt_tokens=stats.prompt_tokens,
            prompt_s=stats.prompt_duration.seconds,
            predict_tokens=stats.predict_tokens,
            predict_s=stats.predict_duration.seconds,
            first_token_p50_s=stats.first_token_p50_s,
            first_token_p95_s=stats.first_token_p95_s,
        )

    async def _get(self, *path: str, **query: str) -> dict[str, Any]:  # Any: as JSON
        async with self._in_time():
            return await self._server.get(*path, query=query)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._answer_s):
                yield
        except TimeoutError as error:
            raise EngineUnreachable(f"the server at {self.url} does not answer within {self._answer_s:g} s") from error
