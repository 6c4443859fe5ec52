"""The line to a task: a WebSocket, over which one turn at a time is held."""

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from poly_engine.errors import EngineClosed, InvalidRequest, PolyError, SessionNotFound
from poly_engine.types import PromptPart
from poly_serve.client.faults import broken, no_poly
from poly_serve.client.server import Server
from poly_serve.client.turn import RemoteTurn
from poly_serve.wire import PROTOCOL, decoded, encoded, error_from

__all__ = ["Line"]

_log = logging.getLogger(__name__)

Frame = dict[str, Any]  # Any: as JSON


@dataclass(frozen=True, slots=True)
class _Parts:
    """The frame that says what a model read."""

    parts: tuple[PromptPart, ...]


class Line:
    """A conversation as the server holds it. Opened by `open`; to be closed.

    Frames are read and written by tasks of its own, so that nobody who is cancelled leaves one half said.
    """

    def __init__(self, url: str, socket: ClientConnection) -> None:
        self._url = url
        self._socket = socket
        self._turn: RemoteTurn | None = None
        self._said: PolyError | None = None
        self.session: str | None = None
        """The id by which the server keeps it, if it does."""
        self._opened: asyncio.Future[str | None] | None = None
        self._sent: asyncio.Future[Sequence[PromptPart]] | None = None
        self._to_be_sent: asyncio.Queue[Frame] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())
        self._writing = asyncio.create_task(self._write())

    @classmethod
    async def open(cls, server: Server, task: str, frame: Frame, resume: Frame | None = None) -> Self:
        """Open a session with a task, as the frame says; or come back to one, as the other frame says, if the server
        keeps it. Raises why that cannot be.
        """
        line = cls(server.address.url, await server.dial("v1", "task", task, "chat", protocol=PROTOCOL))
        try:
            try:
                await line._open(resume or frame)
            except SessionNotFound:  # it was kept for too long, or by a server that is no more
                await line._open(frame)
        except BaseException:
            await line.close()
            raise
        return line

    @property
    def is_lost(self) -> bool:
        """Whether nothing goes over it any more."""
        return self._reading.done()

    async def ask(self, turn: RemoteTurn, frame: Frame) -> None:
        """Begin a turn. Raises why the server refuses it, or why the line is lost."""
        self._turn = turn
        if self.is_lost:
            self._lose()  # nothing was read since that would tell the turn
        else:
            self._to_be_sent.put_nowait({"type": "prompt", **frame})
        await turn.is_begun.wait()
        if turn.failure is not None:
            raise turn.failure

    async def stop(self) -> None:
        """Stop the turn that is under way, if there is one, and wait until its slot is free."""
        if self._turn is not None and not self._turn.is_over.is_set():
            self._to_be_sent.put_nowait({"type": "cancel"})
            await self._turn.is_over.wait()

    async def sent(self) -> Sequence[PromptPart]:
        """The prompt of the last turn as it was sent. Raises why that is not known, or why the line is lost."""
        if self._sent is None or self._sent.done():
            self._sent = asyncio.get_running_loop().create_future()
            if self.is_lost:
                self._lose()
            self._to_be_sent.put_nowait({"type": "sent"})
        return await asyncio.shield(self._sent)

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()
        self._writing.cancel()
        await asyncio.wait([self._reading, self._writing])
        for future in (self._opened, self._sent):
            if future is not None and future.done() and not future.cancelled():
                future.exception()  # seen: asyncio would complain of an error that nobody looked at

    async def _open(self, frame: Frame) -> None:
        self._opened = asyncio.get_running_loop().create_future()
        if self.is_lost:
            self._lose()
        self._to_be_sent.put_nowait({"type": "open", **frame})
        self.session = await self._opened

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._hear(json.loads(text))
        except ConnectionClosed:
            pass
        except (ValueError, KeyError, TypeError, AttributeError, InvalidRequest) as error:
            _log.warning("the server at %s said what makes no sense: %r", self._url, error)
            self._said = no_poly(self._url)
            await self._socket.close()
        finally:
            self._lose()

    async def _write(self) -> None:
        with suppress(ConnectionClosed):  # whoever reads hears that, too
            while True:
                await self._socket.send(encoded(await self._to_be_sent.get()))

    def _hear(self, frame: Frame) -> None:
        has_turn = self._turn is not None and not self._turn.is_over.is_set()
        is_opening = self._opened is not None and not self._opened.done()  # whoever waited may have gone
        if frame["type"] == "opened":
            if self._opened is not None and is_opening:
                self._opened.set_result(frame.get("session"))
        elif frame["type"] == "sent":
            self._hear_sent(frame)
        elif self._turn is not None and has_turn:
            self._turn.hear(frame)
        elif frame["type"] == "error":
            error = error_from(frame)
            if self._opened is not None and is_opening and isinstance(error, SessionNotFound):
                self._opened.set_exception(error)  # after any other error the server hangs up
            else:
                self._said = error

    def _hear_sent(self, frame: Frame) -> None:
        if self._sent is not None and not self._sent.done():
            if "code" in frame:
                self._sent.set_exception(error_from(frame))
            else:
                self._sent.set_result(decoded(_Parts, frame).parts)

    def _lose(self) -> None:
        """Tell whoever waits that nothing comes any more."""
        error = self._said or self._loss()
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(error)
        if self._sent is not None and not self._sent.done():
            self._sent.set_exception(error)
        if self._turn is not None and not self._turn.is_over.is_set():
            self._turn.fail(error)
            self._turn.end()

    def _loss(self) -> PolyError:
        if self._socket.close_code in (CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART):
            return EngineClosed(f"the server at {self._url} was shut down")
        return broken(self._url, self._socket.close_reason or "it broke off")
