"""A conversation with one task: each turn is fitted into the context, generated, and remembered."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from poly_engine.batch.client import ReportStream, WorkerClient
from poly_engine.batch.host import OpenedModel
from poly_engine.batch.messages import Finished, Generated, Prefilled
from poly_engine.errors import ContextExceeded, EngineClosed, InvalidRequest, SessionBusy
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.prompts import Answered, Exchange, Said, Segment, tokenize
from poly_engine.task import Task
from poly_engine.types import Done, Event, Overrides, Progress, Timings, Token, Truncated, Turn, Usage

_ROOM_FOR_ANSWER = 4
"""An answer has a quarter of the context to itself, unless the task limits it to less."""


_LETTERS_PER_TOKEN = 32
"""More than any text has on average: only a longer prompt is worth the 0.5 s that looking at all tokens takes."""


class LocalSession(Session):
    """A session over a model of this process.

    The context is never cut in silence. When what was said, the prompt and a quarter of the context for the answer
    (or `max_tokens`, if that is less) no longer fit, whole turns are left out, oldest first, until twice that room
    is free; `Truncated` says how much. The prelude or system message always stays. A prompt that does not fit even
    alone raises ContextExceeded; an answer that reaches the end of the context ends with `length`.
    """

    def __init__(
        self,
        task: Task,
        open_model: Callable[[], Awaitable[WorkerClient]],
        system: str | None,
        history: Sequence[Turn],
    ) -> None:
        for text in (system or "", *(text for turn in history for text in (turn.prompt, turn.answer))):
            task.check(text)
        self._task = task
        self._open_model = open_model
        self._system = system
        self._exchanges = [Exchange(turn.prompt, turn.answer, (Said(turn.answer),)) for turn in history]
        self._n_left_out = 0
        self._running: tuple[WorkerClient, int] | None = None
        self._is_busy = False
        self._is_closed = False

    async def open(self) -> None:
        client = await self._open_model()
        self._task.prompts(client.model, self._system)

    @property
    def turns(self) -> Sequence[Turn]:
        return tuple(Turn(exchange.prompt, exchange.text) for exchange in self._exchanges)

    @asynccontextmanager
    async def send(self, prompt: str, overrides: Overrides = NO_OVERRIDES) -> AsyncIterator[AsyncIterator[Event]]:
        self._begin()
        try:
            client = await self._open_model()
            fitted = await asyncio.to_thread(self._fit, client.model, prompt, overrides)  # a long text takes a while
            request = self._task.request(client.next_id(), fitted.tokens, overrides, client.model.vocabulary)
            self._check_open()
            self._running = client, request.id
            turn = _Turn(fitted, client.model.context_size)
            try:
                async with client.generate(request) as turn.stream, aclosing(turn.events()) as events:
                    yield events
            finally:
                await self._remember(prompt, turn)
        finally:
            self._is_busy, self._running = False, None

    async def close(self) -> None:
        self._is_closed = True
        if self._running is not None:
            client, request_id = self._running
            await client.cancel(request_id)
        self._exchanges.clear()

    def _begin(self) -> None:
        self._check_open()
        if self._is_busy:
            raise SessionBusy("the session is in the middle of a turn; wait for its end or open another session")
        self._is_busy = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineClosed("the session was closed")

    async def _remember(self, prompt: str, turn: "_Turn") -> None:
        """Keep what was written, however the turn came to its end, unless it failed."""
        finished = turn.finished
        if self._is_closed or finished is None:
            return
        async for _ in turn.events():  # what nobody has read; it is there already, so nothing waits here
            pass
        self._n_left_out += turn.prompt.n_dropped
        self._exchanges.append(_exchange(prompt, turn.text, finished))

    def _fit(self, model: OpenedModel, prompt: str, overrides: Overrides) -> "FittedPrompt":
        """Tokenise the conversation with the next prompt, leaving out what no longer fits. Raises IllegalToken,
        ContextExceeded or InvalidRequest.
        """
        vocabulary, size = model.vocabulary, model.context_size
        self._task.check(prompt)
        self._task.check_overrides(overrides)
        if len(prompt) > size * _LETTERS_PER_TOKEN and len(prompt) > size * vocabulary.longest_piece:
            raise ContextExceeded(len(prompt) // vocabulary.longest_piece, size)
        prompts = self._task.prompts(model, self._system)
        seen = self._exchanges[self._n_left_out :]

        def without(n_dropped: int) -> list[int]:
            return tokenize(prompts.segments(seen[n_dropped:], prompt), vocabulary)

        everything = tokens = without(0)
        room = min(self._task.max_tokens(overrides) or size, size // _ROOM_FOR_ANSWER)
        n_dropped = 0
        if len(tokens) + room > size:
            n_dropped = bisect_left(range(len(seen)), True, key=lambda n: len(without(n)) + 2 * room <= size)
            tokens = without(n_dropped)
        if not tokens:
            raise InvalidRequest("the prompt is empty, and the task adds nothing to it: there is nothing to continue")
        if len(tokens) >= size:
            raise ContextExceeded(len(tokens), size)
        return FittedPrompt(tokens, n_dropped, len(everything) - len(tokens))


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """The tokens of the next turn, after `n_dropped` of the oldest turns, `n_dropped_tokens` tokens, were left out."""

    tokens: list[int]
    n_dropped: int
    n_dropped_tokens: int


class _Turn:
    """Makes the events of one turn out of the reports on it, and takes the times."""

    def __init__(self, prompt: FittedPrompt, context_size: int) -> None:
        self.prompt = prompt
        self.stream: ReportStream | None = None
        self.text = ""
        self._context_size = context_size
        self._n_cached = 0
        self._sent = time.perf_counter()
        self._admitted: float | None = None
        self._first_token: float | None = None

    @property
    def finished(self) -> Finished | None:
        """How it ended; None if it did not begin, or failed."""
        outcome = self.stream.outcome if self.stream is not None else None
        return outcome if isinstance(outcome, Finished) else None

    async def events(self) -> AsyncGenerator[Event]:
        assert self.stream is not None, "the request was not sent"
        if self.prompt.n_dropped:
            yield Truncated(self.prompt.n_dropped_tokens, self.prompt.n_dropped)
        async for report in self.stream:
            match report:
                case Prefilled() if self._first_token is not None:
                    pass  # it had to give its cells back in the middle of the answer, and reads again
                case Prefilled(done=done, total=total, cached=cached):
                    self._admitted = self._admitted or time.perf_counter()
                    self._n_cached = cached
                    yield Progress(done, total)
                case Generated(token=token, text=text):
                    self._first_token = self._first_token or time.perf_counter()
                    self.text += text
                    yield Token(text, token)
                case Finished():
                    yield self._done(report)

    def _done(self, finished: Finished) -> Done:
        now = time.perf_counter()
        admitted = self._admitted or now
        first_token = self._first_token or now
        n_prompt = len(self.prompt.tokens)
        n_context = n_prompt + finished.n_generated
        usage = Usage(n_prompt, self._n_cached, finished.n_generated, n_context, self._context_size)
        timings = Timings(admitted - self._sent, first_token - admitted, now - first_token)
        return Done(finished.reason, usage, timings)


def _exchange(prompt: str, text: str, finished: Finished) -> Exchange:
    answer: tuple[Segment, ...] = (Answered(finished.kept),)
    if finished.tail:
        answer += (Said(finished.tail),)
    return Exchange(prompt, text, answer, finished.end_token)
