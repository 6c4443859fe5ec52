"""How likely a model finds tokens: logits to log-probabilities."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from poly_engine.bias.taken import Step
from poly_engine.llama.vocabulary import Vocabulary
from poly_engine.types import Alternative

__all__ = ["Scorer"]

_LEAST = -9999.0  # as OpenAI says it: JSON has no infinity


class Scorer:
    """Adds to a token how likely it was, and the `n` likeliest ones."""

    def __init__(self, vocabulary: Vocabulary, n: int) -> None:
        self._vocabulary = vocabulary
        self._n = min(n, vocabulary.n_tokens)
        self._pieces: dict[int, bytes] = {}

    def scored(self, step: Step, logits: npt.NDArray[np.float32]) -> Step:
        """The step, with what the logits say that it was chosen by."""
        highest = logits.max()
        total = highest + np.log(np.exp(logits - highest).sum(dtype=np.float64))
        best = self._best(logits)
        alternatives = tuple(self._alternative(token, _logprob(logits[token] - total)) for token in best)
        return replace(step, logprob=_logprob(logits[step.token] - total), alternatives=alternatives)

    def _best(self, logits: npt.NDArray[np.float32]) -> list[int]:
        """The tokens with the highest logits, best first, of the same logit the lowest number first."""
        if not self._n:
            return []
        lowest = np.partition(logits, -self._n)[-self._n]
        (tokens,) = (logits >= lowest).nonzero()
        order = np.argsort(-logits[tokens], kind="stable")[: self._n]
        return [int(token) for token in tokens[order]]

    def _alternative(self, token: int, logprob: float) -> Alternative:
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._vocabulary.spelling([token])
        return Alternative(token, piece.decode("utf-8", "replace"), tuple(piece), logprob)


def _logprob(value: np.float64) -> float:
    return max(float(value), _LEAST)
