"""What a session remembers of its conversation, wherever the model is: turns, and who may say the next one."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from poly_engine.errors import EngineClosed, InvalidRequest, SessionBusy
from poly_engine.memory.recaller import Recaller
from poly_engine.prompts import Asked, Exchange, Said
from poly_engine.task import Task
from poly_engine.types import Dropped, Hit, Recalled, ToolResult, Turn

__all__ = ["Conversation", "limited"]

_PART_FOR_RECALL = 2
"""What is recalled may take up half of the context."""


class Conversation:
    """The turns of a session, one at a time. Raises IllegalToken for a history that holds what the task keeps private.

    Of the turns, the first `n_left_out` had no place in the context any more, and are no longer `seen`.
    """

    def __init__(self, task: Task, history: Sequence[Turn]) -> None:
        for text in (text for turn in history for text in _texts(turn)):
            task.check(text)
        self._task = task
        self._exchanges = [
            Exchange(turn.prompt, turn.answer, (Said(turn.answer, "answer"),), calls=turn.calls, results=turn.results)
            for turn in history
        ]
        self._n_left_out = 0
        self._is_busy = False
        self.is_closed = False

    @property
    def turns(self) -> Sequence[Turn]:
        """All that were held, oldest first."""
        return tuple(Turn(one.prompt, one.text, one.calls, one.results) for one in self._exchanges)

    @property
    def n_turns(self) -> int:
        """How many were held."""
        return len(self._exchanges)

    @property
    def seen(self) -> Sequence[Exchange]:
        """Those that the next prompt may begin with."""
        return self._exchanges[self._n_left_out :]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a turn in the block. Raises SessionBusy, or EngineClosed."""
        self.check_open()
        if self._is_busy:
            raise SessionBusy("the session is in the middle of a turn; wait for its end or open another session")
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    def check_open(self) -> None:
        """Raise EngineClosed if the session was closed."""
        if self.is_closed:
            raise EngineClosed("the session was closed")

    def check_results(self, results: Sequence[ToolResult]) -> None:
        """Raise InvalidRequest for what came of a call that was none of the last answer's."""
        known = {call.id for call in self._exchanges[-1].calls} if self._exchanges else ()
        for result in results:
            self._task.check(result.content)
            if result.id not in known:
                raise InvalidRequest(f"there is a result of the call {result.id[:80]!r}, which the last answer had not")

    def begins(self, asked: Asked) -> list[int]:
        """Where what is seen may begin, so that no result stands there without its call."""
        results = [*(exchange.results for exchange in self.seen), asked.results]
        return [n for n, these in enumerate(results) if n == 0 or not these]

    def add(self, exchange: Exchange, n_dropped: int) -> None:
        """Remember a turn, before which `n_dropped` more had no place."""
        self._n_left_out += n_dropped
        self._exchanges.append(exchange)

    def close(self) -> None:
        """Forget all of it."""
        self.is_closed = True
        self._exchanges.clear()


async def limited(
    found: Recalled | None,
    recaller: Recaller | None,
    context_size: int | None,
    n_fitting: Callable[[Sequence[Hit], int], Awaitable[int]],
) -> Recalled | None:
    """As much of what the memory of a task holds on a prompt as may take up its part of the context: `n_fitting` says
    how many of the first hits take up so many tokens at most. None if there is nothing to tell.
    """
    if recaller is None or found is None or not (found.hits or found.dropped):
        return None
    limits = [recaller.max_tokens, context_size // _PART_FOR_RECALL if context_size else None]
    if not (known := [limit for limit in limits if limit is not None]):
        return found
    n = await n_fitting(found.hits, min(known))
    without_room = (Dropped(hit, "no_room") for hit in found.hits[n:])
    return Recalled(found.hits[:n], (*found.dropped, *without_room))


def _texts(turn: Turn) -> list[str]:
    """All that was said in a turn."""
    called = (text for call in turn.calls for text in call.texts)
    return [turn.prompt, turn.answer, *called, *(result.content for result in turn.results)]
