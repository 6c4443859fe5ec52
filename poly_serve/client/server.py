"""One server, as its clients see it: requests of HTTP, and what goes wrong with them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from pydantic import ValidationError

from poly_engine import __version__
from poly_engine.errors import EngineClosed, EngineFailed, EngineUnreachable
from poly_serve.client.address import Address
from poly_serve.client.faults import broken, no_poly, refusal, told, unreachable
from poly_serve.lines import lines_of
from poly_serve.wire import decoded

if TYPE_CHECKING:  # 100 ms, which only a chat costs
    from websockets.asyncio.client import ClientConnection

__all__ = ["Server"]

_log = logging.getLogger(__name__)

T = TypeVar("T")
Json = dict[str, Any]  # Any: as JSON
Query = Mapping[str, str]
Content = Callable[[], AsyncIterator[bytes]]

_CONNECT_S = 5.0
_ANSWER_S = 600.0
"""The longest that a server may be silent after a plain request, which may have to load a model first."""
_DELAYS_S = (0.1, 0.4, 1.6)
"""Before the next attempts."""
_NO_QUERY: Query = {}
_NOTHING = object()


class Server:
    """A server at an address, which accepts a key, if it wants one. To be closed.

    A request is tried up to four times while nobody answers, and a repeatable one also when the connection breaks.
    Where something is to be heard all the time, silence of `silence_s` is taken for a broken connection. Raises
    EngineUnreachable where there is none, what the server tells, and EngineClosed after it was closed.
    """

    def __init__(self, address: Address, key: str | None, *, silence_s: float) -> None:
        self.address = address
        self._silence_s = silence_s
        self._headers = {"Accept": "application/json", "User-Agent": f"poly/{__version__}"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._tls = httpx.create_ssl_context() if address.is_secure else None
        self._client = httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(None, connect=_CONNECT_S, read=_ANSWER_S),
            limits=httpx.Limits(max_connections=None),
            verify=self._tls or False,  # certificates cost 30 ms, and are not asked for
            trust_env=not address.is_local,
        )
        self._is_closed = False

    def check_open(self) -> None:
        """Raise EngineClosed if it was closed."""
        if self._is_closed:
            raise EngineClosed("the engine was shut down")

    async def get(self, *path: str, query: Query = _NO_QUERY) -> Json:
        """What a server has to tell, as an object of JSON."""
        return await self.ask("GET", *path, query=query, is_repeatable=True)

    async def peek(self, *path: str) -> Json:
        """As `get`, but asked only once: who wants to know whether a server is there hears at once that it is not."""
        with self._in_our_words():
            async with self._stream("GET", path) as response:
                answer = self.parsed(await response.aread())
        if not isinstance(answer, dict):
            raise no_poly(self.address.url)
        return answer

    async def ask(
        self,
        method: str,
        *path: str,
        query: Query = _NO_QUERY,
        body: object = None,
        content: Content | None = None,
        is_repeatable: bool = False,
    ) -> Json:
        """What a server answers to an object of JSON, or to other content. Repeatable is what may happen twice."""

        async def once() -> bytes:
            given: dict[str, object] = {"json": body} if content is None else {"content": content()}
            async with self._stream(method, path, query=query, **given) as response:
                return await response.aread()

        with self._in_our_words():
            answer = self.parsed(await self._attempt(once, is_repeatable=is_repeatable))
        if not isinstance(answer, dict):
            raise no_poly(self.address.url)
        return answer

    async def follow(
        self,
        method: str,
        *path: str,
        query: Query = _NO_QUERY,
        content: Content | None = None,
        on_progress: Callable[[Any], None] = lambda _: None,  # Any: as JSON
    ) -> Any:  # Any: as above
        """Follow what a server does, event by event; return what comes of it."""
        timeout = httpx.Timeout(None, connect=_CONNECT_S, read=self._silence_s)

        async def once() -> object:
            body = content() if content is not None else None
            outcome: object = _NOTHING
            async with self._stream(method, path, query=query, content=body, timeout=timeout) as response:
                async for name, text in _events(response):  # to the end, so that the connection can be used again
                    plain = self.parsed(text)
                    if name == "done":
                        outcome = plain
                    elif name == "failed":
                        raise told(self.address.url, plain)
                    else:
                        on_progress(plain)
            if outcome is _NOTHING:
                raise EngineFailed(f"the server at {self.address.url} did not say what came of it")
            return outcome

        with self._in_our_words():
            return await self._attempt(once, is_repeatable=False)

    @asynccontextmanager
    async def lines(self, *path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer, as they come. Also an answer that breaks off raises EngineUnreachable."""
        with self._in_our_words():
            async with self._stream("GET", path) as response:
                yield lines_of(response.aiter_bytes())

    @asynccontextmanager
    async def events(self, *path: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:  # Any: as JSON
        """The events of an answer, as they come: the name of each, and what it holds. The event `failed` is raised."""
        timeout = httpx.Timeout(None, connect=_CONNECT_S, read=self._silence_s)
        with self._in_our_words():
            async with self._stream("GET", path, timeout=timeout) as response:
                yield self._told(response)

    async def _told(self, response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:  # Any: as JSON
        async for name, text in _events(response):
            if name == "failed":
                raise told(self.address.url, self.parsed(text))
            yield name, self.parsed(text)

    async def dial(self, *path: str, protocol: str | None = None) -> "ClientConnection":
        """Open a WebSocket."""
        from poly_serve.client.dialing import dial  # 100 ms, which only a chat costs

        self.check_open()
        try:
            return await self._attempt(
                lambda: dial(self.address, path, self._headers, self._tls, protocol, ping_s=self._silence_s / 2),
                is_repeatable=True,
            )
        except OSError as error:
            self.check_open()
            raise unreachable(self.address.url, error) from error

    def parsed(self, text: str | bytes) -> Any:  # Any: as JSON
        """What JSON says. Raises EngineFailed if it is none."""
        try:
            return json.loads(text)
        except ValueError as error:
            raise no_poly(self.address.url) from error

    def thing(self, kind: type[T], plain: object) -> T:
        """What an answer holds. Raises EngineFailed if it is something else."""
        try:
            return decoded(kind, plain)
        except ValidationError as error:
            raise no_poly(self.address.url) from error

    def things(self, kind: type[T], answer: Json, key: str) -> list[T]:
        """As `thing`, for a list below a key."""
        found = answer.get(key)
        if not isinstance(found, list):
            raise no_poly(self.address.url)
        return [self.thing(kind, one) for one in found]

    async def close(self) -> None:
        """Give up what is under way."""
        self._is_closed = True
        await self._client.aclose()

    @asynccontextmanager
    async def _stream(
        self, method: str, path: Sequence[str], **request: Any
    ) -> AsyncIterator[httpx.Response]:  # Any: of httpx
        """An answer, of which the beginning is there. Raises what it tells, if it is an error."""
        self.check_open()
        query = request.pop("query", None)
        async with self._client.stream(method, self.address.path(*path), params=query, **request) as response:
            if not response.is_success:
                raise refusal(self.address.url, response.status_code, await response.aread())
            yield response

    async def _attempt(self, once: Callable[[], Awaitable[T]], *, is_repeatable: bool) -> T:
        for delay_s in _DELAYS_S:
            try:
                return await once()
            except (httpx.TransportError, OSError, EngineUnreachable) as error:
                can_help = is_repeatable or isinstance(error, httpx.ConnectError)
                if self._is_closed or not can_help or isinstance(error, httpx.TimeoutException | TimeoutError):
                    raise
                _log.info("the server at %s is asked again in %g s: %r", self.address.url, delay_s, error)
            await asyncio.sleep(delay_s)
        return await once()

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except httpx.RequestError as error:
            self.check_open()  # closing it breaks the connections
            was_there = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise (broken if was_there else unreachable)(self.address.url, error) from error


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """The events of an answer: the name of each, and its text."""
    name, texts = "", list[str]()
    async for line in lines_of(response.aiter_bytes()):
        field, _, value = line.decode(errors="replace").rstrip("\r\n").partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            texts.append(value.removeprefix(" "))
        elif not field and not value and texts:
            yield name, "\n".join(texts)
            name, texts = "", []
