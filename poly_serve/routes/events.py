"""A chat as JSON events: the subprotocol poly.events.v1 of the WebSocket of a task. Every frame is a text.

client: {"type": "open", "system": …, "history": [{"prompt": …, "answer": …}]}     first, if there is something to say
        {"type": "prompt", "prompt": …, "overrides": {…}, "schema": {"kind": …, "source": …},
         "tools": {"tools": [{"name": …, "description": …, "parameters": …}], "choice": …, "only": …, "is_parallel": …},
         "results": [{"id": …, "content": …}]}                                     all but the prompt may be left out
        {"type": "cancel"}                                                         stops the answer that is written
server: {"type": "opened"}, then for each prompt
        {"type": "begun"}, when it was found that it can be answered
        the events of `poly_engine.types`, as they come
        one of these, when the slot is free again:
            {"type": "done", …}
            {"type": "cancelled", "answer": …, "calls": […]}
            {"type": "error", "code": …, "message": …, "answer": …, "calls": […]}
        {"type": "refused", "code": "session_busy", …} for a prompt that comes before that

The `answer` is what the session remembers of a turn that did not come to its end: null if it forgets the prompt, too.
With it come the `calls` of tools that are complete, if there are any. Turns of a history may have `calls` and
`results`, too.
A frame that is none of these ends the conversation with an error.
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
    ToolResult,
    Tools,
    Turn,
)
from poly_serve.admission import ADMISSION
from poly_serve.engine import ENGINE
from poly_serve.inputs import InvalidParameter, json_object, thing_of
from poly_serve.routing import PRINCIPAL, without_names
from poly_serve.sockets import Socket
from poly_serve.stats import STATS
from poly_serve.wire import encoded, error_record, event_record

__all__ = ["converse"]

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
        self._session: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._holding: asyncio.Task[None] | None = None
        self._turn: asyncio.Task[None] | None = None
        self._is_cancelled = False

    async def obey(self, frame: Frame) -> None:
        """Do what a frame says. Raises InvalidRequest for one that makes no sense."""
        kind = frame["type"]
        if kind == "open" and self._holding is not None:
            raise InvalidRequest("the session is open already: only the first frame can open it")
        if self._holding is None:
            self._holding = self._group.create_task(self._hold(frame if kind == "open" else {}))
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
            case _:
                raise InvalidRequest(f"there is no frame of the type {kind!r}: it is open, prompt or cancel")

    async def tell(self, record: Mapping[str, object]) -> None:
        """Send a frame, unless the client is gone, which whoever reads finds out."""
        with suppress(ConnectionError):
            await self._socket.send(encoded(record))

    async def fail(self, error: PolyError) -> None:
        """Say what is wrong, and end the conversation."""
        await self.tell(self._told(error))
        await self._socket.close(WSCloseCode.POLICY_VIOLATION, str(error))

    async def end(self) -> None:
        """Stop the turn, and then close the session."""
        if self._turn is not None:
            self._cancel()
            await asyncio.wait([self._turn])
        if self._holding is not None:
            self._holding.cancel()

    async def _hold(self, frame: Frame) -> None:
        """Keep the session open as long as this is not cancelled."""
        try:
            async with _session(self._request, frame) as session:
                await self.tell({"type": "opened"})
                self._session.set_result(session)
                await asyncio.Event().wait()
        except PolyError as error:
            await self.fail(error)

    async def _answer(self, frame: Frame) -> None:
        n_before = 0
        try:
            session = await asyncio.shield(self._session)
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
        tools, results = _on_tools(frame)
        done: Done | None = None
        subject = self._request[PRINCIPAL].subject
        async with (
            self._request.app[ADMISSION].admit(subject),
            session.send(prompt, overrides, schema=bias, tools=tools, results=results) as events,
        ):
            await self.tell({"type": "begun"})
            async for event in events:
                if isinstance(event, Done):
                    done = event
                else:
                    await self.tell(event_record(event))
        assert done is not None, "a turn ends with Done, or raises"
        self._request.app[STATS].add(self._request.match_info["name"], done)
        return event_record(done)

    def _remembered(self, n_before: int) -> Mapping[str, object]:
        """The answer of the turn behind those that there were before, if it is remembered, with its calls."""
        turns = self._session.result().turns[n_before:] if self._session.done() else ()
        if not turns:
            return {"answer": None}
        return {"answer": turns[-1].answer, **({"calls": turns[-1].calls} if turns[-1].calls else {})}

    def _told(self, error: PolyError) -> Mapping[str, object]:
        return {"type": "error", **error_record(without_names(error, self._request[PRINCIPAL]))}

    def _cancel(self) -> None:
        if self._turn is not None and not self._is_cancelled:
            self._is_cancelled = True  # a second time would cut off what the first one leads to
            self._turn.cancel()


def _session(request: web.Request, frame: Frame) -> Session:
    history, system = frame.get("history", []), frame.get("system")
    if not isinstance(history, list):
        raise InvalidParameter("history", "has to be a list of turns")
    if not isinstance(system, str | None):
        raise InvalidParameter("system", "has to be a text")
    turns = [thing_of(Turn, turn, f"history[{number}]") for number, turn in enumerate(history)]
    return request.app[ENGINE].session(request.match_info["name"], system=system, history=turns)


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
        frame = json_object(message.data.encode(), "a frame")
        if not isinstance(frame.get("type"), str):
            raise InvalidRequest("a frame has to have a type")
        yield frame
