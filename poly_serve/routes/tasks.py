"""The routes of tasks as the original has them: an answer at once, token by token, or a chat."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from poly_engine import Done, Event, Recalled, TaskNotFound, Token, Turn
from poly_serve.access import Kind
from poly_serve.admission import admitted, check_admission
from poly_serve.engine import ENGINE
from poly_serve.inputs import Prompt, body_of, json_of, no_draft, prompt_of, wants_detail
from poly_serve.lifecycle import LIFECYCLE
from poly_serve.replies import in_json, in_plain_text, json_reply
from poly_serve.routes.chat import chat_in_texts
from poly_serve.routes.events import converse
from poly_serve.routing import PRINCIPAL, Known, Named, Route, Unlimited
from poly_serve.sockets import Socket
from poly_serve.sse import EventStream
from poly_serve.wire import PROTOCOL, encoded

__all__ = ["ROUTES"]

_LARGEST_PROMPT_BYTES = 1 << 20
_LARGEST_HISTORY_BYTES = 16 << 20


class Conversation(BaseModel):
    """What is said to a task, and what was said before."""

    model_config = ConfigDict(extra="forbid")

    prompt: str
    system: str | None = None
    history: list[Turn] = []


async def list_tasks(request: web.Request) -> web.Response:
    """The tasks, by their names; with detail=1 as objects, which say what is known of each."""
    principal = request[PRINCIPAL]
    tasks = [one for one in await request.app[ENGINE].tasks() if principal.may_use(Kind.TASK, one.name)]
    return json_reply({"tasks": tasks if wants_detail(request) else [one.name for one in tasks]})


async def status(request: web.Request) -> web.Response:
    """Whether a task can be used."""
    await _check(request)
    return json_reply({"status": "ok"})


async def settings(request: web.Request) -> web.Response:
    """The settings of a task that are in effect, prompts and all."""
    return json_reply(await request.app[ENGINE].settings(request.match_info["name"]))


async def prompt(request: web.Request) -> web.Response:
    """What the model would read of a conversation, part by part, with the tokens of each.

    A part is of the `kind` template, system, recalled, prompt or answer. As when a task is asked, turns that have no
    place are left out, and what its memory holds on the prompt is there.
    """
    name = request.match_info["name"]
    check_admission(request, Kind.TASK, name)
    no_draft(await json_of(request))
    said = await body_of(request, Conversation)
    texts = [said.prompt, *(text for turn in said.history for text in (turn.prompt, turn.answer))]
    async with admitted(request, Kind.TASK, name, texts):
        parts = await request.app[ENGINE].prompt_parts(name, said.prompt, system=said.system, history=said.history)
    return json_reply({"parts": parts})


async def completion(request: web.Request) -> web.Response:
    """The answer to a prompt, all at once."""
    check_admission(request, Kind.TASK, request.match_info["name"])
    prompt = await prompt_of(request)
    async with _answer(request, prompt) as answer:
        text = "".join([event.text async for event in answer if isinstance(event, Token)])
    return json_reply({"text": text})


async def live(request: web.Request) -> web.StreamResponse:
    """The answer to a prompt, token by token, as server-sent events.

    With detail=1 there are events with names beside those of the tokens, which have none: `recall` says what was
    recalled, and where it is from; `done` why the answer ended, and what it took. An error is the event `failed`, and
    the last one; browsers call a broken line `error`.
    """
    check_admission(request, Kind.TASK, request.match_info["name"])
    prompt = await prompt_of(request)
    is_detailed = wants_detail(request)
    async with _answer(request, prompt) as answer, EventStream(request) as stream:
        async for event in answer:
            if isinstance(event, Token) and event.text:
                await stream.send(event.text, id="token")
            elif isinstance(event, Recalled) and is_detailed:
                await stream.send(encoded(_with_origins(event)), event="recall")
            elif isinstance(event, Done) and is_detailed:
                await stream.send(encoded(event), event="done")
    return stream.response


def _with_origins(recalled: Recalled) -> dict[str, object]:
    hits = [{**asdict(hit), "origin": hit.origin} for hit in recalled.hits]
    return {"hits": hits, "dropped": recalled.dropped}


async def chat(request: web.Request) -> web.StreamResponse:
    """A chat over a WebSocket: a prompt is a text frame, and so is each token of the answer; an empty one ends it.

    With the subprotocol poly.events.v1, frames are JSON events.
    """
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    largest = _LARGEST_HISTORY_BYTES if PROTOCOL in offered else _LARGEST_PROMPT_BYTES
    await _check(request)
    request.app[LIFECYCLE].check_open()  # or another server could have taken it
    async with Socket.open(request, largest_bytes=largest, protocols=[PROTOCOL]) as socket:
        if socket.protocol == PROTOCOL:
            await converse(request, socket)
        else:
            await chat_in_texts(request, socket)
        return socket.response


async def _check(request: web.Request) -> None:
    """Raise TaskNotFound, which after an upgrade could not be told by a status any more."""
    name = request.match_info["name"]
    known = [task.name for task in await request.app[ENGINE].tasks()]
    if name not in known:
        raise TaskNotFound(name, known)


@asynccontextmanager
async def _answer(request: web.Request, prompt: str) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of the answer to one prompt, in a session of its own."""
    name = request.match_info["name"]
    session = request.app[ENGINE].session(name)
    async with (
        admitted(request, Kind.TASK, name, [prompt]) as served,
        session,
        session.send(prompt) as answer,
    ):
        yield served.follow(answer)


_TASK = Named(Kind.TASK)
_ERRORS = (in_plain_text, in_json)
ROUTES = (
    Route("GET", "/v1/task", list_tasks, Known(), *_ERRORS),
    Route("GET", "/v1/task/{name}/status", status, _TASK, *_ERRORS),
    Route("GET", "/v1/task/{name}/settings", settings, Unlimited(), *_ERRORS),
    Route("GET", "/v1/task/{name}/completion", completion, _TASK, *_ERRORS, query=("prompt",)),
    Route("POST", "/v1/task/{name}/completion", completion, _TASK, *_ERRORS, body=Prompt),
    Route("POST", "/v1/task/{name}/prompt", prompt, _TASK, *_ERRORS, body=Conversation),
    Route("GET", "/v1/task/{name}/live", live, _TASK, *_ERRORS, query=("prompt", "detail")),
    Route("POST", "/v1/task/{name}/live", live, _TASK, *_ERRORS, body=Prompt, query=("detail",)),
    Route("GET", "/v1/task/{name}/chat", chat, _TASK, *_ERRORS, is_chat=True),
)
