"""A session with a scripted engine."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from poly_engine.errors import ContextExceeded, EngineClosed, IllegalToken, SessionBusy
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.overrides import check_overrides
from poly_engine.types import (
    Bias,
    Done,
    Event,
    Overrides,
    PromptPart,
    Thinking,
    Timings,
    Token,
    ToolCall,
    ToolResult,
    Tools,
    Truncated,
    Turn,
    Usage,
)
from tests.fake_reply import N_VOCAB, Reply, as_wanted
from tests.fake_tools import check_tools
from tests.fake_turn import FakeTurn, asked, parts, said_before

if TYPE_CHECKING:  # it makes the sessions
    from tests.fake_engine import FakeEngine

__all__ = ["FakeSession"]


class FakeSession(Session):
    """A conversation with a scripted engine. It really drops old turns when the context is full."""

    def __init__(
        self, engine: "FakeEngine", task: str, system: str | None, history: Sequence[Turn], model: str | None = None
    ) -> None:
        self.system = system
        self._model = model
        self._engine = engine
        self._task = task
        self._turns = list(history)
        self._n_left_out = 0
        self._sent: tuple[PromptPart, ...] = ()
        self._is_busy = False
        self._is_closed = False

    async def open(self) -> None:
        self._model = self._model or self._engine.task(self._task).model
        await self._engine.load(self._model)

    @property
    def turns(self) -> Sequence[Turn]:
        return tuple(self._turns)

    @asynccontextmanager
    async def send(
        self,
        prompt: str,
        overrides: Overrides = NO_OVERRIDES,
        *,
        schema: Bias | Mapping[str, object] | None = None,
        tools: Tools | None = None,
        results: Sequence[ToolResult] = (),
    ) -> AsyncIterator[AsyncIterator[Event]]:
        if self._is_busy:
            raise SessionBusy("the session is in the middle of a turn")
        self._check_open()
        await self.open()
        check_tools(tools, results, schema, self._turns)
        exchange = self._begin(prompt, overrides, schema, tools, tuple(results))
        self._is_busy = True
        self._engine.n_running += 1
        try:
            async with aclosing(self._events(exchange)) as events:
                yield events
        finally:
            self._is_busy = False
            self._engine.n_running -= 1
            self._end(exchange)

    async def sent(self) -> Sequence[PromptPart]:
        self._check_open()
        return self._sent

    def preview(self, prompt: str) -> Sequence[PromptPart]:
        """The parts of the prompt of a turn, if it was the next one."""
        self._check_private(prompt)
        n_turns, _ = self._fit(prompt, reply := self._engine.reply(prompt))
        return self._parts(prompt, reply, self._n_left_out + n_turns)

    async def close(self) -> None:
        self._is_closed = True
        self._turns.clear()
        self._engine.gate.knock()

    def _begin(
        self,
        prompt: str,
        overrides: Overrides,
        schema: Bias | Mapping[str, object] | None,
        tools: Tools | None,
        results: tuple[ToolResult, ...],
    ) -> FakeTurn:
        self._check_private(prompt)
        check_overrides(overrides, N_VOCAB)
        reply = as_wanted(self._engine.reply(prompt), overrides, schema, tools)
        if reply.refusal is not None:
            raise reply.refusal
        n_turns, n_tokens = self._fit(prompt, reply)
        self._n_left_out += n_turns
        self._sent = self._parts(prompt, reply, self._n_left_out)
        n_prompt = sum(part.n_tokens for part in self._sent)
        room = max(0, self._engine.context_size - n_prompt - len(reply.thoughts))
        if len(reply.tokens) > room:
            reply = replace(reply, tokens=reply.tokens[:room], finish_reason="length")
        self._engine.asked.append((self._task, prompt))
        self._engine.schemas.append(schema)
        self._engine.tools.append(tools)
        dropped = Truncated(n_tokens, n_turns) if n_turns else None
        reply = replace(reply, truncated=reply.truncated or dropped)
        return FakeTurn(prompt, results, reply, n_prompt, self._n_unloads)

    def _check_private(self, prompt: str) -> None:
        for token in self._engine.private_tokens:
            if token in prompt:
                raise IllegalToken(f"the prompt holds {token}, which the task keeps private")

    def _fit(self, prompt: str, reply: Reply) -> tuple[int, int]:
        """How many more of the oldest turns are to be left out so that the prompt fits, and their tokens."""
        size, n_begin = self._engine.context_size, self._n_left_out
        n_alone = _n_tokens(self._parts(prompt, reply, len(self._turns)))
        if n_alone >= size:
            raise ContextExceeded(n_alone, size)
        counts = [_n_tokens(self._parts(prompt, reply, n)) for n in range(n_begin, len(self._turns) + 1)]
        n_turns = next(n for n, count in enumerate(counts) if count < size)
        return n_turns, counts[0] - counts[n_turns]

    def _parts(self, prompt: str, reply: Reply, n_left_out: int) -> tuple[PromptPart, ...]:
        """A prompt behind the turns that are not left out."""
        engine = self._engine
        before = said_before(self.system or "", self._turns[n_left_out:], engine.postfix)
        return parts([*before, *asked(prompt, reply.recalled, engine.postfix)])

    @property
    def _n_unloads(self) -> int:
        return self._engine.n_unloads[self._model or ""]

    async def _events(self, exchange: FakeTurn) -> AsyncGenerator[Event, None]:
        try:
            for event in exchange.script():
                if isinstance(event, Thinking | Token):
                    await self._engine.gate.admit(lambda: self._is_over(exchange))
                    self._check_open()
                    self._check_loaded(exchange)
                if isinstance(event, Token):
                    exchange.written.append(event)
                if isinstance(event, ToolCall):
                    exchange.calls.append(event)
                yield event
            if exchange.reply.failure is not None:
                raise exchange.reply.failure
        except Exception:  # whatever it is, the turn is not remembered
            exchange.has_failed = True
            raise
        exchange.is_over = True
        yield self._done(exchange)

    def _done(self, exchange: FakeTurn) -> Done:
        n_thought = len(exchange.reply.thoughts)
        n_written = n_thought + len(exchange.written)
        n_forced = sum(token.is_forced for token in exchange.written)
        n_context = exchange.n_prompt + n_written
        usage = Usage(exchange.n_prompt, 0, n_written, n_context, self._engine.context_size, n_thought, n_forced)
        return Done(exchange.reply.finish_reason, usage, Timings(0.0, 0.25, n_written / 50))

    def _end(self, exchange: FakeTurn) -> None:
        if not exchange.is_over and not exchange.has_failed:
            self._engine.cancelled.append(exchange.prompt)
        if not exchange.has_failed and not self._is_closed:
            text = "".join(token.text for token in exchange.written)
            self._turns.append(Turn(exchange.prompt, text, tuple(exchange.calls), exchange.results))

    def _is_over(self, exchange: FakeTurn) -> bool:
        return self._is_closed or self._engine.is_closed or self._n_unloads > exchange.n_unloads

    def _check_loaded(self, exchange: FakeTurn) -> None:
        if self._n_unloads > exchange.n_unloads:
            raise EngineClosed("the model was unloaded")

    def _check_open(self) -> None:
        self._engine.check_open()
        if self._is_closed:
            raise EngineClosed("the session was closed")


def _n_tokens(parts: Sequence[PromptPart]) -> int:
    return sum(part.n_tokens for part in parts)
