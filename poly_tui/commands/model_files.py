"""What the files of the configured models say before they are loaded."""

from dataclasses import dataclass

import psutil

from poly_engine import ModelLoadFailed
from poly_engine.config import ModelConfig
from poly_engine.models.fit import CacheSizes, adapter_bytes, cache_sizes, memory_bytes
from poly_engine.models.gguf import GgufHeader, read_header
from poly_engine.models.shards import with_others

__all__ = ["ModelFile", "look_at"]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model whose files were looked at: `header` and `sizes` are there unless it has a `problem`, or is fetched only
    when it is first used.
    """

    location: str
    problem: str | None
    header: GgufHeader | None = None
    sizes: CacheSizes | None = None
    memory_bytes: int | None = None
    """About what it takes once it is loaded: weights, adapters, the cache of its conversations, room to compute."""

    @property
    def state(self) -> str:
        """As the engine names it."""
        return "failed" if self.problem else "unloaded"

    @property
    def fits(self) -> bool | None:
        """Whether that is no more than the memory that is available now."""
        return None if self.memory_bytes is None else self.memory_bytes <= psutil.virtual_memory().available


def look_at(model: ModelConfig, budget_bytes: int | None) -> ModelFile:
    """Read the headers of a model and its adapters. `budget_bytes` is what all models may take together."""
    path = model.file
    if path is None or model.is_to_be_pulled:
        return ModelFile(model.place, None)
    try:
        header = with_others(read_header(path))
        n_adapter_bytes = adapter_bytes(model.adapter_files)
        sizes = cache_sizes(header, model.context_size, model.cache_size, budget_bytes)
    except ModelLoadFailed as error:
        return ModelFile(str(path), str(error))
    n_bytes = memory_bytes(header, sizes, model.batch_size) + n_adapter_bytes
    return ModelFile(str(path), None, header, sizes, n_bytes)
