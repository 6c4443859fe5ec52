"""Embeddings: texts to vectors, several in one decode."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as c

from poly_engine.errors import EngineFailed
from poly_engine.llama.context import Rows, decode, open_context
from poly_engine.llama.model import LlamaModel

_MOST_TEXTS = 64
_LARGEST_BATCH = 2048
_DEFAULT_CONTEXT = 512


class Embedder:
    """One context of a model for embeddings, pooled as the model says, or by its last token if it says nothing."""

    def __init__(self, model: LlamaModel, *, n_threads: int) -> None:
        self.max_tokens = max_tokens(model)
        params = c.llama_context_default_params()
        # A text must fit one micro batch, and more than the trained context makes llama.cpp abort the process.
        params.n_ctx = params.n_batch = params.n_ubatch = self.max_tokens
        params.n_seq_max = min(_MOST_TEXTS, self.max_tokens)
        params.n_threads = params.n_threads_batch = n_threads
        params.kv_unified = True
        params.embeddings = True
        if not _says_pooling(model):
            params.pooling_type = c.LLAMA_POOLING_TYPE_LAST
        self._size = model.embedding_size
        self._context = open_context(model, params)
        self._memory = c.llama_get_memory(self._context)  # None for a model without a cache, such as BERT
        self._rows = Rows(self.max_tokens)

    def embed(self, texts: Sequence[tuple[int, ...]]) -> npt.NDArray[np.float32]:
        """Return one vector per text, shape (n_texts, embedding_size), as the model gives them. A text has 1 to
        `max_tokens` tokens. Raises EngineFailed.
        """
        vectors = np.empty((len(texts), self._size), np.float32)
        for numbers in self._packed(texts):
            self._decode([texts[number] for number in numbers])
            for sequence, number in enumerate(numbers):
                vectors[number] = self._vector(sequence)
        return vectors

    def close(self) -> None:
        """Free the context."""
        c.llama_free(self._context)

    def _packed(self, texts: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
        """Yield the numbers of texts that go into one decode together; texts of like length go together, since each
        token attends to the whole batch.
        """
        pack: list[int] = []
        n_tokens = 0
        for number in sorted(range(len(texts)), key=lambda number: len(texts[number])):
            n = len(texts[number])
            if pack and (n_tokens + n > self.max_tokens or len(pack) == _MOST_TEXTS):
                yield pack
                pack, n_tokens = [], 0
            pack.append(number)
            n_tokens += n
        if pack:
            yield pack

    def _decode(self, texts: list[tuple[int, ...]]) -> None:
        if self._memory is not None:
            c.llama_memory_clear(self._memory, True)
        tokens = np.concatenate([np.asarray(text, np.int32) for text in texts])
        positions = np.concatenate([np.arange(len(text), dtype=np.int32) for text in texts])
        sequences = np.repeat(np.arange(len(texts), dtype=np.int32), [len(text) for text in texts])
        self._rows.fill(tokens, positions, sequences, range(len(tokens)))
        decode(self._context, self._rows)

    def _vector(self, sequence: int) -> npt.NDArray[np.float32]:
        pointer = c.llama_get_embeddings_seq(self._context, sequence)
        if not pointer:
            raise EngineFailed("the model gave no embedding for a text: it may pool in a way that is not supported")
        return np.ctypeslib.as_array(pointer, (self._size,))


def max_tokens(model: LlamaModel) -> int:
    """How many tokens a text to be embedded may have."""
    return min(model.header.train_context_size or _DEFAULT_CONTEXT, _LARGEST_BATCH)


def _says_pooling(model: LlamaModel) -> bool:
    return f"{model.header.architecture}.pooling_type" in model.header.metadata
