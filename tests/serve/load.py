"""A load of requests of every kind, from clients that ask again when they get no answer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeAlias

import httpx

from poly_engine.errors import EngineClosed, EngineUnreachable
from poly_engine.interface import Session
from poly_serve.client import RemoteEngine
from tests.engine.conversation import hear

__all__ = ["Load"]

Attempt: TypeAlias = Callable[[], Awaitable[None]]

_PROMPT = ">"
_TRY_AGAIN = {429, 502, 503, 504}
_DELAYS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6, 1.6)
_PAUSE_S = 0.1
"""Or a server that starts would find no time on a small machine."""
_TURNS_OF_A_CHAT = 10
_PATIENCE_S = 120.0


class _Unanswered(Exception):
    """Somebody between the client and a server answered, or a stream broke off."""


class Load:
    """Asks the server at a URL for all that it can do: the task `t`, whose answer is known, the memory `notes` and the
    model `e`. Its documents are named with the prefix. Raises AssertionError for a wrong answer, and what keeps one
    from coming although it is asked again.
    """

    def __init__(self, url: str, answer: str, *, prefix: str) -> None:
        self.prefix = prefix
        self.failures: list[str] = []
        """What had to be asked again, and why."""
        self.accepted: set[str] = set()
        """The documents of which it was said that they are kept."""
        self.sent: set[str] = set()
        self._url = url
        self._answer = answer
        self._n_done: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._is_over = False
        self._numbers = count()
        self._client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=60)
        self._remote = RemoteEngine(url)
        self._session: Session = self._remote.session("t")
        self._kinds: dict[str, Callable[[], Attempt]] = {
            "status": lambda: self._status,
            "completion": lambda: self._completion,
            "sse": lambda: self._sse,
            "openai": lambda: self._openai,
            "chat": self._chat,
            "recall": lambda: self._recall,
            "ingest": lambda: self._ingest(is_waited_for=True),
            "submit": lambda: self._ingest(is_waited_for=False),
            "embeddings": lambda: self._embeddings,
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While in the block, each kind of request is made again and again."""
        async with self._client, self._remote, asyncio.TaskGroup() as group:
            for kind in self._kinds:
                group.create_task(self._repeat(kind))
            yield
            self._is_over = True

    async def goes_on(self, n: int = 2) -> None:
        """Wait until so many more requests of each kind are answered."""
        wanted = {kind: self._n_done[kind] + n for kind in self._kinds}
        async with asyncio.timeout(_PATIENCE_S):
            while any(self._n_done[kind] < wanted[kind] for kind in self._kinds):
                self._changed.clear()
                await self._changed.wait()

    async def _repeat(self, kind: str) -> None:
        while not self._is_over:
            await self._ask(kind, self._kinds[kind]())
            self._n_done[kind] += 1
            self._changed.set()
            await asyncio.sleep(_PAUSE_S)

    async def _ask(self, kind: str, attempt: Attempt) -> None:
        for delay_s in _DELAYS_S:
            try:
                return await attempt()
            except (httpx.TransportError, _Unanswered, EngineUnreachable, EngineClosed) as error:
                self.failures.append(f"{kind}: {error!r}")
            await asyncio.sleep(delay_s)
        return await attempt()

    async def _status(self) -> None:
        assert (await self._answered("GET", "/v1/task/t/status")).json() == {"status": "ok"}

    async def _completion(self) -> None:
        answer = await self._answered("POST", "/v1/task/t/completion", json={"prompt": _PROMPT})
        assert answer.json() == {"text": self._answer}

    async def _sse(self) -> None:
        names, texts = [], []
        async for name, text in self._events("GET", "/v1/task/t/live", params={"prompt": _PROMPT, "detail": "1"}):
            names.append(name)
            texts.append(text if name == "message" else "")
        if names[-1:] != ["done"]:
            raise _Unanswered(f"it ended with {names[-1:]}")
        assert "".join(texts) == self._answer

    async def _openai(self) -> None:
        body = {"model": "t", "stream": True, "messages": [{"role": "user", "content": _PROMPT}]}
        texts = [text async for _, text in self._events("POST", "/v1/chat/completions", json=body)]
        chunks = [json.loads(text) for text in texts if text != "[DONE]"]
        if texts[-1:] != ["[DONE]"] or "error" in chunks[-1]:
            raise _Unanswered(f"it ended with {texts[-1:]}")
        assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == self._answer

    def _chat(self) -> Attempt:
        n_turns = len(self._session.turns)

        async def attempt() -> None:
            if n_turns >= _TURNS_OF_A_CHAT:
                await self._session.close()
                self._session = self._remote.session("t")
            assert (await hear(self._session, _PROMPT)).text == self._answer
            assert len(self._session.turns) == n_turns % _TURNS_OF_A_CHAT + 1

        return attempt

    async def _recall(self) -> None:
        answer = await self._answered("GET", "/v1/memory/notes", params={"prompt": "document", "n": 2})
        assert all(" document " in chunk for chunk in answer.json()["chunks"])

    def _ingest(self, *, is_waited_for: bool) -> Attempt:
        source = f"{self.prefix} document {next(self._numbers)}"
        query = {"source": source, "wait": "true" if is_waited_for else "false"}
        self.sent.add(source)

        async def attempt() -> None:
            header = {"Content-Type": "text/plain"}
            await self._answered("PUT", "/v1/memory/notes", params=query, content=source.encode(), headers=header)
            self.accepted.add(source)

        return attempt

    async def _embeddings(self) -> None:
        answer = await self._answered("POST", "/v1/embeddings", json={"model": "e", "input": ["a cat", "a dog"]})
        assert len(answer.json()["data"]) == 2

    async def _answered(self, method: str, path: str, **request: object) -> httpx.Response:
        answer = await self._client.request(method, path, **request)  # type: ignore[arg-type]  # of many types
        _check(answer)
        return answer

    async def _events(self, method: str, path: str, **request: object) -> AsyncIterator[tuple[str, str]]:
        async with self._client.stream(method, path, **request) as answer:  # type: ignore[arg-type]  # as above
            if not answer.is_success:
                await answer.aread()
            _check(answer)
            yield_from = _event_lines()
            async for line in answer.aiter_lines():
                for event in yield_from(line):
                    yield event


def _check(answer: httpx.Response) -> None:
    if answer.status_code in _TRY_AGAIN:
        raise _Unanswered(f"{answer.status_code} {answer.text[:200]}")
    assert answer.is_success, answer.text


def _event_lines() -> Callable[[str], Iterator[tuple[str, str]]]:
    """Takes lines, and gives the events that they end."""
    name, texts = "message", list[str]()

    def take(line: str) -> Iterator[tuple[str, str]]:
        nonlocal name
        field, _, value = line.partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            texts.append(value.removeprefix(" "))
        elif not line and texts:
            yield name, "\n".join(texts)
            name = "message"
            texts.clear()

    return take
