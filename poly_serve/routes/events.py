"""A chat as JSON events: the subprotocol poly.events.v1 of the WebSocket of a task. Every frame is a text.

client: {"type": "open", "system": …, "history": [{"prompt": …, "answer": …}]}     first, if there is something to say
        {"type": "open", "resume": SESSION, "turns": N}                            or this, to come back after a loss
        {"type": "prompt", "prompt": …, "overrides": {…}, "schema": {"kind": …, "source": …},
         "tools": {"tools": [{"name": …, "description": …, "parameters": …}], "choice": …, "only": …, "is_parallel": …},
         "results": [{"id": …, "content": …}]}                                     all but the prompt may be left out
        {"type": "cancel"}                                                         stops the answer that is written
        {"type": "sent"}                                                           asks what the model read last
server: {"type": "opened", "session": SESSION}, then for each prompt
        {"type": "begun"}, when it was found that it can be answered
        the events of `poly_engine.types`, as they come
        one of these, when the slot is free again:
            {"type": "done", …}
            {"type": "cancelled", "answer": …, "calls": […]}
            {"type": "error", "code": …, "message": …, "answer": …, "calls": […]}
        {"type": "refused", "code": "session_busy", …} for a prompt that comes before that
        {"type": "sent", "parts": [{"kind": …, "text": …, "n_tokens": …}]} at any time: the prompt of the last turn, as
            it was sent; or with "code" and "message" in place of the parts. Who asks again meanwhile is told once

The `answer` is what the session remembers of a turn that did not come to its end: null if it forgets the prompt, too.
With it come the `calls` of tools that are complete, if there are any. Turns of a history may have `calls` and
`results`, too.
A frame that is none of these ends the conversation with an error.

A connection that is lost, without a goodbye, stops the answer and frees its slot; the session is kept for a while, for
whoever comes back with its id and the same key. Then "opened" says how many "turns" it remembers, and the "answer" of
the last one: if there is one turn more than were heard to their end, that is the part of it that was written. It keeps
the first N turns, if the client says that; else all. The error "session_not_found" says that it is not there, or knows
fewer turns: then the conversation can be opened with its history, over the same socket.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from poly_engine import (
    Bias,
    Done,
    InvalidRequest,
    Overrides,
    PolyError,
    Session,
    SessionBusy,
    SessionNotFound,
    ToolResult,
    Tools,
    Turn,
)
from poly_serve.access import Kind
from poly_serve.admission import admitted
from poly_serve.engine import ENGINE
from poly_serve.inputs import InvalidParameter, json_object, no_draft, off_loop, thing_of
from poly_serve.routing import PRINCIPAL, without_names
from poly_serve.sessions import SESSIONS, KeptSession
from poly_serve.sockets import Socket
from poly_serve.wire import encoded, error_record, event_record

__all__ = ["converse"]

_TURN_BYTES = 1 << 9
"""For which it takes as long to read a turn, however short it is, as for these."""

Frame = dict[str, Any]  # Any: as JSON


async def converse(request: web.Request, socket: Socket) -> None:
    """Hold a conversation until the client leaves."""
    async with asyncio.TaskGroup() as group:
        conversation = _Conversation(request, socket, group)
        try:
            async for frame in _frames(socket):
                await conversation.obey(frame)
        except PolyError as error:
            await conversation.fail(error)
        finally:
            await conversation.end()


class _Conversation:
    """One session, and the turn that it is in. Nothing holds up whoever reads the frames."""

    def __init__(self, request: web.Request, socket: Socket, group: asyncio.TaskGroup) -> None:
        self._request = request
        self._socket = socket
        self._group = group
        self._sessions = request.app[SESSIONS]
        self._kept: KeptSession | None = None
        self._opened: asyncio.Future[KeptSession] = asyncio.get_running_loop().create_future()
        self._opening: asyncio.Task[None] | None = None
        self._turn: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._is_cancelled = False
        self._has_failed = False

    async def obey(self, frame: Frame) -> None:
        """Do what a frame says. Raises InvalidRequest for one that makes no sense."""
        kind = frame["type"]
        if kind == "open" and self._opening is not None and not self._is_missed:
            raise InvalidRequest("the session is open already: only the first frame can open it")
        if kind == "open" or self._opening is None:
            self._opened = asyncio.get_running_loop().create_future()
            self._opening = self._group.create_task(self._open(frame if kind == "open" else {}))
        match kind:
            case "open":
                pass
            case "prompt" if self._turn is not None:
                error = SessionBusy("the session is in the middle of a turn; wait for its end, or cancel it")
                await self.tell({"type": "refused", **error_record(error)})
            case "prompt":
                self._is_cancelled = False
                self._turn = self._group.create_task(self._answer(frame))
                await asyncio.sleep(0)  # let it begin: what is cancelled before that ends without a word
            case "cancel":
                self._cancel()
            case "sent":
                if self._telling is None or self._telling.done():
                    self._telling = self._group.create_task(self._tell_sent())
            case _:
                raise InvalidRequest(f"there is no frame of the type {kind!r}: it is open, prompt, cancel or sent")

    async def tell(self, record: Mapping[str, object]) -> None:
        """Send a frame, unless the client is gone, which whoever reads finds out."""
        with suppress(ConnectionError):
            await self._socket.send(encoded(record))

    async def fail(self, error: PolyError) -> None:
        """Say what is wrong, and end the conversation."""
        self._has_failed = True
        await self.tell(self._told(error))
        await self._socket.close(WSCloseCode.POLICY_VIOLATION, str(error))

    async def end(self) -> None:
        """Stop the turn, and then close the session; or park it, if the connection was lost."""
        try:
            if self._turn is not None:
                self._cancel()
                await asyncio.wait([self._turn])
            for task in (self._telling, self._opening):
                if task is not None:
                    task.cancel()
                    await asyncio.wait([task])
            if self._kept is not None and not (self._has_failed or self._socket.is_left):
                self._sessions.park(self._kept)
                self._kept = None
        finally:
            if self._kept is not None:
                self._sessions.end(self._kept)

    @property
    def _is_missed(self) -> bool:
        """Whether the session to come back to was not there."""
        return self._opened.done() and self._opened.exception() is not None

    async def _open(self, frame: Frame) -> None:
        """Open a session, or come back to one. If that is not there, another frame may open one."""
        try:
            opened = await (self._begin(frame) if frame.get("resume") is None else self._resume(frame))
        except SessionNotFound as error:
            self._opened.set_exception(error)
            self._opened.exception()  # seen: not every client sends a prompt before it hears of that
            await self.tell(self._told(error))
        except PolyError as error:
            await self.fail(error)
        else:
            await self.tell({"type": "opened", **opened})
            if self._kept is not None:
                self._opened.set_result(self._kept)

    async def _begin(self, frame: Frame) -> Mapping[str, object]:
        history, system = await _said(frame)
        task = self._request.match_info["name"]
        session = self._request.app[ENGINE].session(task, system=system, history=history)
        await session.open()
        subject = self._request[PRINCIPAL].subject
        self._kept = self._sessions.add(session, task=task, subject=subject, system=system, leave=self._socket.cut)
        return {"session": self._kept.id}

    async def _resume(self, frame: Frame) -> Mapping[str, object]:
        id, n_turns = _resumed(frame)  # noqa: A001 - it is its name in the protocol
        task, subject = self._request.match_info["name"], self._request[PRINCIPAL].subject
        kept = self._kept = await self._sessions.resume(id, task=task, subject=subject, leave=self._socket.cut)
        turns = kept.session.turns
        if n_turns is not None and n_turns > len(turns):
            self._kept = None
            self._sessions.end(kept)
            raise SessionNotFound(id)
        if n_turns is not None and n_turns < len(turns):
            longer, turns = kept.session, turns[:n_turns]
            kept.session = self._request.app[ENGINE].session(task, system=kept.system, history=turns)
            await longer.close()
            await kept.session.open()
        return {"session": id, "turns": len(turns), "answer": turns[-1].answer if turns else None}

    async def _answer(self, frame: Frame) -> None:
        n_before = 0
        try:
            session = (await asyncio.shield(self._opened)).session
            n_before = len(session.turns)
            last = await self._stream(session, frame)
        except PolyError as error:
            last = {**self._told(error), **self._remembered(n_before)}
        except asyncio.CancelledError:
            last = {"type": "cancelled", **self._remembered(n_before)}
        self._turn = None  # whoever hears the last word may ask again
        await self.tell(last)

    async def _stream(self, session: Session, frame: Frame) -> Mapping[str, object]:
        """Send the events of a turn but for the last one, which is returned when the turn is over."""
        prompt, overrides, bias = _asked(frame)
        task = self._request.match_info["name"]
        tools, results = _on_tools(frame)
        done: Done | None = None
        async with (
            admitted(self._request, Kind.TASK, task, [prompt, *(result.content for result in results)]) as served,
            session.send(prompt, overrides, schema=bias, tools=tools, results=results) as events,
        ):
            await self.tell({"type": "begun"})
            async for event in served.follow(events):
                if isinstance(event, Done):
                    done = event
                else:
                    await self.tell(event_record(event))
        assert done is not None, "a turn ends with Done, or raises"
        return event_record(done)

    async def _tell_sent(self) -> None:
        try:
            session = (await asyncio.shield(self._opened)).session
            told: Mapping[str, object] = {"parts": await session.sent()}
        except PolyError as error:
            told = error_record(without_names(error, self._request[PRINCIPAL]))
        await self.tell({**told, "type": "sent"})

    def _remembered(self, n_before: int) -> Mapping[str, object]:
        """The answer of the turn behind those that there were before, if it is remembered, with its calls."""
        turns = self._kept.session.turns[n_before:] if self._kept is not None else ()
        if not turns:
            return {"answer": None}
        return {"answer": turns[-1].answer, **({"calls": turns[-1].calls} if turns[-1].calls else {})}

    def _told(self, error: PolyError) -> Mapping[str, object]:
        return {"type": "error", **error_record(without_names(error, self._request[PRINCIPAL]))}

    def _cancel(self) -> None:
        if self._turn is not None and not self._is_cancelled:
            self._is_cancelled = True  # a second time would cut off what the first one leads to
            self._turn.cancel()


async def _said(frame: Frame) -> tuple[list[Turn], str | None]:
    """What was said before, and the system message."""
    no_draft(frame)
    history, system = frame.get("history", []), frame.get("system")
    if not isinstance(history, list):
        raise InvalidParameter("history", "has to be a list of turns")
    if not isinstance(system, str | None):
        raise InvalidParameter("system", "has to be a text")
    return await off_loop(_TURN_BYTES * len(history), _turns, history), system


def _resumed(frame: Frame) -> tuple[str, int | None]:
    """The session to come back to, and how many of its turns it is to keep."""
    id, n_turns = frame["resume"], frame.get("turns")  # noqa: A001 - as above
    if not isinstance(id, str):
        raise InvalidParameter("resume", "has to be the id of a session")
    if isinstance(n_turns, bool) or not isinstance(n_turns, int | None) or (n_turns or 0) < 0:
        raise InvalidParameter("turns", "has to be a number of turns")
    for key in ("system", "history", "settings"):
        if key in frame:
            raise InvalidParameter(key, "cannot be given anew to a session that is resumed")
    return id, n_turns


def _turns(history: list[object]) -> list[Turn]:
    return [thing_of(Turn, turn, f"history[{number}]") for number, turn in enumerate(history)]


def _asked(frame: Frame) -> tuple[str, Overrides, Bias | None]:
    prompt, schema = frame.get("prompt"), frame.get("schema")
    if not isinstance(prompt, str):
        raise InvalidParameter("prompt", "has to be a text")
    overrides = thing_of(Overrides, frame.get("overrides", {}), "overrides")
    return prompt, overrides, None if schema is None else thing_of(Bias, schema, "schema")


def _on_tools(frame: Frame) -> tuple[Tools | None, list[ToolResult]]:
    tools, results = frame.get("tools"), frame.get("results", [])
    if not isinstance(results, list):
        raise InvalidParameter("results", "has to be a list of what tools returned")
    returned = [thing_of(ToolResult, result, f"results[{number}]") for number, result in enumerate(results)]
    return None if tools is None else thing_of(Tools, tools, "tools"), returned


async def _frames(socket: Socket) -> AsyncIterator[Frame]:
    """What the client says, until it leaves. Raises InvalidRequest for what is no JSON object with a type."""
    async for message in socket.messages():
        if message.type is not WSMsgType.TEXT:
            raise InvalidRequest("a frame has to be a text")
        frame = await off_loop(len(message.data), json_object, message.data.encode(), "a frame")
        if not isinstance(frame.get("type"), str):
            raise InvalidRequest("a frame has to have a type")
        yield frame
