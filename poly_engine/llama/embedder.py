"""Embeddings: texts to vectors, several in one decode."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as c

from poly_engine.batch.packing import MOST_TEXTS
from poly_engine.errors import EngineFailed
from poly_engine.llama.context import Rows, decode, open_context
from poly_engine.llama.model import LlamaModel

_LARGEST_BATCH = 2048
_DEFAULT_CONTEXT = 512


class Embedder:
    """One context of a model for embeddings, pooled as the model says, or by its last token if it says nothing."""

    def __init__(self, model: LlamaModel, *, n_threads: int) -> None:
        self.max_tokens = max_tokens(model)
        params = c.llama_context_default_params()
        # A text must fit one micro batch, and more than the trained context makes llama.cpp abort the process.
        params.n_ctx = params.n_batch = params.n_ubatch = self.max_tokens
        params.n_seq_max = min(MOST_TEXTS, self.max_tokens)
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
        """Return one vector per text, shape (n_texts, embedding_size), as the model gives them, of one decode.

        There are MOST_TEXTS at most, of 1 to `max_tokens` tokens together. Raises EngineFailed.
        """
        self._decode(texts)
        return np.stack([self._vector(sequence) for sequence in range(len(texts))])

    def set_threads(self, n: int) -> None:
        """Compute with so many threads."""
        c.llama_set_n_threads(self._context, n, n)

    def close(self) -> None:
        """Free the context."""
        c.llama_free(self._context)

    def _decode(self, texts: Sequence[tuple[int, ...]]) -> None:
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
        return np.ctypeslib.as_array(pointer, (self._size,))  # which the next decode overwrites


def max_tokens(model: LlamaModel) -> int:
    """How many tokens a text to be embedded may have."""
    return min(model.header.train_context_size or _DEFAULT_CONTEXT, _LARGEST_BATCH)


def _says_pooling(model: LlamaModel) -> bool:
    return f"{model.header.architecture}.pooling_type" in model.header.metadata
