"""Fitting a conversation into the context of a model: what is left out, and how long the answer may be."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from poly_engine.batch.opened import OpenedModel
from poly_engine.errors import ContextExceeded, InvalidRequest, LimitTooLow
from poly_engine.prompts import Segment, tokenize

__all__ = ["Fitted", "Room", "fit"]

_ROOM_FOR_ANSWER = 4
"""An answer has a quarter of the context to itself, unless the task limits it to less."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many tokens an answer wants: `n_most` at most (None if only the context limits it), `n_least` at least, and
    `n_after` more behind it, for what follows.
    """

    n_most: int | None
    n_least: int = 1
    n_after: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """The next prompt in segments and in tokens, after `n_dropped` of the oldest turns, `n_dropped_tokens` tokens, were
    left out; and how many tokens may be generated.
    """

    segments: list[Segment]
    tokens: list[int]
    n_dropped: int
    n_dropped_tokens: int
    n_most: int


def fit(segments: Callable[[int], list[Segment]], n_turns: int, room: Room, model: OpenedModel) -> Fitted:
    """Leave out as many of `n_turns` as must be; `segments` gives the prompt without so many of them.

    When the prompt and a quarter of the context for the answer (or what it wants, if that is less) no longer fit, turns
    are left out, oldest first, until twice that room is free. Raises ContextExceeded, LimitTooLow or InvalidRequest.
    """
    size = model.context_size

    def without(n_dropped: int) -> list[int]:
        return tokenize(segments(n_dropped), model.vocabulary)

    everything = tokens = without(0)
    wanted = max(min(room.n_most or size, size // _ROOM_FOR_ANSWER), room.n_least) + room.n_after
    n_dropped = 0
    if len(tokens) + wanted > size:
        n_dropped = bisect_left(range(n_turns), True, key=lambda n: len(without(n)) + 2 * wanted <= size)
        tokens = without(n_dropped)
    if not tokens:
        raise InvalidRequest("the prompt is empty, and the task adds nothing to it: there is nothing to continue")
    if len(tokens) >= size:
        raise ContextExceeded(len(tokens), size)
    n_most = size - len(tokens) - room.n_after
    if room.n_most is not None:
        n_most = min(n_most, room.n_most)
    if n_most < room.n_least:
        raise LimitTooLow(room.n_least + room.n_after, n_most + room.n_after)
    return Fitted(segments(n_dropped), tokens, n_dropped, len(everything) - len(tokens), n_most)
