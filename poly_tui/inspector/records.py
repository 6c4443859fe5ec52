"""What is heard of answers while they come, and is too much to be kept with the chat: every token, and the pace."""

import time
from collections.abc import Callable

from poly_engine.types import Event, Progress, PromptPart, Thinking, Token
from poly_tui.chats.facts import Measured
from poly_tui.chats.tree import ChatTurn
from poly_tui.inspector.figures import Figures
from poly_tui.inspector.pulse import Pulse
from poly_tui.widgets.status import Status

__all__ = ["Record", "Records"]

MOST_RECORDS = 8
"""Answers whose tokens are held at the same time."""


class Record:
    """Hears the events of one answer. A token costs an append; figures are made of it when somebody looks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tokens: list[Token] = []
        self.parts: tuple[PromptPart, ...] | None = None
        """The prompt as it was sent, once somebody asked for it."""
        self._clock = clock
        self._pulse = Pulse(clock)
        self._asked_at = clock()
        self._n_thought = 0
        self._first: tuple[float, Progress] | None = None
        self._last: tuple[float, Progress] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the prompt was sent, and is being read."""
        return self._first is not None

    def hear(self, event: Event) -> None:
        """Take in something of the answer."""
        if isinstance(event, Token):  # first, because there are thousands
            self.tokens.append(event)
        elif isinstance(event, Thinking):
            self._n_thought += 1
        elif isinstance(event, Progress) and not self._n_tokens:  # later ones read what was thought
            self._last = self._clock(), event
            self._first = self._first or self._last

    def beat(self) -> None:
        """Take the pulse: a moment has gone by."""
        self._pulse.beat(self._n_tokens)

    def figures(self, turn: ChatTurn, status: Status, memory: str = "") -> Figures:
        """The figures of an answer that is being written; `status` is how far it is."""
        return Figures(
            state=status.state,
            is_writing=True,
            tokens_per_s=status.tokens_per_s,
            speeds=self._pulse.speeds,
            peak=self._pulse.peak,
            n_prompt=self._last[1].total if self._last else None,
            n_cached=self._first[1].done if self._first else None,
            prefill_s=self._last[0] - self._first[0] if self._first and self._last else None,
            queued_s=self._first[0] - self._asked_at if self._first else None,
            first_token_s=status.first_token_s,
            n_reply=len(self.tokens),
            n_thought=self._n_thought,
            forced_share=status.forced_share,
            context_used=status.context_used,
            context_size=status.context_size,
            bias_state=status.bias_state,
            task=turn.task,
            model=turn.model,
            memory=memory,
        )

    def measured(self, status: Status) -> Measured:
        """What is to be kept of an answer that is over."""
        return Measured(
            speeds=self._pulse.speeds,
            peak=self._pulse.peak,
            n_tokens=status.n_tokens,
            tokens_per_s=status.tokens_per_s,
            first_token_s=status.first_token_s,
            forced_share=status.forced_share,
            bias_state=status.bias_state,
            context_used=status.context_used,
            context_size=status.context_size,
        )

    @property
    def _n_tokens(self) -> int:
        return len(self.tokens) + self._n_thought


class Records:
    """The records of the last answers, each by its turn. The newest one hears."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: dict[ChatTurn, Record] = {}
        self._newest = Record(clock)  # hears what belongs to no turn

    @property
    def newest(self) -> Record:
        """The record of the answer that comes, or came last."""
        return self._newest

    def begin(self, turn: ChatTurn) -> None:
        """A turn was asked: what is heard from now on belongs to it."""
        self._newest = self._records[turn] = Record(self._clock)
        while len(self._records) > MOST_RECORDS:
            del self._records[next(iter(self._records))]

    def of(self, turn: ChatTurn | None) -> Record | None:
        """The record of a turn, if there still is one."""
        return self._records.get(turn) if turn is not None else None

    def hear(self, event: Event) -> None:
        """Take in something of the newest answer."""
        self._newest.hear(event)
