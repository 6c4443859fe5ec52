"""How likely a model finds what it writes, for who asks."""

from dataclasses import dataclass

__all__ = ["Alternative", "Logprobs"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have come, and its log-probability. `piece` are its bytes, also of a special token, and `text`
    is what they spell, lossy where they are a part of a character.
    """

    id: int
    text: str
    piece: tuple[int, ...]
    logprob: float


@dataclass(frozen=True, slots=True)
class Logprobs:
    """How likely the model found a token: natural logarithms of probabilities, -9999 at least. They are the model's
    own: the softmax of its logits, before samplers, `logit_bias` and schema have their say.

    `piece` are the bytes of the token, as they appear in the answer. `logprob` is None, and there are no alternatives,
    where the model was not asked, as forced tokens come several at a time. The `alternatives` are the likeliest tokens,
    best first; the token itself is mostly among them.
    """

    piece: tuple[int, ...]
    logprob: float | None = None
    alternatives: tuple[Alternative, ...] = ()
