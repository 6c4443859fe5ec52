"""The shortest way to end a text: what a grammar needs to be satisfied from where a matcher stands."""

import itertools
import time
from collections.abc import Iterator

from llguidance import LLMatcher

from poly_engine.bias.matching import completes
from poly_engine.bias.search import Search

__all__ = ["NoEnding", "completion"]

_ALL_BYTES = frozenset(range(256))
_ENDS = b'"}],:'
_N_ENDS = 12
_WIDTHS = ((1, 4), (4, 1))
"""How many of the places that look alike are followed, and the share of the steps that are spent on it: what a number
has to be a multiple of, say, cannot be seen from outside.
"""


class NoEnding(Exception):
    """No way was found to end a text. `reason` is llguidance's, "" if it has none."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason or "no ending was found")
        self.reason = reason


def completion(
    matcher: LLMatcher,
    *,
    hint: bytes = b"",
    n_written: int = 0,
    alphabet: frozenset[int] = _ALL_BYTES,
    n_steps: int = 4000,
    seconds: float = 0.25,
    n_more: int = 0,
) -> bytes:
    """Return bytes that bring `matcher`, which is over bytes, to where its grammar is satisfied, b"" if it is.

    They are as few as a search of `n_steps` steps finds within `seconds` of computing; when it has found some, it goes
    on for `n_more` steps, to find fewer. `hint` is what completed the text before its last `n_written` bytes: where an
    end of it fits, it is taken. `alphabet` are the bytes that can be written at all.
    Raises NoEnding if none is found.
    """
    endings = list(dict.fromkeys([hint[n_written:], hint, *_ends_of(hint)]))
    for ending in endings[:2]:  # in the middle of a text, which is where most tokens fall, that is all
        if completes(matcher, ending):
            return ending
    deadline = time.thread_time() + seconds
    error = ""
    for n_alike, share in _WIDTHS:
        search = Search(matcher, endings, alphabet, n_alike)
        best: bytes | None = None
        n_left = n_steps // share
        while n_left and not search.is_over and time.thread_time() < deadline:
            found = search.step()
            n_left -= 1
            if found is not None:
                best = found if best is None else min(best, found, key=len)
                n_left = min(n_left, n_more)
        if best is not None:
            return best
        error = search.error
    raise NoEnding(error)


def _ends_of(hint: bytes) -> Iterator[bytes]:
    """The ends of a completion that begin where a value may end, and nothing."""
    starts = (i for i, byte in enumerate(hint) if i and byte in _ENDS)
    yield from (hint[i:] for i in itertools.islice(starts, _N_ENDS))
    yield b""
