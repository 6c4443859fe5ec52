"""How much context fits: sizes of contexts and caches from what a model says and the machine has."""

from dataclasses import dataclass

import psutil

from poly_engine.errors import ModelLoadFailed
from poly_engine.models.gguf import GgufHeader

_CONTEXTS_IN_CACHE = 4
"""Full contexts that the shared cache holds, if nothing else is said and memory allows."""
_SHARE_OF_MEMORY = 0.25
"""What a KV cache may take of the memory that is available when the model is loaded."""
_SMALLEST_CONTEXT = 512
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
