"""Random weights, scaled so that a tiny model's text varies and depends on all that came before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .vocabulary import Token

# Tuned by trial: with these, greedy text seldom falls into a loop and the best token leads by about 0.5.
_LOGIT_SPREAD = 3.0  # standard deviation
_ATTENTION_SHARPNESS = 2.0  # of queries and of keys; at 1 every token sees much the same average
_BIAS_SCALE = 0.05
_SELF_AVERSION = 0.15  # against endless repetition of one token


class Weights:
    """Collects named tensors; all are drawn from one seeded generator, so equal calls give equal tensors."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        self.tensors: dict[str, NDArray[np.float32]] = {}

    def normal(self, name: str, shape: tuple[int, ...], scale: float = 1.0, mean: float = 0.0) -> None:
        """Independent normal values."""
        values = self._generator.standard_normal(shape, dtype=np.float32)
        self.tensors[name] = values * np.float32(scale) + np.float32(mean)

    def linear(self, name: str, n_in: int, n_out: int, *, has_bias: bool = False, gain: float = 1.0) -> None:
        """A projection that keeps the scale of its input, times `gain`."""
        self.normal(f"{name}.weight", (n_out, n_in), gain * n_in**-0.5)
        if has_bias:
            self.normal(f"{name}.bias", (n_out,), _BIAS_SCALE)

    def norm(self, name: str, size: int, *, has_bias: bool = False) -> None:
        """A normalisation whose factors lie around one."""
        self.normal(f"{name}.weight", (size,), 0.1, mean=1.0)
        if has_bias:
            self.normal(f"{name}.bias", (size,), _BIAS_SCALE)

    def attention(self, block: str, n_embd: int, n_kv: int, *, has_bias: bool = False) -> None:
        """Separate projections to queries, keys and values."""
        self.linear(f"{block}.attn_q", n_embd, n_embd, has_bias=has_bias, gain=_ATTENTION_SHARPNESS)
        self.linear(f"{block}.attn_k", n_embd, n_kv, has_bias=has_bias, gain=_ATTENTION_SHARPNESS)
        self.linear(f"{block}.attn_v", n_embd, n_kv, has_bias=has_bias)

    def fused_attention(self, block: str, n_embd: int, *, has_bias: bool) -> None:
        """One projection to queries, keys and values, in this order."""
        self.linear(f"{block}.attn_qkv", n_embd, 3 * n_embd, has_bias=has_bias)
        self.tensors[f"{block}.attn_qkv.weight"][: 2 * n_embd] *= np.float32(_ATTENTION_SHARPNESS)

    def output(self, n_embd: int, tokens: Sequence[Token]) -> None:
        """The projection to logits. Only tokens of plain text can win, so that random text does not end at once."""
        self.linear("output", n_embd, len(tokens), gain=_LOGIT_SPREAD)
        rows = self.tensors["output.weight"]
        rows -= np.float32(_SELF_AVERSION) * self.tensors["token_embd.weight"]
        rows[[not token.is_plain for token in tokens]] *= np.float32(0.05)
