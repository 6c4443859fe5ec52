"""The event loop of a verb, which Ctrl-C interrupts."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import FrameType
from typing import Any, Self, TypeVar

__all__ = ["Foreground", "run"]

T = TypeVar("T")
_INTERRUPTED = 130


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do `work`, and return what it returns.

    Ctrl-C cancels it, and KeyboardInterrupt is raised once it has ended. A second Ctrl-C ends the process at once.
    """
    with Foreground() as foreground:
        return foreground.run(work)


class Foreground:
    """An event loop that runs only while the main thread waits for it, so that a verb can also wait for the user.

    `with` ends it, and closes what was entered.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._entered = AsyncExitStack()

    def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter `context`, which is left when the loop ends."""
        return self.run(self._entered.enter_async_context(context))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """As the function `run`, in this loop."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # such as in the background of a script
            return self._runner.run(work)
        interrupts = _Interrupts(self._runner.get_loop())
        signal.signal(signal.SIGINT, interrupts.count)
        try:
            return self._runner.run(interrupts.watch(work))
        except asyncio.CancelledError:
            if interrupts.n:
                raise KeyboardInterrupt from None
            raise
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with self._runner:
                self._runner.run(self._entered.aclose())
        except KeyboardInterrupt:
            os._exit(_INTERRUPTED)


class _Interrupts:
    """Counts Ctrl-C while one piece of work is done: the first cancels it, the second ends the process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.n = 0
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None  # Any: of whatever it returns

    async def watch(self, work: Coroutine[Any, Any, T]) -> T:
        self._task = asyncio.current_task()
        return await work

    def count(self, _signal: int, _frame: FrameType | None) -> None:
        self.n += 1
        if self.n > 1 or self._task is None:
            os._exit(_INTERRUPTED)
        self._task.cancel()
        self._loop.call_soon_threadsafe(lambda: None)  # wakes it up
