"""How much context fits: sizes of contexts and caches from what a model says and the machine has."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from poly_engine.errors import ModelLoadFailed
from poly_engine.models.gguf import GgufHeader, read_header

_CONTEXTS_IN_CACHE = 4
"""Full contexts that the shared cache holds, if nothing else is said and memory allows."""
_SHARE_OF_MEMORY = 0.25
"""What a KV cache may take of the memory that is available when the model is loaded."""
_SMALLEST_CONTEXT = 512
MICRO_BATCH = 512
"""Tokens that are computed at once, of the batch that is read in one step."""
_UNKNOWN_CONTEXT = 2048
"""For a model that does not say what it was trained on."""


@dataclass(frozen=True, slots=True)
class CacheSizes:
    """Tokens that one session may hold, and tokens that the cache of all sessions holds together."""

    context_size: int
    cache_size: int


def cache_sizes(
    header: GgufHeader, context_size: int | None, cache_size: int | None, available_bytes: int | None = None
) -> CacheSizes:
    """Fill in the sizes that are not configured.

    A context is what the model was trained on, and the cache is four of those, as far as the KV cache stays within a
    quarter of the memory that the weights leave available. What is configured is taken as it is; only a cache smaller
    than one context is made as large as that. Raises ModelLoadFailed for a context that the model has no positions for.
    """
    if available_bytes is None:
        available_bytes = psutil.virtual_memory().available
    room_bytes = max(available_bytes - header.size_bytes, 0) * _SHARE_OF_MEMORY
    n_fit = max(int(room_bytes) // max(header.kv_bytes_per_token, 1), _SMALLEST_CONTEXT)
    is_limited = header.has_learned_positions and header.is_causal  # an embedder has limits of its own
    if is_limited and (context_size or 0) > header.train_context_size > 0:
        raise ModelLoadFailed(
            f"{header.path} has {header.train_context_size} positions; context_size = {context_size} is more than that"
        )
    context = context_size or min(header.train_context_size or _UNKNOWN_CONTEXT, n_fit)
    cache = cache_size or min(context * _CONTEXTS_IN_CACHE, n_fit)
    return CacheSizes(context, max(context, cache))


def memory_bytes(header: GgufHeader, sizes: CacheSizes, batch_size: int) -> int:
    """About what a model takes once it is loaded: weights, the cache of all sessions, and room to compute a batch."""
    cache_bytes = sizes.cache_size * header.kv_bytes_per_token if header.is_causal else 0
    return header.size_bytes + cache_bytes + _compute_bytes(header, sizes, batch_size)


def adapter_bytes(paths: Iterable[Path]) -> int:
    """What LoRA adapters take. Raises ModelLoadFailed for a file that is none."""
    return sum(read_header(path).size_bytes for path in paths)


def _compute_bytes(header: GgufHeader, sizes: CacheSizes, batch_size: int) -> int:
    """What llama.cpp reserves for the largest graph: as measured, activations of 32 bits and a mask of 16."""
    n_embd, n_inner = header.number("embedding_length"), header.number("feed_forward_length")
    return min(batch_size, MICRO_BATCH) * (4 * (4 * n_embd + 3 * n_inner) + 2 * sizes.cache_size)
