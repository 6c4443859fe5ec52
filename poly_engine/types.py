"""What crosses the `Engine` interface: events of a turn, descriptions of models and tasks, usage and timings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:  # numpy costs 130 ms, which `poly task ls` need not pay
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "Done",
    "Embeddings",
    "Event",
    "FinishReason",
    "ModelInfo",
    "ModelState",
    "Overrides",
    "Progress",
    "TaskInfo",
    "Timings",
    "Token",
    "TokenPiece",
    "Truncated",
    "Turn",
    "Usage",
]

FinishReason: TypeAlias = Literal["stop", "length", "cancelled"]
"""Why a turn ended: by itself (or a stop sequence), at a limit of tokens, or because the caller left."""

ModelState: TypeAlias = Literal["unloaded", "loading", "loaded", "failed"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange that lies behind a session: what the user said and what was answered."""

    prompt: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Settings of the task that one turn replaces; None keeps what the task says."""

    max_tokens: int | None = None
    seed: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    repetition_penalty_last_n: int | None = None
    stop_sequences: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one turn.

    `prompt_tokens` is the whole context that the answer was computed from, of which `cached_tokens` were already
    in the KV cache. `context_tokens` of `context_size` are taken when the turn is over.
    """

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    context_tokens: int
    context_size: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that one turn spent waiting for a slot, reading its prompt, and writing its answer."""

    queued_s: float
    prefill_s: float
    decode_s: float

    @property
    def first_token_s(self) -> float:
        """Time from the request to its first token."""
        return self.queued_s + self.prefill_s


@dataclass(frozen=True, slots=True)
class Truncated:
    """The context was full: the oldest `n_turns` turns, `n_tokens` tokens, are no longer seen by the model."""

    n_tokens: int
    n_turns: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` prompt tokens are in the KV cache. The first one says that the turn left the queue."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token. `text` may be empty: bytes of an unfinished character and the beginning of what may
    become a stop sequence are held back until it is clear what they are.
    """

    text: str
    id: int


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every turn that did not fail."""

    finish_reason: FinishReason
    usage: Usage
    timings: Timings


Event: TypeAlias = Truncated | Progress | Token | Done


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a configured model. Figures that only the loaded file tells are None before."""

    name: str
    path: str
    state: ModelState
    size_bytes: int | None = None
    architecture: str | None = None
    n_params: int | None = None
    context_size: int | None = None
    train_context_size: int | None = None
    embedding_size: int | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What is known of a configured task."""

    name: str
    model: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class TokenPiece:
    """One token of a tokenised text. `text` is lossy where the token is a part of a character."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One row per text in `vectors`, shape (n_texts, embedding_size), float32, each of Euclidean length 1 if
    normalised; `n_tokens` were read in all.
    """

    vectors: "npt.NDArray[np.float32]"
    n_tokens: int
