"""The figures of one answer, as the inspector shows them, and what is kept of them with a turn."""

from dataclasses import dataclass

from poly_engine.types import BiasState
from poly_tui.chats.facts import Facts, measured_of, thought_of, timings_of, usage_of
from poly_tui.chats.tree import ENDS, ChatTurn

__all__ = ["Figures", "kept_figures"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of an answer; None is what is not known, or not yet."""

    state: str = ""
    is_writing: bool = False
    tokens_per_s: float | None = None
    speeds: tuple[float, ...] = ()
    peak: float | None = None
    n_prompt: int | None = None
    n_cached: int | None = None
    prefill_s: float | None = None
    queued_s: float | None = None
    first_token_s: float | None = None
    n_reply: int | None = None
    n_thought: int | None = None
    thought_s: float | None = None
    forced_share: float | None = None
    context_used: int | None = None
    context_size: int | None = None
    bias_state: BiasState | None = None
    task: str = ""
    model: str = ""
    memory: str = ""

    @property
    def prefill_per_s(self) -> float | None:
        """Tokens of the prompt that were read in a second, without those that were in the cache."""
        if self.n_prompt is None or not self.prefill_s:
            return None
        return (self.n_prompt - (self.n_cached or 0)) / self.prefill_s

    @property
    def context_share(self) -> float | None:
        """The share of the context that is taken, 0 to 1."""
        if self.context_used is None or not self.context_size:
            return None
        return min(1.0, self.context_used / self.context_size)


def kept_figures(turn: ChatTurn, memory: str = "") -> Figures:
    """The figures that are kept with a turn: those of the engine, or else those that were measured meanwhile."""
    facts = turn.facts
    usage, timings, measured = usage_of(facts), timings_of(facts), measured_of(facts)
    thought = thought_of(facts)
    n_all = usage.completion_tokens if usage else measured.n_tokens
    n_thought = usage.thinking_tokens if usage else thought[0] if thought else 0
    speed = usage.completion_tokens / timings.decode_s if usage and timings and timings.decode_s > 0 else None
    return Figures(
        state=_ended(turn),
        tokens_per_s=speed if speed is not None else measured.tokens_per_s,
        speeds=measured.speeds,
        peak=measured.peak,
        n_prompt=usage.prompt_tokens if usage else None,
        n_cached=usage.cached_tokens if usage else None,
        prefill_s=timings.prefill_s if timings else None,
        queued_s=timings.queued_s if timings else None,
        first_token_s=timings.first_token_s if timings else measured.first_token_s,
        n_reply=None if n_all is None else n_all - n_thought,
        n_thought=None if n_all is None else n_thought,
        thought_s=thought[1] if thought else None,
        forced_share=_forced_share(facts),
        context_used=usage.context_tokens if usage else measured.context_used,
        context_size=usage.context_size if usage else measured.context_size,
        bias_state=measured.bias_state,
        task=turn.task,
        model=turn.model,
        memory=memory,
    )


def _ended(turn: ChatTurn) -> str:
    return "came to its end" if turn.state == "complete" else ENDS[turn.state]


def _forced_share(facts: Facts) -> float | None:
    """The share of the answer that the bias left no choice about; None of an answer without one."""
    usage, measured = usage_of(facts), measured_of(facts)
    if measured.bias_state is None:
        return None
    if usage is None:
        return measured.forced_share
    n_reply = usage.completion_tokens - usage.thinking_tokens
    return usage.forced_tokens / n_reply if n_reply else None
