"""A conversation with one task: each turn is fitted into the context, generated, and remembered."""

from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from poly_engine.batch.client import WorkerClient
from poly_engine.batch.opened import OpenedModel
from poly_engine.conversation import Conversation, limited
from poly_engine.errors import ContextExceeded
from poly_engine.fitting import Fitted, Room, fit
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.memory.recaller import Recaller
from poly_engine.overrides import check_overrides
from poly_engine.partition import parts_of
from poly_engine.prompts import Asked, Segment, Written, as_data, tokenize
from poly_engine.task import Task
from poly_engine.tools.plan import CallPlan, plan_calls
from poly_engine.turn import RunningTurn
from poly_engine.types import Bias, Event, Hit, Overrides, PromptPart, Recalled, ToolResult, Tools, Turn

_LETTERS_PER_TOKEN = 32
"""More than any text has on average: only a longer prompt is worth the 0.5 s that looking at all tokens takes."""


class UseModel(Protocol):
    """Has the model of a task in memory while in a block, for work or only to be ready."""

    def __call__(self, *, is_work: bool = True) -> AbstractAsyncContextManager[WorkerClient]: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One turn as it was asked for, and what was recalled for it."""

    asked: Asked
    overrides: Overrides
    bias: Bias | None
    calls: CallPlan | None


@dataclass(slots=True)
class Sent:
    """The prompt of a turn that was sent, and its parts, if somebody asked for them."""

    segments: Sequence[Segment] = ()
    parts: Sequence[PromptPart] | None = None


class LocalSession(Session):
    """A session over a model of this process.

    The context is never cut in silence: whole turns are left out, oldest first, as `poly_engine.fitting` says, and
    `Truncated` says how much. The prelude or system message always stays. A prompt that does not fit even alone raises
    ContextExceeded; an answer that reaches the end of the context ends with `length`.

    The model stays in memory only while it is used, and the memory is asked before or after that: it has a model of its
    own, and whoever had one and waited for another one would wait for ever where they do not fit beside each other.
    """

    def __init__(
        self,
        task: Task,
        use_model: UseModel,
        system: str | None,
        history: Sequence[Turn],
        recaller: Recaller | None = None,
    ) -> None:
        task.check(system or "")
        self._talk = Conversation(task, history)
        self._task = task
        self._use_model = use_model
        self._system = system
        self._recaller = recaller
        self._sent = Sent(parts=())
        self._running: RunningTurn | None = None

    async def open(self) -> None:
        async with self._use_model(is_work=False) as client:
            self._task.prompts(client.model, self._system)
            if (bias := self._task.bias(None)) is not None:
                await client.in_thread(client.model.biases.n_least, bias)  # may take a second, the first time
        if self._recaller is not None:
            await self._recaller.open()

    @property
    def turns(self) -> Sequence[Turn]:
        return self._talk.turns

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
        with self._talk.turn():
            if tools is not None:
                self._task.check_calls(schema)
            self._talk.check_results(results)
            bias = self._task.bias(schema)
            found = await self._found(prompt)
            n_before = self._talk.n_turns
            try:
                async with self._use_model() as client:
                    recalled = await self._recall(client, found)
                    read = as_data(recalled.hits) if recalled else ""
                    asked = Asked(prompt, read, tuple(results), tools.tools if tools else ())
                    calls = await client.in_thread(self._plan, client.model, tools) if tools else None
                    ask = Ask(asked, overrides, bias, calls)
                    async with self._turn(client, ask, recalled, tools) as events:
                        yield events
            finally:
                self._running = None
                if self._recaller is not None and self._talk.n_turns > n_before:
                    await self._recaller.store(prompt)

    async def sent(self) -> Sequence[PromptPart]:
        self._talk.check_open()
        sent = self._sent
        if sent.parts is None:
            async with self._use_model() as client:
                sent.parts = await client.in_thread(parts_of, sent.segments, client.model.vocabulary)
        return sent.parts

    async def preview(self, prompt: str) -> Sequence[PromptPart]:
        """What the model would read of the conversation if `prompt` was sent now. Raises as `send`."""
        self._talk.check_open()
        bias = self._task.bias(None)
        found = await self._found(prompt)
        async with self._use_model() as client:
            recalled = await self._recall(client, found)
            ask = Ask(Asked(prompt, as_data(recalled.hits) if recalled else ""), NO_OVERRIDES, bias, None)
            fitted = await client.in_thread(self._fit, client.model, ask)
            return await client.in_thread(parts_of, fitted.segments, client.model.vocabulary)

    async def close(self) -> None:
        self._talk.is_closed = True
        if self._running is not None:
            await self._running.cancel()
        self._talk.close()

    @asynccontextmanager
    async def _turn(
        self, client: WorkerClient, ask: Ask, recalled: Recalled | None, tools: Tools | None
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """The events of a turn, which is remembered however it ends."""
        fitted, turn = await client.in_thread(self._make_turn, client, ask, recalled, tools)
        self._talk.check_open()
        self._sent = Sent(fitted.segments)
        self._running = turn
        try:
            async with turn.events() as events:
                yield events
        finally:
            await self._remember(ask.asked, turn, fitted.n_dropped)

    async def _found(self, prompt: str) -> Recalled | None:
        """What the memory of the task holds on a prompt."""
        self._task.check(prompt)
        return await self._recaller.recall(prompt) if self._recaller is not None else None

    async def _recall(self, client: WorkerClient, found: Recalled | None) -> Recalled | None:
        """As much of what was found as may take up its part of the context."""

        async def n_fitting(hits: Sequence[Hit], n_most: int) -> int:
            return await client.in_thread(_n_fitting, hits, n_most, client.model)

        return await limited(found, self._recaller, client.model.context_size, n_fitting)

    def _plan(self, model: OpenedModel, tools: Tools) -> CallPlan:
        form = self._task.prompts(model, self._system).call_form()
        for text in (*form.literals, *(text for tool in tools.tools for text in tool.texts)):
            self._task.check(text)  # what is private could not be written in a call either
        return plan_calls(form, tools, model.vocabulary)

    async def _remember(self, asked: Asked, turn: RunningTurn, n_dropped: int) -> None:
        if self._talk.is_closed:
            return
        exchange = await turn.exchange(asked.prompt)
        if exchange is not None:
            self._talk.add(replace(exchange, results=asked.results), n_dropped)

    def _make_turn(
        self, client: WorkerClient, ask: Ask, recalled: Recalled | None, tools: Tools | None
    ) -> tuple[Fitted, RunningTurn]:
        fitted = self._fit(client.model, ask)
        turn = RunningTurn(
            client, self._task, fitted, ask.overrides, bias=ask.bias, recalled=recalled, tools=tools, calls=ask.calls
        )
        return fitted, turn

    def _fit(self, model: OpenedModel, ask: Ask) -> Fitted:
        """Tokenise the conversation with the next prompt, leaving out what no longer fits. Raises IllegalToken,
        ContextExceeded, InvalidSchema, LimitTooLow or InvalidRequest.
        """
        vocabulary, size, asked = model.vocabulary, model.context_size, ask.asked
        self._task.check(asked.prompt)
        check_overrides(ask.overrides, vocabulary.n_tokens)
        n_said = len(asked.prompt) + sum(len(result.content) for result in asked.results)
        n_said += sum(len(tool.description) + len(tool.parameters) for tool in asked.tools)
        if n_said > size * _LETTERS_PER_TOKEN and n_said > size * vocabulary.longest_piece:
            raise ContextExceeded(n_said // vocabulary.longest_piece, size)
        prompts = self._task.prompts(model, self._system)
        seen, begins = self._talk.seen, self._talk.begins(asked)
        room = self._room(model, ask)
        fitted = fit(lambda n: prompts.segments(seen[begins[n] :], asked), len(begins) - 1, room, model)
        return replace(fitted, n_dropped=begins[fitted.n_dropped])

    def _room(self, model: OpenedModel, ask: Ask) -> Room:
        """What the answer wants; with a bias prompt that is what the thoughts want, and behind them the answer."""
        n_most, bias = self._task.max_tokens(ask.overrides), ask.bias
        if ask.calls is not None:
            least = model.biases.n_least(ask.calls.bias, ask.calls.marks)
            return Room(n_most, least if not ask.calls.signs else 1)
        if bias is None:
            return Room(n_most)
        n_least = model.biases.n_least(bias)
        bias_prompt = self._task.bias_prompt(bias)
        if bias_prompt is None:
            return Room(n_most, n_least)
        n_bias_prompt = len(tokenize([Written(bias_prompt)], model.vocabulary))
        return Room(n_most, n_after=n_bias_prompt + max(2 * n_least, model.context_size // 8))


def _n_fitting(hits: Sequence[Hit], n_most: int, model: OpenedModel) -> int:
    """How many of the first hits take up `n_most` tokens together at most."""
    counts = range(1, len(hits) + 1)
    return bisect_right(counts, n_most, key=lambda n: len(model.vocabulary.plain_tokens(as_data(hits[:n]))))
