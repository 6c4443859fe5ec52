"""Where the tensors of a model file lie, and whether that can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

__all__ = ["Tensor", "fault_in"]

_LONGEST_NAME = 63  # bytes, GGML_MAX_NAME without the zero at the end
_MOST_VALUES = 1 << 62
# ggml type number: (values in a block, bytes of a block)
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as a file describes it: `kind` is the number of its type in ggml, `offset` counts from where the
    tensors begin.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def n_values(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes that it takes; 0 for a kind that is not known here, of which only the offset can be checked."""
        per_block, block_bytes = _BLOCKS.get(self.kind, (1, 0))
        return self.n_values // per_block * block_bytes

    @property
    def has_whole_blocks(self) -> bool:
        """Whether its rows are made of whole blocks, as they have to be."""
        per_block, _ = _BLOCKS.get(self.kind, (1, 0))
        return not self.shape or self.shape[0] % per_block == 0


def fault_in(tensors: Sequence[Tensor], begin: int, file_bytes: int, alignment: int) -> str:
    """What is wrong with the tensors of a file, which lie from `begin` on, in words; "" if nothing is."""
    names = set[str]()
    for tensor in tensors:
        if fault := _fault_of(tensor, alignment):
            return f"tensor {tensor.name[:80]!r} {fault}"
        if tensor.name in names:
            return f"it has the tensor {tensor.name[:80]!r} twice"
        names.add(tensor.name)
        end = begin + tensor.offset + tensor.size_bytes
        if end > file_bytes:
            return f"tensor {tensor.name[:80]!r} ends at byte {end} of {file_bytes}: download it again"
    return _overlap(tensors)


def _fault_of(tensor: Tensor, alignment: int) -> str:
    if len(tensor.name.encode()) > _LONGEST_NAME:
        return "has too long a name"
    if tensor.n_values > _MOST_VALUES:
        return f"claims to have {tensor.n_values} values"
    if not tensor.has_whole_blocks:
        return f"has rows of {tensor.shape[0]} values, which its type {tensor.kind} does not allow"
    if tensor.offset % alignment:
        return f"begins at byte {tensor.offset}, which is no multiple of {alignment}"
    return ""


def _overlap(tensors: Sequence[Tensor]) -> str:
    in_order = sorted((one for one in tensors if one.size_bytes), key=lambda tensor: tensor.offset)
    for one, other in pairwise(in_order):
        if one.offset + one.size_bytes > other.offset:
            return f"the tensors {one.name[:80]!r} and {other.name[:80]!r} overlap"
    return ""
