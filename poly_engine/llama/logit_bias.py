"""Logit biases: tokens that a caller wants more or less of, or never."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from poly_engine.overrides import NEVER

__all__ = ["LogitBias"]


class LogitBias:
    """What is added to the logits of a vocabulary of `n_vocab` tokens.

    Tokens that never come are left out of a choice, as in `Candidates`. llama.cpp's own sampler for this looks through
    all candidates for each token that has a bias, wherever there is a mask.
    """

    def __init__(self, biases: Sequence[tuple[int, float]], n_vocab: int) -> None:
        self._added = np.zeros(n_vocab, np.float32)
        tokens, values = (list(column) for column in zip(*biases, strict=True))
        self._added[tokens] = values
        self._is_possible = self._added > NEVER
        self.possible = self._is_possible.nonzero()[0]
        """The tokens that may come."""

    def added(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The logits of the vocabulary, with the biases."""
        return logits + self._added

    def left(self, tokens: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Those of the tokens that a mask allows that may come; all of them if there are none: the mask comes first."""
        if tokens is self.possible:
            return tokens
        left = tokens[self._is_possible[tokens]]
        return left if len(left) else tokens
