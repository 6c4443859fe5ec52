"""Writing a given text with as few tokens as possible."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

__all__ = ["CANNOT", "Speller"]

_LONGEST_PIECE = 32  # bytes; longer ones are runs of spaces and rules, which save nothing here
CANNOT = 1 << 20
"""What it costs, or more, to write what cannot be written."""


class Speller:
    """Knows the bytes of all tokens that may be used. `pieces` are those bytes by token; an empty one is never used."""

    def __init__(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        self._tokens: dict[bytes, int] = {}
        for token, piece in pieces:
            if 0 < len(piece) <= _LONGEST_PIECE:
                self._tokens.setdefault(piece, token)
        self._longest = max(map(len, self._tokens), default=0)

    @cached_property
    def alphabet(self) -> frozenset[int]:
        """The bytes that are tokens of their own."""
        return frozenset(byte for byte in range(256) if bytes([byte]) in self._tokens)

    def costs(self, text: bytes) -> list[int]:
        """How many tokens each end of `text` takes at least: entry i is for text[i:]. What cannot be written
        takes CANNOT or more.

        The classical shortest path over the places between bytes, from the end.
        """
        costs = [0] * (len(text) + 1)
        for i in range(len(text) - 1, -1, -1):
            costs[i] = 1 + min((costs[end] for end in self._ends(text, i)), default=CANNOT)
        return costs

    def spell(self, text: bytes, costs: Sequence[int] | None = None) -> list[int] | None:
        """The fewest tokens that write `text`; None if it cannot be written. `costs` are those of it, if known."""
        costs = self.costs(text) if costs is None else costs
        if costs[0] >= CANNOT:
            return None
        tokens, i = [], 0
        while i < len(text):
            end = min(self._ends(text, i), key=lambda place: (costs[place], -place))
            tokens.append(self._tokens[text[i:end]])
            i = end
        return tokens

    def _ends(self, text: bytes, i: int) -> Iterator[int]:
        stop = min(len(text), i + self._longest)
        return (end for end in range(i + 1, stop + 1) if text[i:end] in self._tokens)
