"""The routes of tasks as the original has them: an answer at once, token by token, or a chat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import WSCloseCode, WSMsgType, web

from poly_engine import Done, Event, PolyError, Session, Token
from poly_serve.access import Kind
from poly_serve.admission import ADMISSION
from poly_serve.engine import ENGINE
from poly_serve.inputs import prompt_of
from poly_serve.replies import in_plain_text, json_reply
from poly_serve.routes.events import PROTOCOL, converse
from poly_serve.routing import PRINCIPAL, Known, Named, Route
from poly_serve.sse import EventStream
from poly_serve.stats import STATS

__all__ = ["ROUTES"]

_MOST_WAITING = 16
"""Prompts of a chat that may come while an answer is generated."""


async def list_tasks(request: web.Request) -> web.Response:
    """The tasks, by their names."""
    principal = request[PRINCIPAL]
    tasks = await request.app[ENGINE].tasks()
    return json_reply({"tasks": [one.name for one in tasks if principal.may_use(Kind.TASK, one.name)]})


async def status(request: web.Request) -> web.Response:
    """Whether a task can be used."""
    request.app[ENGINE].session(request.match_info["name"])  # raises TaskNotFound
    return json_reply({"status": "ok"})


async def completion(request: web.Request) -> web.Response:
    """The answer to a prompt, all at once."""
    prompt = await prompt_of(request)
    async with _answer(request, prompt) as answer:
        text = "".join([event.text async for event in answer if isinstance(event, Token)])
    return json_reply({"text": text})


async def live(request: web.Request) -> web.StreamResponse:
    """The answer to a prompt, token by token, as server-sent events."""
    prompt = await prompt_of(request)
    async with _answer(request, prompt) as answer, EventStream(request) as stream:
        async for event in answer:
            if isinstance(event, Token) and event.text:
                await stream.send(event.text, id="token")
    return stream.response


async def chat(request: web.Request) -> web.StreamResponse:
    """A chat over a WebSocket: a prompt is a text frame, and so is each token of the answer; an empty one ends it.

    With the subprotocol poly.events.v1, frames are JSON events.
    """
    name = request.match_info["name"]
    session = request.app[ENGINE].session(name)  # raises TaskNotFound before the connection is upgraded
    socket = web.WebSocketResponse(heartbeat=20, compress=False, max_msg_size=1 << 20, protocols=[PROTOCOL])
    if PROTOCOL in request.headers.get("Sec-WebSocket-Protocol", ""):
        await socket.prepare(request)
        await converse(request, socket)
        return socket
    await socket.prepare(request)
    prompts: asyncio.Queue[str | None] = asyncio.Queue(_MOST_WAITING)
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(_answer_prompts(request, socket, session, prompts))
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            await prompts.put(message.data)
        answering.cancel()
    return socket


async def _answer_prompts(
    request: web.Request, socket: web.WebSocketResponse, session: Session, prompts: asyncio.Queue[str | None]
) -> None:
    try:
        async with session:
            while (prompt := await prompts.get()) is not None:
                async with request.app[ADMISSION].admit(request[PRINCIPAL].subject), session.send(prompt) as answer:
                    async for event in _counted(request, answer):
                        if isinstance(event, Token) and event.text:
                            await socket.send_str(event.text)
                await socket.send_str("")
    except PolyError as error:
        await socket.close(code=WSCloseCode.INTERNAL_ERROR, message=str(error).encode()[:120])


@asynccontextmanager
async def _answer(request: web.Request, prompt: str) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of the answer to one prompt, in a session of its own."""
    session = request.app[ENGINE].session(request.match_info["name"])
    async with request.app[ADMISSION].admit(request[PRINCIPAL].subject), session, session.send(prompt) as answer:
        yield _counted(request, answer)


async def _counted(request: web.Request, answer: AsyncIterator[Event]) -> AsyncIterator[Event]:
    async for event in answer:
        if isinstance(event, Done):
            request.app[STATS].add(request.match_info["name"], event)
        yield event


_TASK = Named(Kind.TASK)
ROUTES = (
    Route("GET", "/v1/task", list_tasks, Known(), in_plain_text),
    Route("GET", "/v1/task/{name}/status", status, _TASK, in_plain_text),
    Route("GET", "/v1/task/{name}/completion", completion, _TASK, in_plain_text),
    Route("POST", "/v1/task/{name}/completion", completion, _TASK, in_plain_text),
    Route("GET", "/v1/task/{name}/live", live, _TASK, in_plain_text),
    Route("POST", "/v1/task/{name}/live", live, _TASK, in_plain_text),
    Route("GET", "/v1/task/{name}/chat", chat, _TASK, in_plain_text),
)
