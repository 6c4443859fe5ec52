"""Chunks of memories against what their embedding models can read: told when the configuration is read."""

from collections.abc import Iterator

from poly_engine.config.root import Config
from poly_engine.errors import ModelLoadFailed
from poly_engine.models.gguf import read_header

__all__ = ["too_long_chunks"]


def too_long_chunks(config: Config) -> Iterator[tuple[str, str]]:
    """Each memory whose configured chunks are too long for its embedding model, and a sentence that says so.

    A file that is not there, or cannot be read, is told when its model is loaded.
    """
    for name, memory in config.memories.items():
        path = config.models[memory.embedding_model].file
        if path is None or "chunk_max_tokens" not in memory.model_fields_set:
            continue
        try:
            n_most = read_header(path).train_context_size
        except ModelLoadFailed:
            continue
        if n_most and memory.chunk_max_tokens > n_most:
            reader = f"the model {memory.embedding_model}, which reads at most {n_most} at once"
            yield name, f"chunks of {memory.chunk_max_tokens} tokens are too long for {reader}"
