"""The steps of a sampler chain. A chain is a tuple of them in the order in which they run; the last draws a token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "GREEDY_BELOW",
    "Dist",
    "Dry",
    "Greedy",
    "MinP",
    "MirostatV1",
    "MirostatV2",
    "Penalties",
    "SamplerChain",
    "SamplerStep",
    "Temperature",
    "TopK",
    "TopP",
    "Typical",
    "chain",
]


@dataclass(frozen=True, slots=True)
class Penalties:
    """Make the tokens among the last `last_n` less likely.

    Their logits are divided by `repeat` (multiplied where negative), then lowered by `frequency` per occurrence and by
    `presence` once.
    """

    last_n: int
    repeat: float = 1.0
    frequency: float = 0.0
    presence: float = 0.0


@dataclass(frozen=True, slots=True)
class Dry:
    """Make a token less likely that goes on with a repetition.

    Where at least `allowed_length` tokens repeat some of the last `last_n`, the logit of the next one is lowered by
    `multiplier` * `base` ** (length - `allowed_length`). Nothing interrupts a repetition: no sequence breakers.
    """

    multiplier: float
    base: float
    allowed_length: int
    last_n: int


@dataclass(frozen=True, slots=True)
class TopK:
    """Keep the `k` most likely tokens."""

    k: int


@dataclass(frozen=True, slots=True)
class Typical:
    """Keep the tokens whose surprise is nearest to the expected one, until they reach probability `p` together."""

    p: float
    min_keep: int = 1


@dataclass(frozen=True, slots=True)
class TopP:
    """Keep the most likely tokens, until they reach probability `p` together."""

    p: float
    min_keep: int = 1


@dataclass(frozen=True, slots=True)
class MinP:
    """Keep the tokens that are at least `p` times as likely as the most likely one."""

    p: float
    min_keep: int = 1


@dataclass(frozen=True, slots=True)
class Temperature:
    """Divide the logits by `t`: below 1, what is likely becomes more likely."""

    t: float


@dataclass(frozen=True, slots=True)
class MirostatV1:
    """Draw at random, and steer the surprise of what is drawn towards `tau` at rate `eta`, looking at `m` tokens."""

    tau: float
    eta: float
    m: int


@dataclass(frozen=True, slots=True)
class MirostatV2:
    """Draw at random, and steer the surprise of what is drawn towards `tau` at rate `eta`."""

    tau: float
    eta: float


@dataclass(frozen=True, slots=True)
class Greedy:
    """Take the most likely token."""


@dataclass(frozen=True, slots=True)
class Dist:
    """Draw at random, by the probabilities of the tokens that are left."""


SamplerStep: TypeAlias = (
    Penalties | Dry | TopK | Typical | TopP | MinP | Temperature | MirostatV1 | MirostatV2 | Greedy | Dist
)
SamplerChain: TypeAlias = tuple[SamplerStep, ...]

GREEDY_BELOW = 0.001  # a smaller temperature pushes logits out of a 32-bit float, and draws the first token anyway


def chain(steps: Sequence[SamplerStep]) -> SamplerChain:
    """A chain of `steps`, less those that do nothing, and with the draw at its end.

    The draw is `Dist` unless the last step is a mirostat. Temperature 0 makes it `Greedy`, which needs no other step
    than the penalties.
    """
    if any(isinstance(step, Temperature) and step.t < GREEDY_BELOW for step in steps):
        steps = [*(step for step in steps if isinstance(step, Penalties | Dry)), Greedy()]
    elif not isinstance(steps[-1], MirostatV1 | MirostatV2):
        steps = [*steps, Dist()]
    return tuple(step for step in steps if not _is_idle(step))


def _is_idle(step: SamplerStep) -> bool:
    match step:
        case Penalties(last_n=0) | Penalties(repeat=1, frequency=0, presence=0) | Dry(last_n=0) | Dry(multiplier=0):
            return True
        case TopK(k=0) | Typical(p=1) | TopP(p=1) | MinP(p=0) | Temperature(t=1):
            return True
        case _:
            return False
