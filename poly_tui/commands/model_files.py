"""What the files of the configured models say before they are loaded."""

from dataclasses import dataclass

import psutil

from poly_engine import ModelLoadFailed
from poly_engine.config import ModelConfig
from poly_engine.models.fit import CacheSizes, cache_sizes
from poly_engine.models.gguf import GgufHeader, read_header

__all__ = ["ModelFile", "look_at"]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model whose files were looked at: `header` and `sizes` are there unless it has a `problem`, or is fetched when it
    is first used.
    """

    location: str
    problem: str | None
    header: GgufHeader | None = None
    sizes: CacheSizes | None = None
    adapter_bytes: int = 0

    @property
    def state(self) -> str:
        """As the engine names it."""
        return "failed" if self.problem else "unloaded"

    @property
    def memory_bytes(self) -> int | None:
        """About what it takes once it is loaded: weights, adapters, and the cache of its conversations."""
        if self.header is None or self.sizes is None:
            return None
        cache_bytes = self.sizes.cache_size * self.header.kv_bytes_per_token
        return self.header.size_bytes + self.adapter_bytes + cache_bytes

    @property
    def fits(self) -> bool | None:
        """Whether that is no more than the memory that is available now."""
        return None if self.memory_bytes is None else self.memory_bytes <= psutil.virtual_memory().available


def look_at(model: ModelConfig) -> ModelFile:
    """Read the headers of a model and its adapters."""
    path = model.file
    if path is None or model.is_to_be_pulled:
        return ModelFile(model.place, None)
    try:
        header = read_header(path)
        adapter_bytes = sum(read_header(adapter).size_bytes for adapter in model.adapter_files)
        sizes = cache_sizes(header, model.context_size, model.cache_size)
    except ModelLoadFailed as error:
        return ModelFile(str(path), str(error))
    return ModelFile(str(path), None, header, sizes, adapter_bytes)
