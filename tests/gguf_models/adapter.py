"""A tiny LoRA adapter for the families of the llama architecture."""

from __future__ import annotations

from pathlib import Path

from .families import N_EMBD, N_EMBD_KV, N_LAYERS
from .gguf_file import Metadata, write
from .weights import Weights

_RANK = 4
_METADATA: Metadata = {
    "general.type": "adapter",
    "general.name": "tiny adapter",
    "adapter.type": "lora",
    "adapter.lora.alpha": 2.0 * _RANK,  # llama.cpp scales by alpha / rank
}


def make_lora(path: Path, *, seed: int = 0) -> Path:
    """Write an adapter that changes the text of `llama` and `llama-chatml` models clearly; return `path`."""
    weights = Weights(seed)
    for index in range(N_LAYERS):
        for name, n_out in (("attn_q", N_EMBD), ("attn_v", N_EMBD_KV)):
            weights.normal(f"blk.{index}.{name}.weight.lora_a", (_RANK, N_EMBD), N_EMBD**-0.5)
            weights.normal(f"blk.{index}.{name}.weight.lora_b", (n_out, _RANK), _RANK**-0.5)
    return write(path, "llama", _METADATA, weights.tensors)
