"""Texts as vectors: what a loaded model computes of them, and the model of a memory, which may leave and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from poly_engine.batch.client import WorkerClient
from poly_engine.batch.opened import Vocabulary
from poly_engine.errors import ContextExceeded, EngineClosed, InvalidRequest
from poly_engine.memory.embedding import Embedding, VocabularyCounter
from poly_engine.memory.records import Fingerprint
from poly_engine.models.digest import sample_digest
from poly_engine.types import Embeddings

__all__ = ["HeldModel", "embedded"]


async def embedded(client: WorkerClient, texts: Sequence[str], *, normalize: bool) -> Embeddings:
    """The vectors of texts. Raises ContextExceeded, InvalidRequest for a text without tokens, and as the worker."""
    vocabulary, limit = client.model.vocabulary, client.model.max_embed_tokens
    inner = await client.in_thread(vocabulary.texts_tokens, texts)
    tokens = [(*vocabulary.first, *of_text, *vocabulary.last) for of_text in inner]
    for number, text in enumerate(tokens, 1):
        if not text:
            raise InvalidRequest(f"text {number} is empty: there is nothing to embed")
        if len(text) > limit:
            raise ContextExceeded(len(text), limit)
    vectors = await client.embed(tokens)
    if normalize:
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return Embeddings(vectors, sum(map(len, tokens)))


class HeldModel:
    """The embedding model of a memory. Each time that it comes back, its file is looked at: vectors of another model
    must not get among those that are there.
    """

    def __init__(
        self,
        name: str,
        file: Callable[[], Path | None],
        use: Callable[[], AbstractAsyncContextManager[WorkerClient]],
    ) -> None:
        self._name = name
        self._file = file
        self._use = use
        self._client: WorkerClient | None = None
        self._digest = ""
        self._is_current = True

    async def embedding(self) -> Embedding:
        """It as the memory knows it. Raises what loading it raises."""
        async with self._use() as client:
            self._client, self._digest = client, await self._look()
            model = client.model
            n_around = len(model.vocabulary.first) + len(model.vocabulary.last)
            return Embedding(
                Fingerprint(self._name, model.embedding_size, self._digest),
                VocabularyCounter(lambda: self._vocabulary),
                model.max_embed_tokens - n_around,
                self._embed,
                lambda: self._is_current,
                self._hold,
            )

    @property
    def _vocabulary(self) -> Vocabulary:
        assert self._client is not None
        return self._client.model.vocabulary

    async def _embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        assert self._client is not None
        return (await embedded(self._client, texts, normalize=True)).vectors

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[None]:
        async with self._use() as client:
            if client is not self._client:
                self._is_current = self._is_current and await self._look() == self._digest
                self._client = client
            if not self._is_current:
                raise EngineClosed(f"the file of the embedding model {self._name} is another one now: try again")
            yield

    async def _look(self) -> str:
        path = self._file()
        assert path is not None, "a model without a file cannot be loaded"
        return await asyncio.to_thread(sample_digest, path)
