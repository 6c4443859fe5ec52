"""The embedding model of a memory: counts tokens, tells models apart, and turns texts into vectors."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poly_engine.batch.opened import Vocabulary
from poly_engine.memory.atoms import TokenCounter
from poly_engine.memory.records import Fingerprint

__all__ = ["Embedding", "VocabularyCounter"]


class VocabularyCounter:
    """Counts the tokens of texts, each by itself, without those that the model puts around them."""

    def __init__(self, vocabulary: Callable[[], Vocabulary]) -> None:
        self._vocabulary = vocabulary

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has."""
        return self._vocabulary().counts(texts)


@dataclass(frozen=True, slots=True)
class Embedding:
    """A model, as far as a memory uses it. `embed` gives a vector of length 1 for each text; a text may have
    `max_tokens`.

    Who embeds or counts does it in a block of `hold`, which has the model loaded and keeps it so: outside of one it may
    leave the memory of the machine at any time. When it is no longer current, its file is another one.
    """

    fingerprint: Fingerprint
    counter: TokenCounter
    max_tokens: int
    embed: Callable[[Sequence[str]], Awaitable[npt.NDArray[np.float32]]]
    is_current: Callable[[], bool] = lambda: True
    hold: Callable[[], AbstractAsyncContextManager[None]] = nullcontext

    def clipped(self, text: str) -> str:
        """As much of the beginning of a text as can be embedded."""
        while (n := self.counter.count([text])[0]) > self.max_tokens:
            text = text[: len(text) * self.max_tokens // n]
        return text
