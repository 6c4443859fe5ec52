"""Reading the header of a GGUF file, before llama.cpp sees it.

llama.cpp trusts the files it is given; so a file is checked here first, and the figures that are needed before
loading (context length, size of the KV cache) are read without loading anything.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TypeAlias

from poly_engine.errors import ModelLoadFailed
from poly_engine.models.quantization import of_file_type, of_tensors
from poly_engine.models.tensors import Tensor, fault_in

Value: TypeAlias = int | float | bool | str | tuple[int | float | bool, ...]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LONGEST_KEPT_ARRAY = 4096
_MOST_ENTRIES = 1 << 20  # keys or tensors: real files have thousands
_MOST_TEXTS = 1 << 22  # in a list: real vocabularies have some 100,000
_LONGEST_TEXT = 1 << 24
_LARGEST_HEADER = 1 << 28
_MOST_DIMENSIONS = 4
_POSITIONS = "position_embd.weight"  # of gpt2 and starcoder, and of some mpt


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says of itself. Arrays of strings and long arrays of the metadata are left out."""

    path: Path
    size_bytes: int
    metadata: dict[str, Value]
    n_tensors: int
    n_params: int
    has_learned_positions: bool
    """Whether the model looks positions up in a table, beyond whose end llama.cpp aborts the process."""
    quantization: str
    """How the weights are stored, such as Q4_K_M; empty if that is not known."""

    @property
    def n_layers(self) -> int:
        """The layers that can be computed on a GPU, counted as llama.cpp does: with the one that writes."""
        return self.number("block_count") + 1

    @property
    def architecture(self) -> str:
        """The family of the model, as llama.cpp names it."""
        return str(self.metadata["general.architecture"])

    def number(self, key: str, default: int = 0) -> int:
        """Return a figure of the architecture, such as `block_count`; the largest, where each layer has its own."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        figures = [figure for figure in (value if isinstance(value, tuple) else (value,)) if _is_figure(figure)]
        return max((int(figure) for figure in figures if not isinstance(figure, str)), default=default)

    @property
    def train_context_size(self) -> int:
        """Tokens of context that the model was trained on; 0 if it does not say."""
        return self.number("context_length")

    @property
    def is_causal(self) -> bool:
        """Whether it can write; a pure embedder such as BERT cannot."""
        return self.metadata.get(f"{self.architecture}.attention.causal") is not False

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes that one token takes in an f16 KV cache."""
        heads = self.number("attention.head_count", 1)
        kv_heads = self.number("attention.head_count_kv", heads)
        head_size = self.number("embedding_length") // max(heads, 1)
        key_size = self.number("attention.key_length", head_size)
        value_size = self.number("attention.value_length", head_size)
        return self.number("block_count") * kv_heads * (key_size + value_size) * 2


