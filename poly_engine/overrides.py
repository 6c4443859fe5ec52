"""What one turn replaces of the settings of its task."""

from collections.abc import Iterable
from dataclasses import dataclass

from poly_engine.errors import InvalidRequest

__all__ = ["MOST_LOGPROBS", "NEVER", "Overrides", "check_alone", "check_ids", "check_overrides"]

MOST_LOGPROBS = 20
NEVER = -100.0
"""The bias of a token that is not drawn at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Settings of the task that one turn replaces; None keeps what the task says.

    Stop sequences do not cut an answer that is bound to a schema.

    `logit_bias` are ids of tokens, each with what is added to its logit, -100 to 100, before any sampler looks at it;
    with -100 a token never comes. With `ignore_eos` no token ends the answer: it goes on to its limit of tokens, or to
    the end of the context; what the model thinks before ends as ever. Where a schema leaves no other tokens, neither
    counts. `logprobs` has each token of the answer carry its log-probability, and so many of the likeliest ones beside,
    0 to 20.
    """

    max_tokens: int | None = None
    seed: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty_last_n: int | None = None
    stop_sequences: tuple[str, ...] | None = None
    logit_bias: tuple[tuple[int, float], ...] | None = None
    ignore_eos: bool | None = None
    logprobs: int | None = None


def check_overrides(overrides: Overrides, n_vocab: int) -> None:
    """Raise InvalidRequest for what cannot be with a vocabulary of `n_vocab` tokens. What is a sampler's own, it checks
    itself.
    """
    check_alone(overrides)
    check_ids(dict(overrides.logit_bias or ()), n_vocab, "logit_bias")


def check_alone(overrides: Overrides) -> None:
    """As `check_overrides`, where the vocabulary is not known."""
    if overrides.max_tokens is not None and overrides.max_tokens < 1:
        raise InvalidRequest(f"max_tokens must be at least 1, not {overrides.max_tokens}")
    if "" in (overrides.stop_sequences or ()):
        raise InvalidRequest("stop_sequences must not be empty texts: leave them out")
    if overrides.logprobs is not None and not 0 <= overrides.logprobs <= MOST_LOGPROBS:
        raise InvalidRequest(f"logprobs must be 0 to {MOST_LOGPROBS}, not {overrides.logprobs}")
    for token, bias in overrides.logit_bias or ():
        if not NEVER <= bias <= -NEVER:  # said so, it is true of NaN as well
            raise InvalidRequest(f"logit_bias must be -100 to 100, not {bias} as for token {token}")


def check_ids(ids: Iterable[int], n_vocab: int, what: str) -> None:
    """Raise InvalidRequest about `what` holds an id that is no token."""
    unknown = next((token for token in ids if not 0 <= token < n_vocab), None)
    if unknown is not None:
        raise InvalidRequest(f"{what}: there is no token {unknown}: the model has the tokens 0 to {n_vocab - 1}")
