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
from poly_engine.types import Bias, Event, Overrides, Recalled, Truncated

__all__ = ["RunningTurn"]


class RunningTurn:
    """Generates once, or twice if the task has a bias prompt: what the model says to the first prompt are its thoughts,
    then it reads the bias prompt, and what it says to that is the answer.
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
    ) -> None:
        self._client = client
        self._task = task
        self._fitted = fitted
        self._overrides = overrides
        self._bias = bias
        self._recalled = recalled
        self._bias_prompt = task.bias_prompt(bias)
        self._answering = Answering(client.model.context_size)
        self._has_failed = False
        self._is_cancelled = False
        # Made at once: settings that cannot be are refused before anything begins.
        if self._bias_prompt is None:
            self._request = self._make_request(fitted.tokens, fitted.n_most, overrides, bias)
        else:
            thoughts = replace(overrides, ignore_eos=None, logprobs=None)  # these are about the answer
            self._request = self._make_request(fitted.tokens, fitted.n_most, thoughts, None)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Begin, and give the events; leaving the block stops the turn."""
        async with self._client.generate(self._request) as stream:
            self._answering.begin(stream, len(self._fitted.tokens), is_thinking=self._bias_prompt is not None)
            async with aclosing(self._events()) as events:
                yield events

    async def cancel(self) -> None:
        """Stop it where it is, also between the thoughts and the answer, where nothing is generated."""
        self._is_cancelled = True
        await self._client.cancel(self._request.id)

    async def exchange(self, prompt: str) -> Exchange | None:
        """What is to be remembered of it, however it came to its end; None if it failed."""
        thoughts, answer = self._answering.thoughts, self._answering.answer
        last = answer or thoughts
        if last is None or self._has_failed or self._answering.has_failed:
            return None
        await self._answering.drain()
        segments = [*_segments(thoughts), *self._written_between(answer), *_segments(answer)]
        recalled = as_data(self._recalled.hits) if self._recalled is not None else ""
        return Exchange(prompt, self._answering.text, tuple(segments), last.end_token, recalled)

    async def _events(self) -> AsyncGenerator[Event]:
        fitted = self._fitted
        if self._recalled is not None:
            yield self._recalled
        if fitted.n_dropped:
            yield Truncated(fitted.n_dropped_tokens, fitted.n_dropped)
        try:
            async for event in self._answering.events():
                yield event
            thoughts = self._answering.thoughts
            if thoughts is not None and thoughts.reason != "cancelled":
                async with aclosing(self._answer_after(thoughts)) as events:  # who leaves, leaves that, too
                    async for event in events:
                        yield event
            await self._verify()
        except PolyError:
            self._has_failed = True
            raise
        yield self._answering.done()

    async def _answer_after(self, thoughts: Finished) -> AsyncGenerator[Event]:
        model = self._client.model
        segments = [*self._fitted.segments, *_segments(thoughts), Written(self._bias_prompt or "")]
        tokens = await asyncio.to_thread(tokenize, segments, model.vocabulary)
        if self._is_cancelled:
            return
        n_most = model.context_size - len(tokens)
        self._request = self._make_request(tokens, n_most, self._overrides, self._bias, continues=True)
        async with self._client.generate(self._request) as stream:
            self._answering.begin(stream, len(tokens), is_thinking=False)
            async for event in self._answering.events():
                yield event

    async def _verify(self) -> None:
        """Have the answer checked by others, too. Raises EngineFailed if they do not find that it fits."""
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
        )

    def _written_between(self, answer: Finished | None) -> list[Segment]:
        return [] if answer is None or self._bias_prompt is None else [Written(self._bias_prompt)]


def _segments(finished: Finished | None) -> list[Segment]:
    """What was generated, as it belongs into the prompts to come."""
    if finished is None:
        return []
    return [Answered(finished.kept), *([Said(finished.tail)] if finished.tail else [])]
