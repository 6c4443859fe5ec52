"""The same prompt answered twice, as a task is saved and as it is drafted, with one seed. It knows no widget."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from poly_engine.errors import PolyError
from poly_engine.interface import Engine, Session
from poly_engine.types import BiasState, Done, Event, FinishReason, Hit, Overrides, Progress, Recalled, Thinking, Token
from poly_tui.screens.tune.differences import Comparison, compare

__all__ = ["Contender", "Duel", "Phase", "Side"]

EVENTS_PER_TURN = 32
"""After so many events the loop is free for a key press, even if the engine has more at hand."""


class Phase(Enum):
    """How far one side is."""

    WAITING = "waits"
    LOADING = "loading"
    READING = "reading"
    WRITING = "writing"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self in (Phase.DONE, Phase.STOPPED, Phase.FAILED)


@dataclass(frozen=True, slots=True)
class Contender:
    """What one side answers with: a task, its model, and what takes the place of its settings, in either way."""

    task: str
    model: str
    settings: Mapping[str, object] | None = None
    overrides: Overrides = field(default_factory=Overrides)

    def session(self, engine: Engine) -> Session:
        """A conversation. Raises ConfigError for settings that cannot be."""
        if self.settings is None:
            return engine.session(self.task)
        return engine.session(self.task, settings=self.settings)


@dataclass(slots=True)
class Side:
    """What came of one side so far."""

    phase: Phase = Phase.WAITING
    text: str = ""
    share: float = 0.0
    n_tokens: int = 0
    n_thought: int = 0
    hits: tuple[Hit, ...] = ()
    bias_state: BiasState | None = None
    finish_reason: FinishReason | None = None
    tokens_per_s: float | None = None
    first_token_s: float | None = None
    error: str = ""

    def hear(self, event: Event) -> None:
        """Take an event of the turn in."""
        match event:
            case Recalled(hits):
                self.hits = hits
            case Progress(done, total):
                self.phase, self.share = Phase.READING, done / max(1, total)
            case Thinking():
                self.phase, self.n_thought = Phase.WRITING, self.n_thought + 1
            case Token(text):
                self.phase, self.n_tokens, self.text = Phase.WRITING, self.n_tokens + 1, self.text + text
                self.bias_state = event.bias_state
            case Done(reason, usage, timings):
                self.phase, self.finish_reason = Phase.DONE, reason
                self.n_tokens = usage.completion_tokens
                self.first_token_s = timings.first_token_s
                if timings.decode_s > 0:
                    self.tokens_per_s = usage.completion_tokens / timings.decode_s

    @property
    def fits(self) -> bool | None:
        """Whether the answer fits what it is bound to; None if it is bound to nothing or not over."""
        if self.bias_state is None or self.phase is not Phase.DONE:
            return None
        return self.bias_state != "open"


class Duel:
    """A prompt, and the two that answer it. `tell` is called whenever something came of it."""

    def __init__(self, prompt: str, contenders: tuple[Contender, Contender], seed: int) -> None:
        self.prompt = prompt
        self.contenders = contenders
        self.seed = seed
        self.sides = (Side(), Side())
        self.comparison: Comparison | None = None
        """What tells the answers apart, once both were given."""

    @property
    def is_over(self) -> bool:
        """Whether both sides are at their end, whatever that was."""
        return all(side.phase.is_over for side in self.sides)

    async def run(self, engine: Engine, tell: Callable[[], None], *, at_once: bool) -> None:
        """Have both sides answer, until cancelled: then what was written so far stays. What goes wrong on one side is
        told there.
        """
        try:
            if at_once:
                async with asyncio.TaskGroup() as group:
                    for number in (0, 1):
                        group.create_task(self._answer(engine, number, tell))
            else:
                for number in (0, 1):
                    await self._answer(engine, number, tell)
            if all(side.phase is Phase.DONE for side in self.sides):
                left, right = (side.text for side in self.sides)
                self.comparison = await asyncio.to_thread(compare, left, right)  # long answers take their time
        finally:
            for side in self.sides:
                if not side.phase.is_over:
                    side.phase = Phase.STOPPED
            tell()

    async def _answer(self, engine: Engine, number: int, tell: Callable[[], None]) -> None:
        contender, side = self.contenders[number], self.sides[number]

        def loading(share: float) -> None:
            side.share = share
            tell()

        try:
            side.phase = Phase.LOADING
            tell()
            await engine.load(contender.model, loading)
            # Checking settings compiles their schema, which can take a second
            session = await asyncio.to_thread(contender.session, engine)
            async with session, session.send(self.prompt, contender.overrides) as events:
                n_events = 0
                async for event in events:
                    side.hear(event)
                    tell()
                    n_events += 1
                    if n_events % EVENTS_PER_TURN == 0:
                        await asyncio.sleep(0)
        except PolyError as error:
            side.phase, side.error = Phase.FAILED, str(error)
            tell()
