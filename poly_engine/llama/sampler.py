"""Sampler chains: the steps of `poly_engine.sampling` as llama.cpp's samplers, run in C."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

import ctypes
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as c

from poly_engine import sampling
from poly_engine.llama.logit_bias import LogitBias
from poly_engine.sampling import SamplerChain, SamplerStep

_ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class Candidates:
    """Tokens to choose among, with their logits, as llama.cpp wants them: in an array of ours that is filled anew for
    each choice.

    The tokens that are out of the question are left out, rather than given a logit of minus infinity: some samplers
    would make NaN of that, and all of them would have to go through a whole vocabulary for a handful of tokens.
    """

    def __init__(self, n_vocab: int) -> None:
        self._entries = np.zeros(n_vocab, _ENTRY)
        self.array: Any = c.llama_token_data_array()  # the binding declares an array where llama.cpp has a pointer

    def fill(self, tokens: npt.NDArray[np.intp], logits: npt.NDArray[np.float32]) -> None:
        """Set the candidates; `logits` are those of the whole vocabulary."""
        n = len(tokens)
        self._entries["id"][:n] = tokens
        self._entries["logit"][:n] = logits[tokens]
        self.array.data = ctypes.cast(self._entries.ctypes.data, c.llama_token_data_p)
        self.array.size, self.array.selected, self.array.sorted = n, -1, False

    @property
    def chosen(self) -> int:
        """What a chain chose."""
        assert self.array.selected >= 0, "a chain of samplers did not choose"
        return int(self.array.data[self.array.selected].id)


class Sampler:
    """Chooses the next token of one sequence, and remembers what it needs of the ones before."""

    def __init__(
        self,
        steps: SamplerChain,
        *,
        seed: int,
        vocab: c.llama_vocab_p,
        history: Iterable[int],
        bias: LogitBias | None = None,
    ) -> None:
        self.bias = bias
        params = c.llama_sampler_chain_default_params()
        self._chain = c.llama_sampler_chain_init(params)
        for step in steps:
            c.llama_sampler_chain_add(self._chain, _make(step, seed, vocab))
        for token in history:
            c.llama_sampler_accept(self._chain, token)

    def sample(self, context: c.llama_context_p, row: int) -> int:
        """Choose from the logits of a row of the last decode, and remember what was chosen."""
        return int(c.llama_sampler_sample(self._chain, context, row))

    def choose(self, allowed: npt.NDArray[np.intp], logits: npt.NDArray[np.float32], candidates: Candidates) -> int:
        """Choose among the tokens that are allowed; what becomes of it is to be told to `remember`."""
        if self.bias is not None:
            allowed, logits = self.bias.left(allowed), self.bias.added(logits)
        if len(allowed) == 1:  # some samplers cannot do with one candidate: mirostat would divide zero by zero
            return int(allowed[0])
        candidates.fill(allowed, logits)
        c.llama_sampler_apply(self._chain, ctypes.byref(candidates.array))
        return candidates.chosen

    def remember(self, token: int) -> None:
        """Take note of a token that the text goes on with."""
        c.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        """Free the chain."""
        c.llama_sampler_free(self._chain)


def memory_of(steps: SamplerChain) -> int:
    """How many of the last tokens a chain looks back at."""
    return max((step.last_n for step in steps if isinstance(step, sampling.Penalties | sampling.Dry)), default=0)


def _make(step: SamplerStep, seed: int, vocab: c.llama_vocab_p) -> c.llama_sampler_p:
    n_vocab = c.llama_vocab_n_tokens(vocab)
    match step:
        case sampling.Penalties(last_n, repeat, frequency, presence):
            return c.llama_sampler_init_penalties(n_vocab, last_n, repeat, frequency, presence)
        case sampling.Dry(multiplier, base, allowed_length, last_n):
            return c.llama_sampler_init_dry(vocab, multiplier, base, allowed_length, last_n, None, 0)
        case sampling.TopK(k):
            return c.llama_sampler_init_top_k(k)
        case sampling.Typical(p, min_keep):
            return c.llama_sampler_init_typical(p, min_keep)
        case sampling.TopP(p, min_keep):
            return c.llama_sampler_init_top_p(p, min_keep)
        case sampling.MinP(p, min_keep):
            return c.llama_sampler_init_min_p(p, min_keep)
        case sampling.Temperature(t):
            return c.llama_sampler_init_temp(t)
        case sampling.MirostatV1(tau, eta, m):
            return c.llama_sampler_init_mirostat(n_vocab, seed, tau, eta, m)
        case sampling.MirostatV2(tau, eta):
            return c.llama_sampler_init_mirostat_v2(seed, tau, eta)
        case sampling.Greedy():
            return c.llama_sampler_init_greedy()
        case sampling.Dist():
            return c.llama_sampler_init_dist(seed)
