"""What comes of one output of a step: the tokens that a sequence goes on with."""

from dataclasses import dataclass

from poly_engine.types import Alternative, BiasState, FinishReason

__all__ = ["Step", "Taken"]


@dataclass(frozen=True, slots=True)
class Step:
    """One token. `is_forced` and `bias_state` are as in `poly_engine.types.Token`, `logprob` and `alternatives` as in
    `poly_engine.types.Logprobs`.
    """

    token: int
    is_forced: bool = False
    bias_state: BiasState | None = None
    logprob: float | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """The tokens that follow: one, or several where a bias leaves no choice behind it.

    `ends` says how the generation ends with them; None if it goes on, unless a token itself ends it. `failure` says why
    it cannot go on.
    """

    steps: tuple[Step, ...] = ()
    ends: FinishReason | None = None
    failure: str | None = None
