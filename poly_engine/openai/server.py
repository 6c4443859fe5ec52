"""One server of OpenAI's protocol: requests of HTTP, and answers that come piece by piece."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from poly_engine.errors import EngineClosed
from poly_engine.openai.faults import broken, no_protocol, refusal, told, unreachable
from poly_engine.text.lines import lines_of

if TYPE_CHECKING:  # 60 ms, which only models of servers cost
    import httpx

__all__ = ["Json", "Server"]

_log = logging.getLogger(__name__)

Json = dict[str, Any]  # Any: as JSON

_CONNECT_S = 5.0
_DELAYS_S = (0.1, 0.4, 1.6)
"""Before the next attempts, where there was no connection."""
_LOCAL = ("localhost", "127.0.0.1", "::1")
_END = "[DONE]"


class Server:
    """A server at a URL, which accepts a key, if it wants one, and may be silent for `timeout_s`. To be closed.

    A request is tried up to four times while there is no connection, and only once when there was one: what was begun
    is never begun twice. Leaving an answer closes its connection, by which servers know that they can stop. Raises what
    `poly_engine.openai.faults` makes of what goes wrong.
    """

    def __init__(self, url: str, key: str | None, timeout_s: float) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._opened: httpx.AsyncClient | None = None
        self._is_closed = False

    async def get(self, path: str) -> Json:
        """What the server has to tell."""
        return await self._ask("GET", path)

    async def post(self, path: str, body: Mapping[str, object]) -> Json:
        """What the server answers, at once."""
        return await self._ask("POST", path, json=body)

    @asynccontextmanager
    async def stream(self, path: str, body: Mapping[str, object]) -> AsyncIterator[AsyncIterator[Json]]:
        """What the server answers, piece by piece. It has begun to when the block is entered."""
        with self._in_our_words():
            async with self._answer("POST", path, json=body) as response:
                if "event-stream" not in response.headers.get("content-type", ""):
                    raise self._no_stream(await response.aread())
                async with aclosing(self._pieces(response)) as pieces:
                    yield pieces

    async def close(self) -> None:
        """Give up what is under way: it raises EngineClosed, and so does what is asked afterwards."""
        self._is_closed = True
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    async def _ask(self, method: str, path: str, **given: object) -> Json:
        with self._in_our_words():
            async with self._answer(method, path, **given) as response:
                return self._object(await response.aread())

    @asynccontextmanager
    async def _answer(self, method: str, path: str, **given: Any) -> "AsyncIterator[httpx.Response]":  # Any: of httpx
        response = await self._attempt(method, path, given)
        try:
            if not response.is_success:
                raise refusal(self.url, response.status_code, response.headers, await response.aread())
            yield response
        finally:
            await response.aclose()

    async def _attempt(self, method: str, path: str, given: Mapping[str, Any]) -> "httpx.Response":  # Any: of httpx
        import httpx  # as above

        for delay_s in (*_DELAYS_S, None):
            client = self._client
            try:
                return await client.send(client.build_request(method, f"{self.url}/{path}", **given), stream=True)
            except httpx.ConnectError as error:
                if delay_s is None:
                    raise
                _log.info("the server at %s is asked again in %g s: %r", self.url, delay_s, error)
            await asyncio.sleep(delay_s)
        raise AssertionError("the last attempt raises")

    @property
    def _client(self) -> "httpx.AsyncClient":
        import httpx  # as above

        if self._is_closed:
            raise _closed()
        if self._opened is None:
            parts = urlsplit(self.url)
            self._opened = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                timeout=httpx.Timeout(self._timeout_s, connect=_CONNECT_S, pool=None),
                limits=httpx.Limits(max_connections=None),
                verify=parts.scheme == "https",  # certificates cost 30 ms, and are not asked for
                trust_env=parts.hostname not in _LOCAL,  # no proxy leads to this machine
            )
        return self._opened

    async def _pieces(self, response: "httpx.Response") -> AsyncGenerator[Json]:
        """The pieces of an answer; an error among them is raised, and so is an end before all was said."""
        is_ended = False
        async for line in lines_of(response.aiter_bytes()):
            field, _, value = line.decode(errors="replace").rstrip("\r\n").partition(":")
            if field != "data":
                continue
            text = value.strip()
            if text == _END:
                break
            piece = self._object(text)
            is_ended = is_ended or _ends(piece)
            yield piece
        if not is_ended:
            raise broken(self.url, "the answer has no end")

    def _object(self, text: str | bytes) -> Json:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise no_protocol(self.url, "what it says is no JSON") from error
        if not isinstance(answer, dict):
            raise no_protocol(self.url, "what it says is no object")
        if failure := answer.get("error"):
            raise told(self.url, failure)
        return answer

    def _no_stream(self, body: bytes) -> Exception:
        self._object(body)  # it may be an error
        return no_protocol(self.url, "it does not stream its answers")

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        import httpx  # as above

        try:
            yield
        except httpx.RequestError as error:
            if self._is_closed:
                raise _closed() from error
            was_there = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise (broken if was_there else unreachable)(self.url, error) from error
        except httpx.InvalidURL as error:
            raise unreachable(self.url, error) from error


def _closed() -> EngineClosed:
    return EngineClosed("the model was unloaded, or the engine was shut down")


def _ends(piece: Json) -> bool:
    """Whether a piece is the last one of an answer, after which some servers say no more."""
    choices = piece.get("choices")
    return isinstance(choices, list) and any(isinstance(one, dict) and one.get("finish_reason") for one in choices)
