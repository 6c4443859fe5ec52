"""Questions to the process of a model, and the threads that wait for the answers."""

import asyncio
import itertools
import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from poly_engine.batch.process.wire import Answer, Ask, ToChild
from poly_engine.errors import EngineClosed, EngineFailed, PolyError

__all__ = ["Questions"]


class Questions:
    """Asks, from any thread, and has each question end in an answer or an error, also when the process dies."""

    def __init__(self, messages: "SimpleQueue[ToChild | None]") -> None:
        self._messages = messages
        self._ids = itertools.count(1)
        self._open: dict[int, Future[object]] = {}
        self._changing = threading.Lock()
        self._why: str | None = None

    @property
    def is_ended(self) -> bool:
        """Whether there is nobody to answer any more."""
        return self._why is not None

    def ask(self, method: str, *arguments: object) -> Any:  # what the method returns
        """Ask, and wait for the answer. Raises what the method raises, EngineFailed if the process dies, EngineClosed
        if it was ended.
        """
        assert not _is_in_event_loop(), f"{method} is waited for in an event loop, which must not wait for a model"
        number, future = next(self._ids), Future[object]()
        with self._changing:
            self._check_open()
            self._open[number] = future
        self._messages.put(Ask(number, method, arguments))
        value = future.result()
        if isinstance(value, PolyError):
            raise value
        return value

    def answer(self, answer: Answer) -> None:
        """Hand an answer to who waits for it."""
        with self._changing:
            future = self._open.pop(answer.id, None)
        if future is not None:
            future.set_result(answer.value)

    def end(self, why: str) -> None:
        """Fail what was not answered, and what will be asked: there is no process any more."""
        with self._changing:
            self._why = why
            waiting, self._open = list(self._open.values()), {}
        for future in waiting:
            future.set_result(EngineFailed(why) if why else EngineClosed("the model was unloaded"))

    def _check_open(self) -> None:
        if self._why:
            raise EngineFailed(self._why)
        if self._why is not None:
            raise EngineClosed("the model was unloaded")


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
