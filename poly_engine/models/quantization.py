"""How the weights of a model file are stored, by the name that people know it by: Q4_K_M, F16.

A file says so itself (LLAMA_FTYPE in llama.h); of one that does not, the type of most of its weights tells.
"""

from collections import Counter
from collections.abc import Iterable

__all__ = ["of_file_type", "of_tensors"]

_GUESSED = 1024
"""A bit of the file type: whoever wrote the file was not told."""

_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
_TENSOR_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
    22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip


def of_file_type(number: object) -> str:
    """The name of what `general.file_type` says; empty if that is nothing known."""
    return _FILE_TYPES.get(number & ~_GUESSED, "") if isinstance(number, int) else ""


def of_tensors(kinds: Iterable[tuple[int, int]]) -> str:
    """The name of the type that most weights have, given types with numbers of weights; empty if it is not known."""
    n_weights: Counter[int] = Counter()
    for kind, n_values in kinds:
        n_weights[kind] += n_values
    return _TENSOR_TYPES.get(max(n_weights, key=n_weights.__getitem__), "") if n_weights else ""
