"""One turn that a server answers: read by a task of its own, so that it ends at once when nobody wants it any more."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from poly_engine.errors import EngineClosed, EngineFailed, PolyError
from poly_engine.openai.model import RemoteModel
from poly_engine.openai.reading import Reading
from poly_engine.openai.server import Json
from poly_engine.types import Bias, Event, Recalled, Truncated

__all__ = ["Before", "RemoteTurn"]


@dataclass(frozen=True, slots=True)
class Before:
    """What is told before the answer."""

    recalled: Recalled | None
    truncated: Truncated | None


class RemoteTurn:
    """Asks once. The request begins with `begin`, and ends with the block of `events`, or earlier by `cancel`."""

    def __init__(self, model: RemoteModel, path: str, body: Json, reading: Reading, bias: Bias | None) -> None:
        self._model = model
        self._path = path
        self._body = body
        self._reading = reading
        self._bias = bias
        self._heard: asyncio.Queue[Event | PolyError | None] = asyncio.Queue()
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asking: asyncio.Task[None] | None = None
        self._cut: PolyError | None = None
        self._has_failed = False

    @property
    def text(self) -> str | None:
        """What is to be remembered of the answer, however it came to its end; None if it failed."""
        return None if self._has_failed else self._reading.text

    @property
    def n_prompt(self) -> int | None:
        """Tokens of the prompt, as the server counted them, if it did."""
        return self._reading.n_prompt

    async def begin(self) -> None:
        """Ask, and wait until the server begins to answer. Raises why it does not."""
        self._model.running.add(self)
        self._asking = asyncio.create_task(self._ask())
        try:
            await asyncio.shield(self._begun)
        except BaseException:
            await self.stop()
            raise

    @asynccontextmanager
    async def events(self, before: Before) -> AsyncIterator[AsyncIterator[Event]]:
        """The events of the answer; leaving the block ends the request."""
        try:
            async with aclosing(self._events(before)) as events:
                yield events
        finally:
            await self.stop()

    async def cancel(self, reason: PolyError | None = None) -> None:
        """End it where it is: with an error, if there is a reason, or else as cancelled."""
        if self._asking is not None and not self._asking.done():
            self._cut = reason
            await self.stop()

    async def stop(self) -> None:
        """End the request, and wait until its connection is closed."""
        self._model.running.discard(self)
        if self._asking is None:
            return
        self._asking.cancel()
        await asyncio.wait([self._asking])
        self._end(self._cut)  # it may not have got as far as to do that itself
        if self._begun.done() and not self._begun.cancelled():
            self._begun.exception()  # seen: asyncio would complain of an error that nobody looked at

    async def _ask(self) -> None:
        last: PolyError | None = EngineFailed("the answer could not be read, which is a bug of Poly: the log says more")
        try:
            async with self._model.answer(self._path, self._body) as chunks:
                self._reading.begin()
                self._begun.set_result(None)
                async for chunk in chunks:
                    for event in self._reading.read(chunk):
                        self._heard.put_nowait(event)
                    if self._reading.is_stopped:
                        break
            for event in self._reading.finish():
                self._heard.put_nowait(event)
            last = None
        except PolyError as error:
            last = error
        except asyncio.CancelledError:
            last = self._cut
            self._reading.reason = "cancelled"
        finally:
            self._end(last)

    def _end(self, error: PolyError | None) -> None:
        self._model.running.discard(self)
        self._has_failed = self._has_failed or error is not None
        if not self._begun.done():
            self._begun.set_exception(error or EngineClosed("the session was closed"))
        self._heard.put_nowait(error)

    async def _events(self, before: Before) -> AsyncGenerator[Event]:
        for told in (before.recalled, before.truncated):
            if told is not None:
                yield told
        while (event := await self._heard.get()) is not None:
            if isinstance(event, PolyError):
                raise event
            yield event
        await self._verify()
        yield self._reading.done()

    async def _verify(self) -> None:
        """Raise EngineFailed for an answer that does not fit what it was to fit."""
        if self._bias is None or self._reading.reason == "cancelled":
            return
        from poly_engine.bias.foreign import foreign_fault  # jsonschema costs 120 ms, and most sessions do without

        problem = await asyncio.to_thread(foreign_fault, self._bias, self._reading.text)
        if problem:
            self._has_failed = True
            why = "was cut off at the limit of tokens" if self._reading.reason == "length" else f"does not: {problem}"
            raise EngineFailed(f"the server at {self._model.url} was told to make the answer fit, and it {why}")
