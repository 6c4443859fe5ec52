"""What a context for generating and one for embedding have in common: a batch, and one decode."""

from __future__ import annotations  # the binding names its pointer types for type checkers only

import ctypes
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as c

from poly_engine.errors import EngineFailed, ModelLoadFailed
from poly_engine.llama import library
from poly_engine.llama.model import LlamaModel

Ints: TypeAlias = Sequence[int] | npt.NDArray[np.int32]


class Rows:
    """A `llama_batch` over arrays of ours, so that it is filled a column at a time and not a value at a time."""

    def __init__(self, n_max: int) -> None:
        self._tokens = np.zeros(n_max, np.int32)
        self._positions = np.zeros(n_max, np.int32)
        self._sequences = np.zeros(n_max, np.int32)
        self._wanted = np.zeros(n_max, np.int8)
        self._ones = np.ones(n_max, np.int32)
        self._pointers = self._sequences.ctypes.data + np.arange(n_max, dtype=np.uint64) * 4
        self.batch: Any = c.llama_batch()  # it declares arrays where llama.cpp has pointers
        self.batch.token = _pointer(self._tokens, c.llama_token)
        self.batch.pos = _pointer(self._positions, c.llama_pos)
        self.batch.n_seq_id = _pointer(self._ones, ctypes.c_int32)
        self.batch.seq_id = _pointer(self._pointers, ctypes.POINTER(c.llama_seq_id))
        self.batch.logits = _pointer(self._wanted, ctypes.c_int8)

    def fill(self, tokens: Ints, positions: Ints, sequences: Ints, wanted: Ints) -> None:
        """Set the rows of the next decode; `wanted` are the numbers of those whose output is wanted."""
        n = len(tokens)
        self._tokens[:n] = tokens
        self._positions[:n] = positions
        self._sequences[:n] = sequences
        self._wanted[:n] = 0
        self._wanted[np.asarray(wanted, np.intp)] = 1
        self.batch.n_tokens = n


def open_context(model: LlamaModel, params: c.llama_context_params) -> c.llama_context_p:
    """Create a context with the adapters of the model. Raises ModelLoadFailed, most likely for want of memory."""
    library.take_errors()
    pointer = c.llama_init_from_model(model.pointer, params)
    if not pointer:
        cause = library.take_errors() or "llama.cpp gave up"
        raise ModelLoadFailed(
            f"no context of {params.n_ctx} tokens can be made for {model.header.path}: {cause}; "
            "a smaller context_size or cache_size may help"
        )
    if model.adapters:
        n = len(model.adapters)
        pointers: list[Any] = model.adapters
        adapters = (c.llama_adapter_lora_p_ctypes * n)(*pointers)
        c.llama_set_adapters_lora(pointer, adapters, n, (ctypes.c_float * n)(*[1.0] * n))
    return pointer


def decode(context: c.llama_context_p, rows: Rows) -> None:
    """Compute the rows. Raises EngineFailed with llama.cpp's reason."""
    status = c.llama_decode(context, rows.batch)
    if status != 0:
        cause = library.take_errors() or "no reason was given"
        raise EngineFailed(f"llama.cpp could not compute {rows.batch.n_tokens} tokens (status {status}): {cause}")


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:  # ctypes has no types for what it makes at run time
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
