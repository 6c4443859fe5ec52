"""A chat as JSON events: the subprotocol poly.events.v1 of the WebSocket of a task.

client: {"type": "open", "system": …, "history": […]}     first, if there is something to say
        {"type": "prompt", "prompt": …, "overrides": {…}, "schema": {"kind": …, "source": …}}
        {"type": "cancel"}
server: {"type": "opened"}, then for each prompt the events of `poly_engine.types`, ending in "done" or "error"
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from aiohttp import WSMsgType, web
from pydantic import ValidationError

from poly_engine import Bias, Done, Event, InvalidRequest, Overrides, PolyError, Session, Turn
from poly_serve.admission import ADMISSION
from poly_serve.engine import ENGINE
from poly_serve.routing import PRINCIPAL
from poly_serve.stats import STATS
from poly_serve.wire import decoded, error_record, event_record

__all__ = ["PROTOCOL", "converse"]

PROTOCOL = "poly.events.v1"

T = TypeVar("T")


async def converse(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Hold a conversation until the client leaves."""
    frames = _frames(socket)
    try:
        first = await anext(frames, None)
        if first is None:
            return
        session = _session(request, first)
        async with session:
            await socket.send_json({"type": "opened"})
            await _Conversation(request, socket, session).hold(frames, first)
    except PolyError as error:
        await socket.send_json(error_record(error))
        await socket.close()


class _Conversation:
    """One session, and the turn that it is in."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, session: Session) -> None:
        self._request = request
        self._socket = socket
        self._session = session
        self._turn: asyncio.Task[None] | None = None

    async def hold(self, frames: AsyncIterator[dict[str, Any]], first: dict[str, Any]) -> None:
        try:
            if first["type"] != "open":
                await self._obey(first)
            async for frame in frames:
                await self._obey(frame)
        finally:
            await self._stop()

    async def _obey(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "prompt":
                await self._begin(frame)
            case "cancel":
                await self._stop()
            case unknown:
                raise InvalidRequest(f"there is no frame of the type {unknown!r}: it is open, prompt or cancel")

    async def _begin(self, frame: dict[str, Any]) -> None:
        if self._turn is not None and not self._turn.done():
            await self._socket.send_json({"type": "error", "code": "session_busy", "message": "a turn is running"})
            return
        self._turn = asyncio.create_task(self._answer(frame))

    async def _stop(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            await asyncio.wait([self._turn])

    async def _answer(self, frame: dict[str, Any]) -> None:
        request = self._request
        try:
            prompt, overrides, bias = _asked(frame)
            async with (
                request.app[ADMISSION].admit(request[PRINCIPAL].subject),
                self._session.send(prompt, overrides, schema=bias) as events,
            ):
                async for event in events:
                    await self._tell(event)
        except PolyError as error:
            await self._socket.send_json(error_record(error))

    async def _tell(self, event: Event) -> None:
        if isinstance(event, Done):
            self._request.app[STATS].add(self._request.match_info["name"], event)
        await self._socket.send_json(event_record(event))


def _session(request: web.Request, frame: dict[str, Any]) -> Session:
    task = request.match_info["name"]
    if frame["type"] != "open":
        return request.app[ENGINE].session(task)
    history = [_decoded(Turn, turn, "history") for turn in frame.get("history") or ()]
    return request.app[ENGINE].session(task, system=frame.get("system"), history=history)


def _asked(frame: dict[str, Any]) -> tuple[str, Overrides, Bias | None]:
    prompt = frame.get("prompt")
    if not isinstance(prompt, str):
        raise InvalidRequest("a prompt has to be a text")
    overrides = _decoded(Overrides, frame.get("overrides") or {}, "overrides")
    schema = frame.get("schema")
    return prompt, overrides, None if schema is None else _decoded(Bias, schema, "schema")


def _decoded(kind: type[T], plain: object, where: str) -> T:
    try:
        return decoded(kind, plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidRequest(f"{where}: {first['msg']}") from error


async def _frames(socket: web.WebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    """What the client says, until it leaves. Raises InvalidRequest for what is no JSON object with a type."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            raise InvalidRequest("frames have to be text")
        try:
            frame = json.loads(message.data)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"a frame is no JSON: {str(error)[:200]}") from error
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise InvalidRequest("a frame has to be a JSON object with a type")
        yield frame
