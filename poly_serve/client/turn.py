"""One turn of a remote session, as the frames of the server tell it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from poly_engine.errors import EngineClosed, PolyError
from poly_engine.types import Done, Event, Token, ToolCall, Turn
from poly_serve.wire import decoded, error_from, event_from, is_event

__all__ = ["RemoteTurn"]

_LAST = ("done", "cancelled", "error", "refused")


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls of tools in a frame that says what is remembered of a turn."""

    calls: tuple[ToolCall, ...] = ()


class RemoteTurn:
    """Takes frames, and gives events. When the server is done with it, `is_over` is set and `on_over` is told, also if
    nobody reads the events.
    """

    def __init__(self, asked: Turn, on_over: Callable[["RemoteTurn"], None]) -> None:
        self.is_begun = asyncio.Event()
        self.is_over = asyncio.Event()
        self.is_heard = False
        """Whether the server has said anything about it."""
        self.is_refused = False
        """Whether it ended before it had begun."""
        self.failure: PolyError | None = None
        self._asked = asked
        self._on_over = on_over
        self._texts: list[str] = []
        self._answer: str | None = None
        self._calls: tuple[ToolCall, ...] = ()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()

    @property
    def remembered(self) -> Turn | None:
        """What the session remembers of it when it is over; None if it failed, or had not begun when it was left."""
        return None if self._answer is None else replace(self._asked, answer=self._answer, calls=self._calls)

    def hear(self, frame: Mapping[str, Any]) -> None:  # Any: as JSON
        """Take what the server says. Raises KeyError or ValidationError for what it cannot mean."""
        kind = frame["type"]
        self.is_heard = True
        if is_event(frame):
            self._hear_event(event_from(frame))
        elif kind in _LAST:
            self._answer = frame.get("answer")
            self._calls = decoded(_Calls, frame).calls
        if kind in ("error", "refused"):
            self.is_refused = not self.is_begun.is_set()
            self.fail(error_from({key: value for key, value in frame.items() if key not in ("answer", "calls")}))
        self.is_begun.set()
        if kind in _LAST:
            self.end()

    def fail(self, error: PolyError) -> None:
        """It has come to nothing. What is reported is the first error."""
        if self.failure is None:
            self.failure = error
            self._events.put_nowait(None)
        self.is_begun.set()

    def end(self) -> None:
        """The server is done with it."""
        if not self.is_over.is_set():
            self.is_over.set()
            self._events.put_nowait(None)
            self._on_over(self)

    async def events(self) -> AsyncGenerator[Event]:
        """The events, as they come, up to Done. Raises why it failed."""
        event: Event | None = None
        while not isinstance(event, Done):
            event = await self._events.get()
            if event is None:
                raise self.failure or EngineClosed("the server stopped the turn")
            yield event

    def _hear_event(self, event: Event) -> None:
        if isinstance(event, Token):
            self._texts.append(event.text)
        elif isinstance(event, ToolCall):
            self._calls = (*self._calls, event)
        elif isinstance(event, Done):
            self._answer = "".join(self._texts)
        self._events.put_nowait(event)
