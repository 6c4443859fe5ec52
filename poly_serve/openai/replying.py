"""Replies to chats and completions: at once, or as a stream of chunks."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from aiohttp import web

from poly_engine import Calling, Done, Event, PolyError, Thinking, Token
from poly_serve.access import Kind
from poly_serve.admission import check_admission
from poly_serve.openai.answers import Answer, Ask, answering
from poly_serve.openai.settings import Settings
from poly_serve.openai.shapes import Json, Shape
from poly_serve.replies import json_reply, openai_error_object
from poly_serve.routing import NAME
from poly_serve.sse import EventStream
from poly_serve.wire import encoded

__all__ = ["reply"]

_SILENCE_S = 15.0


async def reply(request: web.Request, settings: Settings, asks: Sequence[Ask], shape: Shape) -> web.StreamResponse:
    """The reply to a request, in the manner that its settings say."""
    check_admission(request, Kind.TASK, request[NAME])
    if settings.stream:
        return await _stream(request, asks, shape, has_usage=settings.has_usage_chunk)
    answers = [Answer() for _ in asks]
    async with answering(request, asks) as events:
        async for number, event in events:
            answers[number].hear(event)
    return json_reply(shape.whole(answers))


async def _stream(request: web.Request, asks: Sequence[Ask], shape: Shape, *, has_usage: bool) -> web.StreamResponse:
    """What is refused before anything was sent is refused with a status; after that, an error is the last chunk."""
    answers = [Answer() for _ in asks]
    always: Json = {"usage": None} if has_usage else {}  # as OpenAI has it
    async with EventStream(request, silence_s=_SILENCE_S) as stream:
        try:
            async with answering(request, asks) as events, aclosing(_chunks(events, answers, shape)) as chunks:
                async for chunk in chunks:
                    await stream.send_data(encoded({**chunk, **always}))
            if has_usage:
                await stream.send_data(encoded(shape.usage_chunk(answers)))
            await stream.send_data("[DONE]")
        except PolyError as error:
            if not stream.response.prepared:
                raise
            await stream.send_data(encoded(openai_error_object(error)))
    return stream.response


async def _chunks(
    events: AsyncIterator[tuple[int, Event]], answers: Sequence[Answer], shape: Shape
) -> AsyncGenerator[Json]:
    begun: set[int] = set()
    async for number, event in events:
        answers[number].hear(event)
        if number not in begun:
            begun.add(number)
            if choice := shape.first_choice(number):
                yield shape.chunk(choice)
        if isinstance(event, Calling) or (isinstance(event, Token | Thinking) and event.text):
            if choice := shape.next_choice(number, event):
                yield shape.chunk(shape.with_logprobs(choice, answers[number]))
        elif isinstance(event, Done):
            yield shape.last_chunk(number, answers[number])
