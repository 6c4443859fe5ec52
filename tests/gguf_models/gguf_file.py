"""Writes one GGUF file from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray

from .vocabulary import Vocabulary

Value: TypeAlias = bool | int | float | str
Metadata: TypeAlias = Mapping[str, Value]
Tensors: TypeAlias = Mapping[str, NDArray[np.float32]]


def write(
    path: Path, architecture: str, metadata: Metadata, tensors: Tensors, vocabulary: Vocabulary | None = None
) -> Path:
    """Write the file and return `path`. Keys of `metadata` are written as they are."""
    writer = GGUFWriter(path, architecture)
    for key, value in metadata.items():
        _add(writer, key, value)
    if vocabulary is not None:
        vocabulary.write(writer)
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: GGUFWriter, key: str, value: Value) -> None:
    match value:
        case bool():  # before int, of which it is a kind
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
