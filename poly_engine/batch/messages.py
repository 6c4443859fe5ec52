"""What crosses the border between callers and the worker of a model: plain values, fit to be pickled."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from poly_engine.sampling import SamplerChain
from poly_engine.types import Bias, BiasState, FinishReason, Logprobs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue `tokens`. `max_tokens` of None means up to the context size.

    What `bias` demands is kept to, with no private text in it; that has to fit `max_tokens`, which must be given. A
    request that `continues` another goes before all that wait, as it has waited already. `logit_bias` and `logprobs`
    are as in `poly_engine.overrides`. `marks` are tokens that mark something and may be a part of this answer, with
    their texts; `openings` are stop sequences that count only where the answer begins with them.
    """

    id: int
    tokens: tuple[int, ...]
    sampler: SamplerChain
    seed: int
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    private_texts: tuple[str, ...] = ()
    private_ids: frozenset[int] = frozenset()
    bias: Bias | None = None
    continues: bool = False
    logit_bias: tuple[tuple[int, float], ...] = ()
    logprobs: int | None = None
    marks: tuple[tuple[int, str], ...] = ()
    openings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a generation, whose `Finished` still comes, or take back an `Embed` that waits."""

    id: int


@dataclass(frozen=True, slots=True)
class Embed:
    """Embed `texts`, given as tokens, in one decode."""

    id: int
    texts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Fail what is under way, for a `reason`, free the model and end."""

    reason: str = "the engine was shut down"


@dataclass(frozen=True, slots=True)
class Threads:
    """Compute with `n` threads from the next step on."""

    n: int


Command: TypeAlias = Generate | Cancel | Embed | Threads | Stop


@dataclass(frozen=True, slots=True)
class Prefilled:
    """`done` of `total` prompt tokens are in the KV cache, `cached` of them were there before."""

    id: int
    done: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class Generated:
    """One token was sampled, or forced, and `text` may be shown now."""

    id: int
    token: int
    text: str
    is_forced: bool = False
    bias_state: BiasState | None = None
    logprobs: Logprobs | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A generation of `n_generated` tokens is over and its slot is free.

    `kept` are the tokens that belong to the answer, `tail` is text behind them that was shown but is only a part of
    a token (the rest of it belonged to a stop sequence). `end_token` is the end-of-generation token, if one ended it,
    `stop` the stop sequence, if one did.
    """

    id: int
    reason: FinishReason
    n_generated: int
    kept: tuple[int, ...]
    tail: str
    end_token: int | None
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of an `Embed`, shape (n_texts, embedding_size), not normalised."""

    id: int
    vectors: "npt.NDArray[np.float32]"


@dataclass(frozen=True, slots=True)
class Failed:
    """A request is lost, for the reason in `message`: `is_closed` if the worker was told to stop, `is_broken` if it
    broke down; either way it takes no more.
    """

    id: int
    message: str
    is_closed: bool = False
    is_broken: bool = False


Report: TypeAlias = Prefilled | Generated | Finished | Embedded | Failed
"""The worker sends one list of reports a step."""