def read_header(path: Path, *, is_first: bool = True) -> GgufHeader:
    """Read and check the header of a model file: magic, counts, lengths, names, and the places of its tensors.

    Of a model in several files, those that are not the first do not say what it is. Raises ModelLoadFailed with the
    reason.
    """
    try:
        if path.exists() and not path.is_file():
            raise ModelLoadFailed(f"{path} is no file")
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise ModelLoadFailed(f"{path} is not a GGUF file: it does not begin with GGUF")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(path, data).header(is_first=is_first)
    except FileNotFoundError as error:
        raise ModelLoadFailed(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        raise ModelLoadFailed(f"{path} cannot be read: {error}") from error
    except struct.error as error:
        raise ModelLoadFailed(f"{path} is cut off in its header: download it again") from error


def _is_figure(value: float | str) -> bool:
    """Whether a value can be the size of something."""
    return not isinstance(value, str) and isfinite(value) and 0 <= value < 1 << 32


class _Reader:
    """A cursor over the header."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self._path = path
        self._data = data
        self._at = len(_MAGIC)

    def header(self, *, is_first: bool) -> GgufHeader:
        version = self._scalar("I")
        if version not in _VERSIONS:
            raise self._broken(f"its format version is {version}, not {' or '.join(map(str, _VERSIONS))}")
        n_tensors, n_entries = self._count("tensors"), self._count("metadata entries")
        metadata = self._metadata(n_entries)
        tensors = [self._tensor() for _ in range(n_tensors)]
        if is_first and not isinstance(metadata.get("general.architecture"), str):
            if metadata.get("split.no"):
                raise self._broken("it is one of several files of a model: name the first, …-00001-of-….gguf")
            raise self._broken("it does not say its general.architecture")
        alignment = metadata.get("general.alignment", 32)
        if type(alignment) is not int or alignment < 1 or alignment.bit_count() != 1:
            raise self._broken(f"its general.alignment is {alignment!r:.80}, not a power of two")
        begin = -(-self._at // alignment) * alignment
        if fault := fault_in(tensors, begin, len(self._data), alignment):
            raise self._broken(fault)
        kept = {key: value for key, value in metadata.items() if value is not None}
        n_params = sum(tensor.n_values for tensor in tensors)
        has_learned_positions = any(tensor.name == _POSITIONS for tensor in tensors)
        quantization = of_file_type(kept.get("general.file_type")) or of_tensors(
            (tensor.kind, tensor.n_values) for tensor in tensors
        )
        return GgufHeader(self._path, len(self._data), kept, n_tensors, n_params, has_learned_positions, quantization)

    def _metadata(self, n_entries: int) -> dict[str, Value | None]:
        metadata: dict[str, Value | None] = {}
        for _ in range(n_entries):
            key = self._string()
            if key in metadata:
                raise self._broken(f"its metadata has {key[:80]!r} twice")
            metadata[key] = self._value(self._scalar("I"))
        return metadata

    def _value(self, kind: int) -> Value | None:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise self._broken(f"its metadata has a value of the unknown type {kind}")
        value: int | float | bool = self._scalar(_SCALARS[kind])
        return value

    def _array(self) -> Value | None:
        kind, n = self._scalar("I"), self._scalar("Q")
        if kind == _STRING:
            if n > _MOST_TEXTS:
                raise self._broken(f"it claims to have a list of {n} texts")
            for _ in range(self._checked(n, 8)):
                n_bytes = self._checked(self._scalar("Q"), 1, most=_LONGEST_TEXT)
                self._at += n_bytes
            return None
        if kind not in _SCALARS:
            raise self._broken(f"its metadata has an array of the unknown type {kind}")
        width = struct.calcsize("<" + _SCALARS[kind])
        begin, self._at = self._at, self._at + self._checked(n, width) * width
        return struct.unpack_from(f"<{n}{_SCALARS[kind]}", self._data, begin) if n <= _LONGEST_KEPT_ARRAY else None

    def _tensor(self) -> Tensor:
        name, n_dims = self._string(), self._scalar("I")
        if n_dims > _MOST_DIMENSIONS:
            raise self._broken(f"tensor {name[:80]!r} has {n_dims} dimensions")
        shape = tuple(self._scalar("Q") for _ in range(n_dims))
        return Tensor(name, shape, self._scalar("I"), self._scalar("Q"))

    def _string(self) -> str:
        n = self._checked(self._scalar("Q"), 1, most=_LONGEST_TEXT)
        begin, self._at = self._at, self._at + n
        return self._data[begin : self._at].decode("utf-8", "replace")

    def _count(self, what: str) -> int:
        n = self._scalar("Q")
        if n > _MOST_ENTRIES:
            raise self._broken(f"it claims to have {n} {what}")
        return n

    def _checked(self, n: int, width: int, most: int = _LARGEST_HEADER) -> int:
        """Return `n` if as many things of `width` bytes can still follow, and are no more than there should be."""
        if n * width > len(self._data) - self._at:
            raise self._broken("it is cut off in its header: download it again")
        if n > most or self._at + n * width > _LARGEST_HEADER:
            raise self._broken(f"its header claims to have something of {n * width} bytes")
        return n

    def _scalar(self, code: str) -> int:
        value: int = struct.unpack_from("<" + code, self._data, self._at)[0]
        self._at += struct.calcsize("<" + code)
        return value

    def _broken(self, why: str) -> ModelLoadFailed:
        return ModelLoadFailed(f"{self._path} cannot be used: {why}")
