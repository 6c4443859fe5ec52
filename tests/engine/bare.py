"""llama.cpp without Poly: what our answers and tokens are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from llama_cpp import llama_cpp as c
from numpy.typing import NDArray

from poly_engine.llama import library


class Bare:
    """A model and a context of it, one sequence, used as the library's own examples do."""

    def __init__(self, model: c.llama_model_p, context: c.llama_context_p) -> None:
        self._context = context
        self._vocab = c.llama_model_get_vocab(model)
        self._n_tokens = int(c.llama_vocab_n_tokens(self._vocab))

    def tokens(self, text: str, *, is_template: bool = False) -> list[int]:
        """The tokens of a whole text, special ones parsed if it is a template's, with BOS where the model wants it."""
        content = text.encode()
        buffer = (c.llama_token * (len(content) + 8))()
        n_tokens = c.llama_tokenize(self._vocab, content, len(content), buffer, len(buffer), True, is_template)
        return list(buffer[:n_tokens])

    def continuation(self, prompt: str, n_tokens: int) -> list[int]:
        """The most likely tokens behind a prompt."""
        found = [self._next(self.tokens(prompt))]
        while len(found) < n_tokens:
            found.append(self._next(found[-1:]))
        return found

    def logits_of(self, prompt: str, answer: Sequence[int]) -> list[NDArray[np.float32]]:
        """What each token of an answer was chosen by."""
        found: list[NDArray[np.float32]] = []
        tokens = self.tokens(prompt)
        for token in answer:
            self._next(tokens)
            found.append(self._logits().copy())
            tokens = [token]
        return found

    def _next(self, tokens: Sequence[int]) -> int:
        buffer = (c.llama_token * len(tokens))(*tokens)
        assert c.llama_decode(self._context, c.llama_batch_get_one(buffer, len(tokens))) == 0
        return int(self._logits().argmax())

    def _logits(self) -> NDArray[np.float32]:
        return np.ctypeslib.as_array(c.llama_get_logits_ith(self._context, -1), (self._n_tokens,))


@contextmanager
def bare(path: Path) -> Iterator[Bare]:
    library.start()
    model = c.llama_model_load_from_file(str(path).encode(), c.llama_model_default_params())
    assert model
    params = c.llama_context_default_params()
    params.n_ctx = 512
    params.n_threads = params.n_threads_batch = 1
    context = c.llama_init_from_model(model, params)
    assert context
    yield Bare(model, context)
    c.llama_free(context)
    c.llama_model_free(model)
