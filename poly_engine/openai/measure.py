"""About how many tokens a text has, where the vocabulary is somewhere else."""

from collections.abc import Sequence

__all__ = ["CautiousCounter", "Measure"]

_BYTES_PER_TOKEN = 4.0
_WEIGHT = 16
"""Tokens by which the guess counts before anything was measured."""


class Measure:
    """Learns from what a server counted. An estimate, and called so wherever it is shown."""

    def __init__(self) -> None:
        self._n_bytes = _WEIGHT * _BYTES_PER_TOKEN
        self._n_tokens = float(_WEIGHT)

    def learn(self, text: str, n_tokens: int) -> None:
        """The server found so many tokens in a text."""
        self._n_bytes += len(text.encode("utf-8", "replace"))
        self._n_tokens += n_tokens

    def n_tokens(self, text: str) -> int:
        """About how many tokens a text has; none only if it is empty."""
        return -int(-len(text.encode("utf-8", "replace")) * self._n_tokens // self._n_bytes)


class CautiousCounter:
    """Counts the tokens of chunks for a memory: rather too many than too few, as a chunk that is too long is refused.

    Three bytes are a token: English has more to one, Chinese a character, which is three.
    """

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has at most, for all that is usual."""
        return [-(-len(text.encode("utf-8", "replace")) // 3) for text in texts]
