"""What the status line tells: the phase of a conversation and its figures, as values."""

from dataclasses import dataclass
from enum import Enum

from poly_engine.types import BiasState

__all__ = ["Phase", "Status"]


class Phase(Enum):
    """What a conversation is doing; the value is the word for it."""

    UNLOADED = "not loaded"
    LOADING = "loading"
    READY = "ready"
    WAITING = "waiting"
    READING = "reading prompt"
    THINKING = "thinking"
    WRITING = "writing"
    FAILED = "failed"

    @property
    def is_answering(self) -> bool:
        """Whether a prompt is being answered."""
        return self in (Phase.WAITING, Phase.READING) or self.is_generating

    @property
    def is_generating(self) -> bool:
        """Whether tokens come in."""
        return self in (Phase.THINKING, Phase.WRITING)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to stop."""
        return self is Phase.LOADING or self.is_answering


@dataclass(frozen=True, slots=True)
class Status:
    """A moment of a conversation. What is not known is None; so is what only an answer with a bias has."""

    phase: Phase = Phase.UNLOADED
    loaded_share: float = 0.0
    n_prompt_read: int = 0
    n_prompt: int = 0
    tokens_per_s: float | None = None
    n_tokens: int | None = None
    first_token_s: float | None = None
    bias_state: BiasState | None = None
    forced_share: float | None = None
    context_used: int | None = None
    context_size: int | None = None
    is_following: bool = True
    n_new_rows: int = 0

    @property
    def state(self) -> str:
        """The phase in words, with how far it is."""
        if self.phase is Phase.LOADING:
            return f"loading {self.loaded_share:.0%}".replace("%", " %")
        if self.phase is Phase.READING and self.n_prompt:
            return f"reading prompt {self.n_prompt_read}/{self.n_prompt}"
        return str(self.phase.value)

    @property
    def context_share(self) -> float | None:
        """The share of the context that is taken, 0 to 1."""
        if self.context_used is None or not self.context_size:
            return None
        return min(1.0, self.context_used / self.context_size)
