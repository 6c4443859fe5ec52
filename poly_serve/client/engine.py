"""The engine of a server, as if it were in this process."""

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from poly_engine.errors import EngineClosed, InvalidRequest
from poly_engine.interface import Session
from poly_engine.types import Embeddings, ModelInfo, PromptPart, TaskInfo, TokenPiece, Turn
from poly_serve.client.address import Address
from poly_serve.client.memories import RemoteMemories
from poly_serve.client.server import Server

if TYPE_CHECKING:  # WebSockets cost 40 ms, and only a chat needs them
    from poly_serve.client.session import RemoteSession

__all__ = ["RemoteEngine"]

_TEXTS_AT_ONCE = 64
_BYTES_AT_ONCE = 1 << 18
"""So many texts are embedded by one request, whose answer is waited for only so long."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A token as the original writes it."""

    token: int
    text: str


@dataclass(frozen=True, slots=True)
class _Text:
    """What tokens spell."""

    text: str


@dataclass(frozen=True, slots=True)
class _Packed:
    """Vectors in base64, row by row."""

    vectors: str
    embedding_size: int
    n_tokens: int


class RemoteEngine(RemoteMemories):
    """The engine behind `poly serve` at a URL, with a key if it wants one. Raises ConfigError for a URL that is none.

    Nothing is asked of the server before it is needed. Beside what `Engine` says, everything may raise
    EngineUnreachable if there is no connection, Unauthorized or Forbidden for what the key does not allow, and
    Overloaded. A server that does not even say that it is there is given up after `silence_s`. Closing the engine
    leaves the server running.
    """

    def __init__(self, url: str, key: str | None = None, *, silence_s: float = 40.0) -> None:
        super().__init__(Server(Address.of(url), key, silence_s=silence_s))
        self._sessions: set[RemoteSession] = set()

    async def models(self) -> Sequence[ModelInfo]:
        return self._server.things(ModelInfo, await self._server.get("v1", "model", query={"detail": "1"}), "models")

    async def tasks(self) -> Sequence[TaskInfo]:
        return self._server.things(TaskInfo, await self._server.get("v1", "task", query={"detail": "1"}), "tasks")

    async def settings(self, task: str) -> Mapping[str, object]:
        return await self._server.get("v1", "task", task, "settings")

    async def load(self, model: str, on_progress: Callable[[float], None] | None = None) -> ModelInfo:
        tell = on_progress or (lambda _: None)
        return self._server.thing(
            ModelInfo, await self._server.follow("POST", "v1", "model", model, "load", on_progress=tell)
        )

    async def unload(self, model: str) -> None:
        await self._server.ask("POST", "v1", "model", model, "unload", is_repeatable=True)

    def session(
        self,
        task: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> Session:
        self._check_settings(settings)
        from poly_serve.client.session import RemoteSession  # as above

        return RemoteSession(self._server, task, system, history, self._sessions)

    async def prompt_parts(
        self,
        task: str,
        prompt: str,
        *,
        system: str | None = None,
        history: Sequence[Turn] = (),
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[PromptPart]:
        self._check_settings(settings)
        said = {"prompt": prompt, "system": system, "history": [asdict(turn) for turn in history]}
        answer = await self._server.ask("POST", "v1", "task", task, "prompt", body=said, is_repeatable=True)
        return self._server.things(PromptPart, answer, "parts")

    async def tokenize(self, model: str, text: str) -> Sequence[TokenPiece]:
        path = ("v1", "model", model, "tokenization")
        answer = await self._server.ask("POST", *path, body={"prompt": text}, is_repeatable=True)
        return [TokenPiece(one.token, one.text) for one in self._server.things(_Token, answer, "tokens")]

    async def detokenize(self, model: str, ids: Sequence[int]) -> str:
        path = ("v1", "model", model, "detokenization")
        answer = await self._server.ask("POST", *path, body={"tokens": list(ids)}, is_repeatable=True)
        return self._server.thing(_Text, answer).text

    async def embed(self, model: str, texts: Sequence[str], *, normalize: bool = True) -> Embeddings:
        import numpy as np  # 130 ms, which only this costs

        found = [await self._embed(model, some, normalize=normalize) for some in _portions(texts)]
        return Embeddings(np.concatenate([one.vectors for one in found]), sum(one.n_tokens for one in found))

    async def close(self) -> None:
        closed = EngineClosed("the engine was shut down")
        await asyncio.gather(*(session.end(closed) for session in list(self._sessions)))
        await self._server.close()

    def _check_settings(self, settings: object) -> None:
        """Raise InvalidRequest for a draft: who may use a task could use all else with it."""
        if settings is not None:
            url = self._server.address.url
            raise InvalidRequest(
                f"the server at {url} answers by its own configuration: try drafts where its models are"
            )

    async def _embed(self, model: str, texts: Sequence[str], *, normalize: bool) -> Embeddings:
        import numpy as np  # as above

        body = {"texts": list(texts), "normalize": normalize}
        answer = await self._server.ask("POST", "v1", "model", model, "embeddings", body=body, is_repeatable=True)
        packed = self._server.thing(_Packed, answer)
        vectors = np.frombuffer(base64.b64decode(packed.vectors), "<f4").astype(np.float32)
        return Embeddings(vectors.reshape(len(texts), packed.embedding_size), packed.n_tokens)


def _portions(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts, as many at a time as one request takes; no texts are one portion."""
    begin, n_bytes = 0, 0
    for number, text in enumerate(texts):
        n_bytes += len(text)
        if number > begin and (number - begin == _TEXTS_AT_ONCE or n_bytes > _BYTES_AT_ONCE):
            yield texts[begin:number]
            begin, n_bytes = number, len(text)
    yield texts[begin:]
