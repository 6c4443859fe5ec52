"""Answers of a task to one request: several at once, and their events as they come."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

from aiohttp import web

from poly_engine import Bias, Done, Event, Overrides, Thinking, Token, ToolCall, Tools, Truncated
from poly_serve.access import Kind
from poly_serve.admission import admitted
from poly_serve.engine import ENGINE
from poly_serve.openai.logprobs import Shown
from poly_serve.openai.messages import Conversation
from poly_serve.openai.settings import ANY_SEED, Settings
from poly_serve.routing import NAME

__all__ = ["Answer", "Ask", "answering", "overrides_of"]

_SEED_BITS = 32  # of which llama.cpp takes these


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer that is asked for."""

    conversation: Conversation
    overrides: Overrides
    bias: Bias | None
    tools: Tools | None = None


@dataclass(slots=True)
class Answer:
    """What is known of an answer while its events are heard."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    truncated: Truncated | None = None
    done: Done | None = None
    shown: Shown = field(default_factory=Shown)

    def hear(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Token(text=text):
                self.texts.append(text)
                self.shown.hear(event)
            case Thinking(text=text):
                self.thoughts.append(text)
            case ToolCall():
                self.calls.append(event)
            case Truncated():
                self.truncated = event
            case Done():
                self.done = event


async def overrides_of(request: web.Request, settings: Settings) -> list[Overrides]:
    """What replaces the settings of the task in each answer to a prompt. A seed of the request, or of its task, is that
    of the first of several answers, and the others have those after it.
    """
    seed, n = settings.seed, settings.n_choices
    if seed == ANY_SEED:
        seed = random.getrandbits(_SEED_BITS)
    elif seed is None and n > 1:
        seed = cast("int | None", (await request.app[ENGINE].settings(request[NAME])).get("seed"))
    return [replace(settings.overrides, seed=None if seed is None else seed + choice) for choice in range(n)]


Heard: TypeAlias = "tuple[int, Event] | asyncio.Task[None]"


@asynccontextmanager
async def answering(request: web.Request, asks: Sequence[Ask]) -> AsyncIterator[AsyncIterator[tuple[int, Event]]]:
    """The events of the answers of the task that a request names, as they come, each with the number of its answer.

    Each answer waits to be admitted by itself. Leaving the block stops them all. Raises, while iterating, whatever one
    of them raises.
    """
    heard: asyncio.Queue[Heard] = asyncio.Queue()
    tasks = [asyncio.create_task(_answer(request, number, ask, heard)) for number, ask in enumerate(asks)]
    for task in tasks:
        task.add_done_callback(heard.put_nowait)
    try:
        async with aclosing(_events(heard, len(tasks))) as events:
            yield events
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # the first error was raised, and the rest are its like


async def _events(heard: asyncio.Queue[Heard], n_answers: int) -> AsyncGenerator[tuple[int, Event]]:
    while n_answers:
        one = await heard.get()
        if isinstance(one, asyncio.Task):
            one.result()
            n_answers -= 1
        else:
            yield one


async def _answer(request: web.Request, number: int, ask: Ask, heard: asyncio.Queue[Heard]) -> None:
    task, said = request[NAME], ask.conversation
    session = request.app[ENGINE].session(task, system=said.system, history=said.history)
    async with (
        admitted(request, Kind.TASK, task, said.texts) as served,
        session,
        session.send(said.prompt, ask.overrides, schema=ask.bias, tools=ask.tools, results=said.results) as events,
    ):
        async for event in served.follow(events):
            heard.put_nowait((number, event))
