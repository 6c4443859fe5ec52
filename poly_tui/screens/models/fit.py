"""Whether a model fits into memory: what it takes at its configured context, and at others, against what is free."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from poly_engine.errors import ModelLoadFailed
from poly_engine.models.gguf import GgufHeader
from poly_engine.models.headers import Headers
from poly_engine.types import ModelInfo
from poly_tui.commands.listing import Bytes

__all__ = ["Fit", "FreeMemory", "Machine", "Needs", "fit_of", "free_memory"]

SMALLEST_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """The memory of a machine, and what of it can be taken, in bytes."""

    total_bytes: int
    free_bytes: int


Machine = Callable[[], FreeMemory]
"""Says what memory there is now."""


def free_memory() -> FreeMemory:
    """The memory of this machine as it is now."""
    import psutil  # 10 ms, which the first paint need not wait for

    memory = psutil.virtual_memory()
    return FreeMemory(memory.total, memory.available)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model takes when it is loaded: its weights, and the cache of all conversations together."""

    weights_bytes: int
    cache_bytes: int
    token_bytes: int
    """What one token of context takes in the cache."""
    context_size: int
    train_context_size: int
    is_on_gpu: bool = False

    @classmethod
    def of(cls, model: ModelInfo, header: GgufHeader | None) -> "Needs":
        """What the engine and the file say together; without the file, other contexts cannot be told."""
        weights_bytes = model.size_bytes or 0
        token_bytes = header.kv_bytes_per_token if header is not None and header.is_causal else 0
        context_size = model.context_size or 0
        total_bytes = model.memory_bytes or weights_bytes + context_size * token_bytes
        return cls(
            weights_bytes,
            max(total_bytes - weights_bytes, 0),
            token_bytes,
            context_size,
            model.train_context_size or context_size,
            is_on_gpu=model.device == "gpu",
        )

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return self.weights_bytes + self.cache_bytes

    def bytes_at(self, context_size: int) -> int:
        """What it would take with one conversation of so many tokens."""
        return self.weights_bytes + context_size * self.token_bytes


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model needs beside what is free."""

    needs: Needs
    free_bytes: int

    @classmethod
    def of(cls, model: ModelInfo, header: GgufHeader | None, memory: FreeMemory) -> "Fit":
        """What a model takes already if it is loaded counts as free, so that both can be compared."""
        needs = Needs.of(model, header)
        return cls(needs, memory.free_bytes + (needs.total_bytes if model.state == "loaded" else 0))

    @property
    def is_enough(self) -> bool:
        """Whether it can be loaded as it is configured. What a GPU has free is not known here."""
        return self.needs.is_on_gpu or self.needs.total_bytes <= self.free_bytes

    @property
    def largest_context(self) -> int:
        """The tokens of the longest single conversation that fits; 0 if not even the weights do."""
        room_bytes = self.free_bytes - self.needs.weights_bytes
        n_most = max(room_bytes // max(self.needs.token_bytes, 1), 0)
        return min(n_most, self.needs.train_context_size or n_most)

    def contexts(self) -> Iterator[tuple[int, int, bool]]:
        """Sizes of context up to what the model was trained on, each with its bytes and whether it fits."""
        if not self.needs.token_bytes:
            return
        last = self.needs.train_context_size or self.needs.context_size
        sizes = []
        size = SMALLEST_CONTEXT
        while size < last:
            sizes.append(size)
            size *= 2
        for size in sorted({*sizes, last, self.needs.context_size} - {0}):
            n_bytes = self.needs.bytes_at(size)
            yield size, n_bytes, n_bytes <= self.free_bytes

    @property
    def warning(self) -> str:
        """Why it does not fit and what would; empty if it does."""
        if self.is_enough:
            return ""
        needs, free = self.needs, Bytes(max(self.free_bytes, 0))
        if needs.weights_bytes >= self.free_bytes:
            return (
                f"Its weights alone take {Bytes(needs.weights_bytes)}, and {free} are free. "
                "Unload another model, end something, or take a smaller quantisation."
            )
        words = f"It takes about {Bytes(needs.total_bytes)}, and {free} are free."
        if not needs.token_bytes:
            return words
        return (
            f"{words} One chat of {_rounded_down(self.largest_context)} tokens would fit: "
            "set context_size and cache_size to that."
        )


async def fit_of(model: ModelInfo, machine: Machine | None) -> Fit | None:
    """Whether a model fits, as far as that can be told: of one on another machine it cannot."""
    if machine is None or (model.memory_bytes is None and model.size_bytes is None):
        return None
    try:
        header = await asyncio.to_thread(Headers().read, Path(model.path))
    except ModelLoadFailed:
        header = None
    return Fit.of(model, header, await asyncio.to_thread(machine))


def _rounded_down(n_tokens: int) -> int:
    """A size that people would choose."""
    return n_tokens // 256 * 256 if n_tokens >= 256 else n_tokens
