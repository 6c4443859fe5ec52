"""An ending: the bytes that complete an answer from where it stands, and how few tokens they take."""

from collections.abc import Sequence
from functools import cached_property

from poly_engine.bias.spelling import Speller

__all__ = ["Ending"]


class Ending:
    """`text` completes an answer. What was counted for a longer ending also holds for its own end."""

    def __init__(self, text: bytes, speller: Speller, costs: Sequence[int] | None = None) -> None:
        self.text = text
        self._speller = speller
        self._costs = costs

    @cached_property
    def n_least(self) -> int:
        """The fewest tokens that write it."""
        return self._known_costs[0]

    @property
    def first_token(self) -> int | None:
        """The token to write first; None if there is nothing to write, or if it cannot be written."""
        tokens = self._speller.spell(self.text, self._known_costs)
        return tokens[0] if tokens else None

    def fits(self, n_tokens: int) -> bool:
        """Whether it can be written with `n_tokens`."""
        if len(self.text) <= n_tokens and self._speller.alphabet.issuperset(self.text):
            return True  # one token for each byte: nothing has to be counted
        return self.n_least <= n_tokens

    def behind(self, piece: bytes) -> "Ending | None":
        """What is left of it when `piece` has been written; None if it does not begin with that."""
        if not self.text.startswith(piece):
            return None
        costs = None if self._costs is None else self._costs[len(piece) :]
        return Ending(self.text[len(piece) :], self._speller, costs)

    @property
    def _known_costs(self) -> Sequence[int]:
        if self._costs is None:
            self._costs = self._speller.costs(self.text)
        return self._costs
