"""The sentences that a conversation leaves in the transcript, beside what is said in it."""

from poly_engine.types import BiasState, Recalled, Truncated

__all__ = ["describe_limit", "describe_loss", "describe_recall"]


def describe_limit(bias_state: BiasState | None) -> str:
    """An answer reached the limit of tokens."""
    if bias_state in ("closing", "complete"):
        return "brought to its shortest end at the limit of tokens, and still fits its schema"
    return "cut off at the limit of tokens"


def describe_recall(recalled: Recalled) -> str:
    """A memory gave nothing."""
    if recalled.n_without_room:
        return "what was recalled has no place in the context"
    return "the memory holds nothing that is near enough"


def describe_loss(loss: Truncated) -> str:
    """Turns left the context."""
    turns = "turn" if loss.n_turns == 1 else f"{loss.n_turns} turns"
    return f"the oldest {turns} ({loss.n_tokens} tokens) left the context"
