"""Measures an answer while it is written: how fast, how much, how soon, and how full the context gets."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from poly_engine.types import BiasState, Done, Event, Progress, Thinking, Token
from poly_tui.widgets.status import Phase, Status

__all__ = ["Meter"]


@dataclass(slots=True)
class _Tally:
    """The tokens of one answer so far, and how far they brought it."""

    n_tokens: int = 0
    n_thought: int = 0
    n_forced: int = 0
    n_read: int = 0
    """Those that became a part of the prompt: the answer is computed from what was thought."""
    bias_state: BiasState | None = None

    @property
    def forced_share(self) -> float | None:
        """The share of forced tokens in what is not thought, of an answer with a bias."""
        n_answer = self.n_tokens - self.n_thought
        return self.n_forced / n_answer if n_answer and self.bias_state else None


class Meter:
    """Keeps the Status of a conversation: live figures while events come in, those of the engine at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._status = Status()
        self._asked_at = 0.0
        self._first_token_at = 0.0
        self._tally = _Tally()

    @property
    def status(self) -> Status:
        """The figures as of now."""
        status, tally = self._status, self._tally
        if not (status.phase.is_answering and tally.n_tokens):
            return status
        elapsed_s = self._clock() - self._first_token_at
        return replace(
            status,
            n_tokens=tally.n_tokens,
            # The time of the first token is that of reading the prompt, so it does not count
            tokens_per_s=(tally.n_tokens - 1) / elapsed_s if elapsed_s > 0 and tally.n_tokens > 1 else None,
            context_used=status.n_prompt + tally.n_tokens - tally.n_read if status.n_prompt else status.context_used,
            bias_state=tally.bias_state,
            forced_share=tally.forced_share,
        )

    @property
    def seconds(self) -> float:
        """Since the last prompt was sent."""
        return self._clock() - self._asked_at

    def load(self, share: float) -> None:
        """`share` of the model is loaded."""
        self._status = replace(self._status, phase=Phase.LOADING, loaded_share=share)

    def open(self, context_size: int | None, context_used: int | None = None) -> None:
        """The session is ready; what was said before takes `context_used`."""
        self._status = replace(self._status, phase=Phase.READY, context_size=context_size, context_used=context_used)

    def ask(self) -> None:
        """A prompt was sent."""
        self._asked_at = self._clock()
        self._tally = _Tally()
        self._status = replace(
            self._status,
            phase=Phase.WAITING,
            n_prompt=0,
            tokens_per_s=None,
            n_tokens=None,
            first_token_s=None,
            bias_state=None,
            forced_share=None,
        )

    def hear(self, event: Event) -> None:
        """Something of the answer came."""
        match event:
            case Token():
                self._count(Phase.WRITING)
                self._tally.n_forced += event.is_forced
                self._tally.bias_state = event.bias_state
            case Thinking():
                self._count(Phase.THINKING)
                self._tally.n_thought += 1
            case Progress(done=done, total=total):
                self._tally.n_read = self._tally.n_tokens
                self._status = replace(self._status, phase=Phase.READING, n_prompt_read=done, n_prompt=total)
            case Done():
                self._finish(event)

    def stop(self) -> None:
        """The answer or the loading was stopped; the figures stay as they were."""
        phase = Phase.UNLOADED if self._status.phase is Phase.LOADING else Phase.READY
        self._status = replace(self.status, phase=phase)

    def fail(self) -> None:
        """The answer failed, or the opening of the session."""
        phase = Phase.READY if self._status.phase.is_answering else Phase.FAILED
        self._status = replace(self.status, phase=phase)

    def move(self, *, is_following: bool, n_new_rows: int) -> None:
        """The reader follows the end, or left it and has not seen `n_new_rows`."""
        self._status = replace(self._status, is_following=is_following, n_new_rows=n_new_rows)

    def _count(self, phase: Phase) -> None:
        """A token of `phase` came."""
        if not self._tally.n_tokens:
            self._first_token_at = self._clock()
            self._status = replace(self._status, first_token_s=self._first_token_at - self._asked_at)
        if self._status.phase is not phase:
            self._status = replace(self._status, phase=phase)
        self._tally.n_tokens += 1

    def _finish(self, done: Done) -> None:
        usage, timings = done.usage, done.timings
        speed = usage.completion_tokens / timings.decode_s if timings.decode_s > 0 else None
        self._status = replace(
            self.status,
            phase=Phase.READY,
            n_tokens=usage.completion_tokens,
            tokens_per_s=speed,
            first_token_s=timings.first_token_s,
            context_used=usage.context_tokens,
            context_size=usage.context_size,
        )
