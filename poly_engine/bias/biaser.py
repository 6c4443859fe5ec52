"""Keeps one answer to its bias: which tokens may come next, which must, and how it ends when the tokens run out."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from poly_engine.bias.compiled import Biases
from poly_engine.bias.completion import NoEnding, completion
from poly_engine.bias.ending import Ending
from poly_engine.bias.taken import Step, Taken
from poly_engine.types import Bias, BiasState, FinishReason

__all__ = ["Biaser"]


class Biaser:
    """One answer of at most `n_max` tokens.

    At every moment an ending is known: bytes that complete the text as it stands, in no more tokens than are left. A
    sampled token is taken if there is an ending behind it, too; else the first token of the ending at hand is taken in
    its place. So an answer can always be completed, and is when its last token is due. A token that would complete one
    of the `private` texts is treated likewise.

    Raises InvalidSchema if the bias cannot be enforced.
    """

    def __init__(self, bias: Bias, biases: Biases, n_max: int, private: Sequence[str] = ()) -> None:
        compiled = biases.compiled(bias)
        self._pieces = biases.pieces
        self._ends = biases.ends
        self._speller = biases.speller
        self._tokens = compiled.tokens.deep_copy()
        self._letters = compiled.letters.deep_copy()
        self._ending = Ending(compiled.shortest, self._speller)
        self._n_left = n_max
        self._private = PrivateTexts(private)
        self._is_closing = False

    def fill_mask(self, mask: npt.NDArray[np.uint32]) -> None:
        """Set the bits of the tokens that may come next.

        `mask` has a bit for each token of the vocabulary, rounded up to whole words.
        """
        self._tokens.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)

    def begin(self) -> Taken:
        """What the answer begins with, whatever the model says."""
        if not self._ending.fits(self._n_left):
            return Taken(failure=f"what has to be written does not fit {self._n_left} tokens")
        if self._private.would_appear(self._ending.text):
            return Taken(failure="the shortest answer that fits holds a private text of the task")
        return self._taken([])

    def take(self, token: int, *, is_forced: bool = False) -> Taken:
        """Take what was sampled, or what has to come in its place, and all that must follow.

        `token` is one that the mask allows, the only one if it `is_forced`.
        """
        if self._tokens.is_error():
            return self._failure()
        if token in self._ends:
            return Taken((Step(token),), self._reason)
        ending = self._ending_behind([token])
        if ending is None:
            return self._close()
        self._accept([token], ending)
        return self._taken([Step(token, is_forced, self._state)])

    def _close(self) -> Taken:
        """Go one token towards the end."""
        self._is_closing = True
        token = self._ending.first_token
        if token is None:  # nothing has to follow, and nothing else may
            return Taken((), self._reason)
        ending = self._ending.behind(self._pieces[token])
        assert ending is not None, "an ending does not begin with its first token"
        self._accept([token], ending)
        return self._taken([Step(token, bias_state=self._state)])

    def _taken(self, steps: list[Step]) -> Taken:
        """Add what must follow, and see how things stand."""
        while not self._tokens.is_stopped() and (forced := self._tokens.compute_ff_tokens()):
            ending = self._ending_behind(forced)
            if ending is None:
                break
            self._accept(forced, ending)
            *others, last = forced
            steps += [Step(token, is_forced=True, bias_state=self._open_state) for token in others]
            steps.append(Step(last, is_forced=True, bias_state=self._state))
        if self._tokens.is_error():
            return self._failure()
        return Taken(tuple(steps), self._reason if self._tokens.is_stopped() else None)

    def _failure(self) -> Taken:
        """What llguidance gives up, at one of its limits on how complex a grammar may become, is lost."""
        error = self._tokens.get_error().partition("<state>")[0]
        return Taken(failure=f"the schema became too complex to go on: {error.strip()}")

    def _ending_behind(self, tokens: Sequence[int]) -> Ending | None:
        """An ending for the text with `tokens` behind it; None if they may not be taken."""
        piece = b"".join(self._pieces[token] for token in tokens)
        n_left = self._n_left - len(tokens)
        if n_left < 0 or self._private.would_appear(piece):
            return None
        ending = self._ending.behind(piece)
        if ending is not None and self._is_possible(ending, piece, n_left):
            return ending
        letters = self._letters.deep_copy()
        if not letters.consume_tokens(list(piece)):
            return None
        for hint in (self._ending.text, b""):  # what is near may be longer than what is left
            with suppress(NoEnding):
                text = completion(letters, hint=hint, n_written=len(piece), alphabet=self._speller.alphabet)
                if self._is_possible(ending := Ending(text, self._speller), piece, n_left):
                    return ending
        return None

    def _is_possible(self, ending: Ending, piece: bytes, n_left: int) -> bool:
        return ending.fits(n_left) and not self._private.would_appear(piece + ending.text)

    def _accept(self, tokens: Sequence[int], ending: Ending) -> None:
        piece = b"".join(self._pieces[token] for token in tokens)
        self._tokens.consume_tokens(list(tokens))
        self._letters.consume_tokens(list(piece))
        self._private.note(piece)
        self._n_left -= len(tokens)
        self._ending = ending

    @property
    def _state(self) -> BiasState:
        return "complete" if self._tokens.is_accepting() else self._open_state

    @property
    def _open_state(self) -> BiasState:
        return "closing" if self._is_closing else "open"

    @property
    def _reason(self) -> FinishReason:
        return "length" if self._is_closing else "stop"


class PrivateTexts:
    """Watches for texts that must not appear, in a text that arrives in pieces."""

    def __init__(self, private: Sequence[str]) -> None:
        self._private = [text.encode() for text in private]
        self._n_kept = max(map(len, self._private), default=1) - 1
        self._tail = b""

    def would_appear(self, piece: bytes) -> bool:
        """Whether one of them would be complete with `piece`."""
        return bool(self._private) and any(text in self._tail + piece for text in self._private)

    def note(self, piece: bytes) -> None:
        """Take the next piece."""
        self._tail = (self._tail + piece)[-self._n_kept :] if self._n_kept else b""
