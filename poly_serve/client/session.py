"""A conversation with a task of a server."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

from poly_engine.errors import EngineClosed, EngineUnreachable, PolyError, SessionBusy
from poly_engine.interface import NO_OVERRIDES, Session
from poly_engine.types import Bias, Event, Overrides, PromptPart, ToolResult, Tools, Turn
from poly_serve.client.line import Line
from poly_serve.client.server import Server
from poly_serve.client.turn import RemoteTurn

__all__ = ["RemoteSession"]

_PATIENCE_S = 5.0
"""For the server to free the slot of a session that is closed."""

Frame = dict[str, Any]  # Any: as JSON


class RemoteSession(Session):
    """A session that a server holds, and that is remembered here, too.

    So a server that was restarted, or is being, or a connection that broke while nothing was said, is not noticed: the
    next prompt comes back to the session, or goes to another server with what was said before. One that breaks in the
    middle of an answer raises EngineUnreachable, or EngineClosed if the server says that it stops; the session can be
    used on, and what was heard of that answer is not remembered. It is among the `open_sessions` while it may have a
    connection.
    """

    def __init__(
        self,
        server: Server,
        task: str,
        system: str | None,
        history: Sequence[Turn],
        open_sessions: "set[RemoteSession]",
    ) -> None:
        self._server = server
        self._task = task
        self._system = system
        self._turns = list(history)
        self._open_sessions = open_sessions
        self._line: Line | None = None
        self._connecting = asyncio.Lock()
        self._id: str | None = None
        """By which the server keeps it when the line is lost."""
        self._turn: RemoteTurn | None = None
        self._is_busy = False
        self._closed: EngineClosed | None = None

    async def open(self) -> None:
        self._check_open()
        if self._line is None:
            await self._connect()

    @property
    def turns(self) -> Sequence[Turn]:
        return tuple(self._turns)

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
        self._begin()
        try:
            frame = _frame(prompt, overrides, schema) | _frame_on_tools(tools, results)
            try:
                turn = await self._ask(Turn(prompt, "", results=tuple(results)), frame)
                async with aclosing(turn.events()) as events:
                    yield events
            finally:
                await self._stop()
        finally:
            self._is_busy = False

    async def sent(self) -> Sequence[PromptPart]:
        self._check_open()
        if self._turn is None:
            return ()
        line = self._line or await self._connect()
        try:
            return await line.sent()
        except (EngineUnreachable, EngineClosed):
            self._check_open()
            if not line.is_lost:
                raise
            await self._hang_up(line)
            return await (self._line or await self._connect()).sent()

    async def close(self) -> None:
        if self._closed is None:
            await self.end(EngineClosed("the session was closed"))
            self._turns.clear()

    async def end(self, error: EngineClosed) -> None:
        """Stop a running turn, which raises the error, and take no more."""
        if self._closed is not None:
            return
        self._closed = error
        self._open_sessions.discard(self)
        if self._turn is not None and not self._turn.is_over.is_set():
            self._turn.fail(error)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await self._stop()
        await self._hang_up()

    def _begin(self) -> None:
        self._check_open()
        if self._is_busy:
            raise SessionBusy("the session is in the middle of a turn; wait for its end or open another session")
        self._is_busy = True

    def _check_open(self) -> None:
        self._server.check_open()
        if self._closed is not None:
            raise self._closed

    async def _ask(self, asked: Turn, frame: Frame) -> RemoteTurn:
        """Have a turn begun. Over a line that was lost meanwhile nobody heard of it, and a server that is being shut
        down does not begin it: then it is begun over another line, which may lead to another server.
        """
        await self._stop()  # who was cancelled twice did not wait for the end
        for is_last in (False, False, True):
            is_new = self._line is None
            line = self._line or await self._connect()
            turn = self._turn = RemoteTurn(asked, self._remember)
            try:
                await line.ask(turn, frame)
            except PolyError as error:
                is_shut_down = isinstance(error, EngineClosed) and turn.is_refused
                if self._closed is not None or is_last or not (is_shut_down or not (turn.is_heard or is_new)):
                    raise
                await self._hang_up()
            else:
                return turn
        raise AssertionError("the last attempt raises, or succeeds")

    async def _connect(self) -> Line:
        """The line; what the model read last may be asked for while it is being opened."""
        async with self._connecting:
            return self._line or await self._open_line()

    async def _open_line(self) -> Line:
        history = [asdict(turn) for turn in self._turns]
        self._open_sessions.add(self)
        resume = None if self._id is None else {"resume": self._id, "turns": len(self._turns)}
        line = await Line.open(self._server, self._task, {"system": self._system, "history": history}, resume)
        if self._closed is not None:
            await line.close()
            raise self._closed
        self._line, self._id = line, line.session
        return line

    async def _stop(self) -> None:
        if self._line is not None:
            await self._line.stop()

    async def _hang_up(self, lost: Line | None = None) -> None:
        """Close the line, unless it is no more the one that was lost."""
        line = self._line
        if line is not None and lost in (None, line):
            self._line = None
            await line.close()

    def _remember(self, turn: RemoteTurn) -> None:
        if self._closed is None and turn.remembered is not None:
            self._turns.append(turn.remembered)


def _frame(prompt: str, overrides: Overrides, schema: Bias | Mapping[str, object] | None) -> Frame:
    bias = schema if isinstance(schema, Bias) or schema is None else Bias.of_schema(schema)
    given = {key: value for key, value in asdict(overrides).items() if value is not None}
    return {"prompt": prompt, "overrides": given, "schema": bias and asdict(bias)}


def _frame_on_tools(tools: Tools | None, results: Sequence[ToolResult]) -> Frame:
    """What a prompt says of tools; nothing, unless there is something to say."""
    frame: Frame = {} if tools is None else {"tools": asdict(tools)}
    return {**frame, "results": [asdict(result) for result in results]} if results else frame
