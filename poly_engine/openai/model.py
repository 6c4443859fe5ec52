"""A model of the configuration that a server has: whether it answers, what it is, and what it computes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from poly_engine.config import ModelConfig
from poly_engine.errors import (
    EngineClosed,
    EngineFailed,
    EngineUnreachable,
    InvalidRequest,
    ModelLoadFailed,
    PolyError,
    suggestion,
)
from poly_engine.memory.embedding import Embedding
from poly_engine.memory.records import Fingerprint
from poly_engine.openai.measure import CautiousCounter, Measure
from poly_engine.openai.server import Json, Server
from poly_engine.types import Embeddings, ModelInfo, ModelState

__all__ = ["RemoteModel"]

_MOST_TEXTS = 256
"""Texts to embed in one request."""
_EMBED_TOKENS = 512
"""What an embedding model reads at once, where neither the server nor the configuration says."""


class Running(Protocol):
    """A turn that is under way."""

    async def cancel(self, reason: PolyError | None = None) -> None:
        """End it, with an error if there is a reason."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the server says of the model."""

    name: str
    context_size: int | None


class RemoteModel:
    """A model that is asked for over the wire. It counts as loaded when the server answered last, and told of it."""

    def __init__(self, name: str, config: ModelConfig) -> None:
        self.name = name
        self.config = config
        self.url = config.place
        self.measure = Measure()
        self.running: set[Running] = set()
        self._server: Server | None = None
        self._known: _Known | None = None
        self._knowing: asyncio.Task[_Known] | None = None
        self._problem: str | None = None
        self._embedding_size: int | None = None
        self._is_closed = False

    @property
    def state(self) -> ModelState:
        """How far it is."""
        if self._knowing is not None and not self._knowing.done():
            return "loading"
        if self._problem is not None:
            return "failed"
        return "unloaded" if self._known is None else "loaded"

    @property
    def context_size(self) -> int | None:
        """Tokens of one conversation, as the configuration says, or the server; None if neither does."""
        return self.config.context_size or (self._known.context_size if self._known else None)

    @property
    def about(self) -> ModelInfo:
        """What is known of it."""
        return ModelInfo(
            self.name,
            self.url,
            self.state,
            context_size=self.context_size,
            embedding_size=self._embedding_size,
            device=f"remote {_origin(self.url)}",
            n_running=len(self.running),
            problem=self._problem,
            is_remote=True,
        )

    async def load(self, on_progress: Callable[[float], None] | None = None) -> str:
        """Make sure that the server answers and has the model, unless it answered well before; return what the server
        calls it. Raises ModelLoadFailed, Overloaded or EngineClosed.
        """
        self._check_open()
        known = self._known
        if known is None or self._problem is not None:
            if self._knowing is None or self._knowing.done():
                self._knowing = asyncio.create_task(self._look())
            knowing = self._knowing
            try:
                known = await asyncio.shield(knowing)
            except asyncio.CancelledError:
                if knowing.cancelled():
                    raise EngineClosed("the model was unloaded, or the engine was shut down") from None
                raise
        if on_progress is not None:
            on_progress(1.0)
        return known.name

    @asynccontextmanager
    async def answer(self, path: str, body: Json) -> AsyncIterator[AsyncIterator[Json]]:
        """What the server answers to a request, piece by piece. Raises what goes wrong."""
        name = await self.load()
        with self._noting():
            request = {"model": name, **body, "stream": True, "stream_options": {"include_usage": True}}
            async with self._opened.stream(path, request) as chunks:
                yield chunks

    async def embed(self, texts: Sequence[str], *, normalize: bool = True) -> Embeddings:
        """One vector per text. Raises what goes wrong, InvalidRequest for a text that is empty."""
        await self.load()
        for number, text in enumerate(texts, 1):
            if not text:
                raise InvalidRequest(f"text {number} is empty: there is nothing to embed")
        rows: list[npt.NDArray[np.float32]] = []
        n_tokens = 0
        for begin in range(0, len(texts), _MOST_TEXTS):
            part = texts[begin : begin + _MOST_TEXTS]
            vectors, n_part = await self._embed(part)
            rows.append(vectors)
            n_tokens += n_part
        if not rows:
            return Embeddings(np.zeros((0, await self._size()), np.float32), 0)
        vectors = np.concatenate(rows)
        if normalize:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return Embeddings(vectors, n_tokens)

    async def embedding(self) -> Embedding:
        """The model as a memory uses it: told from others by the name that the server has for it, and by its size."""
        name = await self.load()
        size = await self._size()

        async def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
            return (await self.embed(texts)).vectors

        return Embedding(
            Fingerprint(self.name, size, f"openai:{name}"),
            CautiousCounter(),
            self.context_size or _EMBED_TOKENS,
            embed,
            lambda: not self._is_closed,
        )

    async def unload(self, reason: str = "the model was unloaded") -> None:
        """End what is under way, and forget what is known. Whoever asks for it next finds out anew."""
        if self._knowing is not None:
            self._knowing.cancel()
            await asyncio.wait([self._knowing])
        for turn in list(self.running):
            await turn.cancel(EngineClosed(reason))
        self._known = self._knowing = self._problem = None
        server, self._server = self._server, None
        if server is not None:
            await server.close()

    async def close(self) -> None:
        """As `unload`; nobody can use it any more."""
        self._is_closed = True
        await self.unload("the engine was shut down")

    @property
    def _opened(self) -> Server:
        if self._server is None:
            self._server = Server(self.url, self._key, self.config.timeout)
        return self._server

    @property
    def _key(self) -> str | None:
        if self.config.api_key is not None:
            return self.config.api_key.get_secret_value()
        if (variable := self.config.api_key_env) is None:
            return None
        if not (key := os.environ.get(variable)):
            raise ModelLoadFailed(
                f"model {self.name}: {variable}, which api_key_env names, is not set: it is to be a key"
            )
        return key

    async def _look(self) -> _Known:
        try:
            self._known = _found(self, await self._opened.get("models"))
        except PolyError as error:
            self._problem = str(error)
            if isinstance(error, EngineFailed | InvalidRequest):
                raise ModelLoadFailed(f"model {self.name}: {error}") from error
            raise
        self._problem = None
        return self._known

    async def _embed(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float32], int]:
        name = await self.load()
        with self._noting():
            answer = await self._opened.post("embeddings", {"model": name, "input": list(texts)})
        try:
            found = sorted(answer["data"], key=lambda one: one["index"])
            vectors = np.array([one["embedding"] for one in found], np.float32)
            n_tokens = int(answer.get("usage", {}).get("prompt_tokens", 0))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineFailed(f"the server at {self.url} does not answer with vectors: {error!r}") from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise EngineFailed(f"the server at {self.url} does not answer with one vector for each text")
        self._embedding_size = vectors.shape[1]
        return vectors, n_tokens

    async def _size(self) -> int:
        """The length of a vector, for which one is asked for if none was yet."""
        if self._embedding_size is None:
            await self._embed(["size"])
        assert self._embedding_size is not None, "a vector came"
        return self._embedding_size

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineClosed("the engine was shut down")

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Note in the block whether the server can be reached; what a request is refused for is not noted."""
        try:
            yield
        except EngineUnreachable as error:
            self._problem = str(error)
            raise
        else:
            self._problem = None


def _found(model: RemoteModel, answer: Json) -> _Known:
    """The model in the list of the server. Raises ModelLoadFailed if it is not there, or if it is not said which."""
    listed = answer.get("data")
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and isinstance(one.get("id"), str) for one in listed
    ):
        raise EngineFailed(f"the server at {model.url} does not list its models as OpenAI's protocol has it")
    names = [one["id"] for one in listed]
    wanted = model.config.remote_model
    if wanted is None and len(names) == 1:
        wanted = names[0]
    if wanted is None:
        raise ModelLoadFailed(
            f"model {model.name}: the server at {model.url} has {len(names)} models: name one of them by remote_model"
            f"{suggestion('', names)}"
        )
    if wanted not in names:
        raise ModelLoadFailed(
            f"model {model.name}: the server at {model.url} has no model {wanted}{suggestion(wanted, names)}"
        )
    return _Known(wanted, _context_size(listed[names.index(wanted)]))


def _context_size(entry: Json) -> int | None:
    """What some servers tell beside the name."""
    meta = entry.get("meta")
    inner = meta if isinstance(meta, dict) else {}
    for size in (entry.get("max_model_len"), entry.get("context_length"), inner.get("n_ctx"), inner.get("n_ctx_train")):
        if isinstance(size, int) and size > 0:
            return size
    return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
