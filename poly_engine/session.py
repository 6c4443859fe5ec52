"""A conversation with one task: each turn is fitted into the context, generated, and remembered."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from poly_engine.batch.client import WorkerClient
from poly_engine.batch.host import OpenedModel
from poly_engine.errors import ContextExceeded, EngineClosed, SessionBusy
from poly_engine.fitting import Fitted, Room, fit
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.memory.recaller import Recaller
from poly_engine.overrides import check_overrides
from poly_engine.prompts import Exchange, Said, Written, as_data, tokenize
from poly_engine.task import Task
from poly_engine.turn import RunningTurn
from poly_engine.types import Bias, Dropped, Event, Hit, Overrides, Recalled, Turn

_LETTERS_PER_TOKEN = 32
"""More than any text has on average: only a longer prompt is worth the 0.5 s that looking at all tokens takes."""


_PART_FOR_RECALL = 2
"""What is recalled may take up half of the context."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One turn as it was asked for, and what was recalled for it."""

    prompt: str
    overrides: Overrides
    bias: Bias | None
    recalled: str


class LocalSession(Session):
    """A session over a model of this process.

    The context is never cut in silence: whole turns are left out, oldest first, as `poly_engine.fitting` says, and
    `Truncated` says how much. The prelude or system message always stays. A prompt that does not fit even alone raises
    ContextExceeded; an answer that reaches the end of the context ends with `length`.
    """

    def __init__(
        self,
        task: Task,
        open_model: Callable[[], Awaitable[WorkerClient]],
        system: str | None,
        history: Sequence[Turn],
        recaller: Recaller | None = None,
    ) -> None:
        for text in (system or "", *(text for turn in history for text in (turn.prompt, turn.answer))):
            task.check(text)
        self._task = task
        self._open_model = open_model
        self._system = system
        self._recaller = recaller
        self._exchanges = [Exchange(turn.prompt, turn.answer, (Said(turn.answer),)) for turn in history]
        self._n_left_out = 0
        self._running: RunningTurn | None = None
        self._is_busy = False
        self._is_closed = False

    async def open(self) -> None:
        client = await self._open_model()
        self._task.prompts(client.model, self._system)
        if (bias := self._task.bias(None)) is not None:
            await asyncio.to_thread(client.model.biases.compiled, bias)  # may take a second, the first time
        if self._recaller is not None:
            await self._recaller.open()

    @property
    def turns(self) -> Sequence[Turn]:
        return tuple(Turn(exchange.prompt, exchange.text) for exchange in self._exchanges)

    @asynccontextmanager
    async def send(
        self, prompt: str, overrides: Overrides = NO_OVERRIDES, *, schema: Bias | Mapping[str, object] | None = None
    ) -> AsyncIterator[AsyncIterator[Event]]:
        self._begin()
        try:
            bias = self._task.bias(schema)
            client = await self._open_model()
            recalled = await self._recall(client.model, prompt)
            ask = Ask(prompt, overrides, bias, as_data(recalled.hits) if recalled else "")
            fitted = await asyncio.to_thread(self._fit, client.model, ask)  # may take a while
            self._check_open()
            turn = self._running = RunningTurn(client, self._task, fitted, overrides, bias=bias, recalled=recalled)
            try:
                async with turn.events() as events:
                    yield events
            finally:
                await self._remember(prompt, turn, fitted.n_dropped)
        finally:
            self._is_busy, self._running = False, None

    async def close(self) -> None:
        self._is_closed = True
        if self._running is not None:
            await self._running.cancel()
        self._exchanges.clear()

    def _begin(self) -> None:
        self._check_open()
        if self._is_busy:
            raise SessionBusy("the session is in the middle of a turn; wait for its end or open another session")
        self._is_busy = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineClosed("the session was closed")

    async def _recall(self, model: OpenedModel, prompt: str) -> Recalled | None:
        """What the memory of the task holds on a prompt, as much of it as may take up its part of the context."""
        self._task.check(prompt)
        recalled = await self._recaller.recall(prompt) if self._recaller is not None else None
        if self._recaller is None or recalled is None or not (recalled.hits or recalled.dropped):
            return None
        n_most = model.context_size // _PART_FOR_RECALL
        if self._recaller.max_tokens is not None:
            n_most = min(n_most, self._recaller.max_tokens)
        n = await asyncio.to_thread(_n_fitting, recalled.hits, n_most, model)
        without_room = (Dropped(hit, "no_room") for hit in recalled.hits[n:])
        return Recalled(recalled.hits[:n], (*recalled.dropped, *without_room))

    async def _remember(self, prompt: str, turn: RunningTurn, n_dropped: int) -> None:
        if self._is_closed:
            return
        exchange = await turn.exchange(prompt)
        if exchange is not None:
            self._n_left_out += n_dropped
            self._exchanges.append(exchange)
            if self._recaller is not None:
                await self._recaller.store(prompt)

    def _fit(self, model: OpenedModel, ask: "Ask") -> Fitted:
        """Tokenise the conversation with the next prompt, leaving out what no longer fits. Raises IllegalToken,
        ContextExceeded, InvalidSchema, LimitTooLow or InvalidRequest.
        """
        vocabulary, size, prompt = model.vocabulary, model.context_size, ask.prompt
        self._task.check(prompt)
        check_overrides(ask.overrides, vocabulary.n_tokens)
        if len(prompt) > size * _LETTERS_PER_TOKEN and len(prompt) > size * vocabulary.longest_piece:
            raise ContextExceeded(len(prompt) // vocabulary.longest_piece, size)
        prompts = self._task.prompts(model, self._system)
        seen = self._exchanges[self._n_left_out :]
        room = self._room(model, ask.overrides, ask.bias)
        return fit(lambda n: prompts.segments(seen[n:], prompt, ask.recalled), len(seen), room, model)

    def _room(self, model: OpenedModel, overrides: Overrides, bias: Bias | None) -> Room:
        """What the answer wants; with a bias prompt that is what the thoughts want, and behind them the answer."""
        n_most = self._task.max_tokens(overrides)
        if bias is None:
            return Room(n_most)
        n_least = model.biases.compiled(bias).n_least
        bias_prompt = self._task.bias_prompt(bias)
        if bias_prompt is None:
            return Room(n_most, n_least)
        n_bias_prompt = len(tokenize([Written(bias_prompt)], model.vocabulary))
        return Room(n_most, n_after=n_bias_prompt + max(2 * n_least, model.context_size // 8))


def _n_fitting(hits: Sequence[Hit], n_most: int, model: OpenedModel) -> int:
    """How many of the first hits take up `n_most` tokens together at most."""
    counts = range(1, len(hits) + 1)
    return bisect_right(counts, n_most, key=lambda n: len(model.vocabulary.plain_tokens(as_data(hits[:n]))))
