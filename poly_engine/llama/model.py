"""A model file in memory."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

import ctypes
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as c

from poly_engine.batch.opened import GpuSpec
from poly_engine.errors import ModelLoadFailed
from poly_engine.gpu import REMEDY
from poly_engine.llama import library
from poly_engine.llama.vocabulary import Vocabulary
from poly_engine.models.gguf import GgufHeader, read_header

_SPACE_PREFIX = "tokenizer.ggml.add_space_prefix"
_SPLITS = {"none": c.LLAMA_SPLIT_MODE_NONE, "layer": c.LLAMA_SPLIT_MODE_LAYER, "row": c.LLAMA_SPLIT_MODE_ROW}
_log = logging.getLogger(__name__)


class LlamaModel:
    """The weights and the vocabulary of a GGUF file, with its LoRA adapters.

    `on_progress` is told the loaded share, 0 to 1; it may return False to give up, which raises ModelLoadFailed.
    Raises ModelLoadFailed when the file, or an adapter, is missing, damaged or not understood.
    """

    def __init__(
        self,
        header: GgufHeader,
        *,
        adapters: Sequence[Path] = (),
        gpu: GpuSpec | None = None,
        on_progress: Callable[[float], bool] | None = None,
    ) -> None:
        library.start()
        library.take_errors()
        self.header = header
        self.device, self.n_gpu_layers = _placed(header, gpu)
        self._on_progress = c.llama_progress_callback(lambda share, _: on_progress is None or on_progress(share))
        overrides = _without_space_prefix()
        params = c.llama_model_default_params()
        params.n_gpu_layers = self.n_gpu_layers
        if gpu is not None and self.n_gpu_layers:
            params.split_mode, params.main_gpu = _SPLITS[gpu.split], gpu.main
        params.progress_callback = self._on_progress
        params.kv_overrides = overrides
        pointer = c.llama_model_load_from_file(os.fsencode(header.path), params)
        if not pointer:
            raise ModelLoadFailed(f"{header.path} cannot be loaded: {library.take_errors() or 'llama.cpp gave up'}")
        self.pointer: c.llama_model_p = pointer
        vocab = c.llama_model_get_vocab(pointer)
        assert vocab is not None
        if kind := _foreign_kind(pointer, vocab):
            c.llama_model_free(pointer)
            raise ModelLoadFailed(f"{header.path} is {kind} ({header.architecture}), which Poly cannot run yet")
        self.vocabulary = Vocabulary(vocab, has_space_prefix=_has_space_prefix(header))
        try:
            self.adapters = [self._load_adapter(path) for path in adapters]
        except ModelLoadFailed:
            self.close()
            raise

    @property
    def chat_template(self) -> str | None:
        """The jinja2 template that the model carries for conversations."""
        template = self.header.metadata.get("tokenizer.chat_template")
        return template if isinstance(template, str) else None

    @property
    def embedding_size(self) -> int:
        """The length of its embeddings."""
        return int(c.llama_model_n_embd_out(self.pointer))

    @property
    def is_generative(self) -> bool:
        """Whether it can write; a pure embedder such as BERT cannot."""
        return self.header.is_causal

    def close(self) -> None:
        """Free the memory, the adapters' too. The contexts of the model must be closed before."""
        self.vocabulary.close()
        c.llama_model_free(self.pointer)

    def _load_adapter(self, path: Path) -> c.llama_adapter_lora_p:
        read_header(path)
        adapter = c.llama_adapter_lora_init(self.pointer, os.fsencode(path))
        if not adapter:
            raise ModelLoadFailed(f"{path} is no LoRA adapter for {self.header.path.name}: {library.take_errors()}")
        return adapter


def _placed(header: GgufHeader, gpu: GpuSpec | None) -> tuple[str, int]:
    """What computes a model, in words, and how many layers a GPU does. Raises ModelLoadFailed if one is required and
    there is none.
    """
    if gpu is None or not gpu.n_layers:
        return "cpu", 0
    if not (obstacle := library.gpu_obstacle()):
        return "gpu", min(gpu.n_layers, header.n_layers)
    if gpu.is_required:
        raise ModelLoadFailed(
            f"{header.path} is not loaded: require_gpu is set, and {obstacle}. {REMEDY} builds it for CUDA"
        )
    _log.warning("%s is computed on the CPU although use_gpu is set: %s", header.path.name, obstacle)
    return f"cpu ({obstacle})", 0


def _foreign_kind(pointer: c.llama_model_p, vocab: c.llama_vocab_p) -> str | None:
    """What a model is that llama.cpp loads, but that is not computed as ours are: token by token, over a cache whose
    beginnings can be shared and cut. Without a vocabulary, llama.cpp would abort the process at the first text.
    """
    kinds = {
        "a recurrent model": c.llama_model_is_recurrent(pointer),
        "a hybrid of attention and recurrence": c.llama_model_is_hybrid(pointer),
        "a model with an encoder": c.llama_model_has_encoder(pointer),
        "a diffusion model": c.llama_model_is_diffusion(pointer),
        "a model without a vocabulary": c.llama_vocab_type(vocab) == c.LLAMA_VOCAB_TYPE_NONE,
    }
    return next((kind for kind, is_so in kinds.items() if is_so), None)


def _has_space_prefix(header: GgufHeader) -> bool:
    """Whether llama.cpp would put a space before a text: what the file says, else what its kind of vocabulary does."""
    is_sentencepiece = header.metadata.get("tokenizer.ggml.model") == "llama"
    return bool(header.metadata.get(_SPACE_PREFIX, is_sentencepiece))


def _without_space_prefix() -> ctypes.Array[c.llama_model_kv_override]:
    """What makes llama.cpp leave the space away; see `Vocabulary`. The last entry ends the list."""
    overrides = (c.llama_model_kv_override * 2)()
    overrides[0].tag = c.LLAMA_KV_OVERRIDE_TYPE_BOOL
    overrides[0].key = _SPACE_PREFIX.encode()
    value: Any = overrides[0].value  # a union; the binding declares what it holds
    value.val_bool = False
    return overrides
