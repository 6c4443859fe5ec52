"""Sampler chains: the steps of `poly_engine.sampling` as llama.cpp's samplers, run in C."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

from collections.abc import Iterable

from llama_cpp import llama_cpp as c

from poly_engine import sampling
from poly_engine.sampling import SamplerChain, SamplerStep


class Sampler:
    """Chooses the next token of one sequence, and remembers what it needs of the ones before."""

    def __init__(self, steps: SamplerChain, *, seed: int, vocab: c.llama_vocab_p, history: Iterable[int]) -> None:
        params = c.llama_sampler_chain_default_params()
        self._chain = c.llama_sampler_chain_init(params)
        for step in steps:
            c.llama_sampler_chain_add(self._chain, _make(step, seed, vocab))
        for token in history:
            c.llama_sampler_accept(self._chain, token)

    def sample(self, context: c.llama_context_p, row: int) -> int:
        """Choose from the logits of a row of the last decode."""
        return int(c.llama_sampler_sample(self._chain, context, row))

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
