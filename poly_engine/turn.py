"""One turn of a session: the model thinks, if its task wants that, and then answers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from poly_engine.answering import Answering
from poly_engine.batch.client import WorkerClient
from poly_engine.batch.messages import Finished, Generate
from poly_engine.errors import EngineFailed, PolyError
from poly_engine.fitting import Fitted
from poly_engine.prompts import Answered, Exchange, Said, Segment, Written, as_data, tokenize
from poly_engine.task import Task
from poly_engine.tools.plan import CallPlan, fault_of
from poly_engine.tools.reader import CallReader
from poly_engine.types import Bias, Event, Overrides, Recalled, Token, ToolCall, Tools, Truncated

__all__ = ["RunningTurn"]


class RunningTurn:
    """Generates once, or twice if the task has a bias prompt: what the model says to the first prompt are its thoughts,
    then it reads the bias prompt, and what it says to that is the answer. With tools, a free answer ends where it comes
    to a call, and the calls are what the model goes on with, bound to their form.
    """

    def __init__(
        self,
        client: WorkerClient,
        task: Task,
        fitted: Fitted,
        overrides: Overrides,
        *,
        bias: Bias | None = None,
        recalled: Recalled | None = None,
        tools: Tools | None = None,
        calls: CallPlan | None = None,
    ) -> None:
        self._client = client
        self._task = task
        self._fitted = fitted
        self._overrides = overrides
        self._bias = bias
        self._recalled = recalled
        self._tools = tools
        self._calls = calls
        self._reader = CallReader(calls.form) if calls else None
        self._is_calling = calls is not None and not calls.signs
        self._bias_prompt = task.bias_prompt(bias)
        self._answering = Answering(client.model.context_size)
        self._has_failed = False
        self._is_cancelled = False
        # Made at once: settings that cannot be are refused before anything begins.
        if self._bias_prompt is not None:
            overrides, bias = replace(overrides, ignore_eos=None, logprobs=None), None  # these are about the answer
        elif calls is not None and self._is_calling:
            bias = calls.bias
        self._request = self._make_request(fitted.tokens, fitted.n_most, overrides, bias)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Begin, and give the events; leaving the block stops the turn."""
        async with self._client.generate(self._request) as stream:
            is_thinking = self._bias_prompt is not None
            n_prompt = len(self._fitted.tokens)
            self._answering.begin(stream, n_prompt, is_thinking=is_thinking, is_calling=self._is_calling)
            async with aclosing(self._events()) as events:
                yield events

    async def cancel(self) -> None:
        """Stop it where it is, also between the thoughts and the answer, where nothing is generated."""
        self._is_cancelled = True
        await self._client.cancel(self._request.id)

    async def exchange(self, prompt: str) -> Exchange | None:
        """What is to be remembered of it, however it came to its end; None if it failed."""
        thoughts, answer = self._answering.thoughts, self._answering.answer
        last = self._answering.calls or answer or thoughts
        if last is None or self._has_failed or self._answering.has_failed:
            return None
        await self._answering.drain()
        segments = [*_segments(thoughts), *self._written_between(answer), *_segments(answer)]
        recalled = as_data(self._recalled.hits) if self._recalled is not None else ""
        calls = self._all_calls()
        return Exchange(prompt, self._answering.text, tuple(segments), last.end_token, recalled, calls)

    async def _events(self) -> AsyncGenerator[Event]:
        fitted = self._fitted
        if self._recalled is not None:
            yield self._recalled
        if fitted.n_dropped:
            yield Truncated(fitted.n_dropped_tokens, fitted.n_dropped)
        try:
            async for event in self._heard():
                yield event
            thoughts = self._answering.thoughts
            if thoughts is not None and thoughts.reason != "cancelled":
                async with aclosing(self._answer_after(thoughts)) as events:  # who leaves, leaves that, too
                    async for event in events:
                        yield event
            if self._calls is not None and not self._is_calling and self._has_called:
                async with aclosing(self._calls_after(self._calls)) as events:
                    async for event in events:
                        yield event
            await self._verify()
        except PolyError:
            self._has_failed = True
            raise
        yield self._answering.done()

    async def _answer_after(self, thoughts: Finished) -> AsyncGenerator[Event]:
        segments = [*self._fitted.segments, *_segments(thoughts), Written(self._bias_prompt or "")]
        request = await self._client.in_thread(self._request_after, segments)
        if self._is_cancelled:
            return
        self._request = request
        async with self._client.generate(request) as stream:
            self._answering.begin(stream, len(request.tokens), is_thinking=False)
            async for event in self._answering.events():
                yield event

    def _request_after(self, segments: list[Segment]) -> Generate:
        """The request for the answer behind the thoughts."""
        model = self._client.model
        tokens = tokenize(segments, model.vocabulary)
        n_most = model.context_size - len(tokens)
        return self._make_request(tokens, n_most, self._overrides, self._bias, continues=True)

    @property
    def _has_called(self) -> bool:
        """Whether the answer ended where a call begins."""
        answer = self._answering.answer
        return answer is not None and self._calls is not None and answer.stop in self._calls.signs

    async def _calls_after(self, plan: CallPlan) -> AsyncGenerator[Event]:
        """The calls behind a free answer, unless the tokens that are left are too few: then they are cut off."""
        segments = [*self._fitted.segments, *_segments(self._answering.answer)]
        request = await self._client.in_thread(self._request_for_calls, segments, plan)
        if self._is_cancelled or request is None:
            self._answering.cut = "cancelled" if self._is_cancelled else "length"
            return
        self._is_calling = True
        self._request = request
        async with self._client.generate(request) as stream:
            self._answering.begin(stream, len(request.tokens), is_calling=True)
            async for event in self._heard():
                yield event

    def _request_for_calls(self, segments: list[Segment], plan: CallPlan) -> Generate | None:
        """The request for the calls behind a free answer; None if there is no room left for them."""
        model = self._client.model
        tokens = tokenize(segments, model.vocabulary)
        n_left = self._fitted.n_most - (len(tokens) - len(self._fitted.tokens))
        if n_left < model.biases.n_least(plan.bias, plan.marks):
            return None
        return self._make_request(tokens, n_left, self._overrides, plan.bias, continues=True)

    async def _heard(self) -> AsyncGenerator[Event]:
        """The events of what was begun last; where tools are called, they tell of that instead of tokens."""
        async for event in self._answering.events():
            if self._reader is None or not self._is_calling or not isinstance(event, Token):
                yield event
                continue
            for told in self._reader.feed(event.text):
                yield told

    def _all_calls(self) -> tuple[ToolCall, ...]:
        """The calls that are complete, heard of or not."""
        if self._reader is None:
            return ()
        self._reader.feed(self._answering.call_text[self._reader.n_read :])
        return tuple(self._reader.calls)

    async def _verify(self) -> None:
        """Have the answer checked by others, too. Raises EngineFailed if they do not find that it fits."""
        if self._tools is not None:
            for call in self._all_calls():
                if problem := await asyncio.to_thread(fault_of, call, self._tools):
                    raise EngineFailed(f"the call of {call.name} does not fit, which is a bug of Poly: {problem}")
        answer = self._answering.answer
        if self._bias is None or answer is None or answer.reason == "cancelled":
            return
        from poly_engine.bias.verify import fault  # jsonschema costs 120 ms, and most sessions do without

        if problem := await asyncio.to_thread(fault, self._bias, self._answering.text):
            raise EngineFailed(f"the answer does not fit its schema, which is a bug of Poly: {problem}")

    def _make_request(
        self, tokens: list[int], n_most: int, overrides: Overrides, bias: Bias | None, *, continues: bool = False
    ) -> Generate:
        client = self._client
        return self._task.request(
            client.next_id(),
            tokens,
            overrides,
            client.model.vocabulary,
            max_tokens=n_most,
            bias=bias,
            continues=continues,
            calls=self._calls,
        )

    def _written_between(self, answer: Finished | None) -> list[Segment]:
        return [] if answer is None or self._bias_prompt is None else [Written(self._bias_prompt)]


def _segments(finished: Finished | None) -> list[Segment]:
    """What was generated, as it belongs into the prompts to come."""
    if finished is None:
        return []
    return [Answered(finished.kept), *([Said(finished.tail, "answer")] if finished.tail else [])]
