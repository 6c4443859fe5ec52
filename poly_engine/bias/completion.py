"""The shortest way to end a text: a search over bytes, for what a grammar needs to be satisfied.

It drives copies of a matcher over single bytes, which costs microseconds, where one over the tokens of a model costs up
to a millisecond a step.
"""

import heapq
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

__all__ = ["END", "byte_tokenizer", "completes", "completion"]

END = 256
"""The token of the byte vocabulary that ends a text."""

LONGEST = 1 << 14
"""Bytes: no completion is followed beyond that."""

_BROAD = 48
"""Where more bytes than this may follow, it is a string or free text: any letter is as good as another."""

_CLOSERS = b'"}]'
_QUOTE = ord('"')
_ENDS = b'"}],:'
_N_ENDS = 12
_SIGNS = " -.@/:_,"
_KINDS = (
    *(range(ord(first), ord(last) + 1) for first, last in (("a", "z"), ("A", "Z"), ("0", "9"))),
    *(range(ord(sign), ord(sign) + 1) for sign in _SIGNS),
    range(0xC2, 0xF5),
)
"""Bytes that one example stands for: letters, digits, signs, and what begins a character of several bytes."""


def completion(
    matcher: LLMatcher,
    *,
    hint: bytes = b"",
    alphabet: frozenset[int] = frozenset(range(256)),
    n_nodes: int = 2000,
    seconds: float = 0.1,
) -> bytes | None:
    """Return bytes that bring `matcher`, over bytes, to a text that satisfies its grammar: as few as `n_nodes` steps of
    search find in `seconds`, b"" if it is satisfied. None if none was found.

    `hint` is what completed the text a moment ago: where the end of it fits, it is taken. `alphabet` are the bytes that
    can be written at all.

    This is a best-first search by length, in which choices that close nothing count double. Of the states that are as
    long and go on with the same bytes, only the first is followed: some way leads to an end from every state that a
    matcher accepts, so that nothing is lost but a shorter end, now and then.
    """
    search = _Search([hint, *_ends_of(hint)] if hint else [b""], alphabet)
    search.add(0, b"", matcher.deep_copy())
    deadline = time.monotonic() + seconds
    for _ in range(n_nodes):
        if not search.frontier or time.monotonic() > deadline:
            return None
        found = search.step()
        if found is not None:
            return found
    return None


class _Search:
    """The states that are still to be followed, the cheapest first."""

    def __init__(self, endings: Sequence[bytes], alphabet: frozenset[int]) -> None:
        self.frontier: list[tuple[int, int, bytes, LLMatcher]] = []
        self._endings = endings
        self._alphabet = alphabet
        self._seen: set[tuple[int, bytes]] = set()
        self._order = itertools.count()

    def add(self, cost: int, text: bytes, state: LLMatcher) -> None:
        """Let the state behind `text` be followed."""
        heapq.heappush(self.frontier, (cost, next(self._order), text, state))

    def step(self) -> bytes | None:
        """Follow the cheapest state to where it ends, which is returned, or to where there is a choice."""
        cost, _, text, state = heapq.heappop(self.frontier)
        n_before = len(text)
        while len(text) <= LONGEST:
            if forced := state.compute_ff_bytes():
                state.consume_tokens(list(forced))
                text += forced
            for ending in self._endings:
                if completes(state, ending):
                    return text + ending
            mask = state.compute_bitmask()
            choices = _worth_trying(mask, self._alphabet)
            if len(choices) != 1 or not state.consume_token(choices[0]):
                self._branch(cost + len(text) - n_before, text, state, choices, mask)
                break
            text += bytes(choices)
        return None

    def _branch(self, cost: int, text: bytes, state: LLMatcher, choices: Sequence[int], mask: bytes) -> None:
        if (len(text), mask) in self._seen:
            return
        self._seen.add((len(text), mask))
        for byte in choices:
            following = state.deep_copy()
            if following.consume_token(byte):
                self.add(cost + (1 if byte in _CLOSERS else 2), text + bytes([byte]), following)


def completes(matcher: LLMatcher, text: bytes) -> bool:
    """Whether `text` brings a matcher over bytes to where its grammar is satisfied."""
    if not text:
        return matcher.is_accepting()
    return matcher.validate_tokens([*text, END]) == len(text) + 1


def _ends_of(hint: bytes) -> Iterator[bytes]:
    """The ends of a completion that begin where a value may end, and nothing."""
    starts = (i for i, byte in enumerate(hint) if i and byte in _ENDS)
    yield from (hint[i:] for i in itertools.islice(starts, _N_ENDS))
    yield b""


def _worth_trying(mask: bytes, alphabet: frozenset[int]) -> Sequence[int]:
    """The bytes of a mask to go on with, what closes something first."""
    allowed = [byte for byte in _bits(mask) if byte in alphabet]
    if len(allowed) <= _BROAD:
        return sorted(allowed, key=lambda byte: byte not in _CLOSERS)
    if _QUOTE in allowed:
        return (_QUOTE,)
    return list(_one_of_each_kind(allowed)) or allowed


def _one_of_each_kind(allowed: Iterable[int]) -> Iterator[int]:
    for kind in _KINDS:
        yield from itertools.islice((byte for byte in allowed if byte in kind), 1)


def _bits(mask: bytes) -> list[int]:
    bits = int.from_bytes(mask[:32], "little")
    return [byte for byte in range(256) if bits >> byte & 1]


class _Bytes:
    """The vocabulary of single bytes, and an end."""

    tokens = (*(bytes([byte]) for byte in range(256)), b"<end>")
    special_token_ids = (END,)
    eos_token_id = END
    bos_token_id = None

    def __call__(self, text: bytes | str) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


@cache
def byte_tokenizer() -> LLTokenizer:
    """The vocabulary of single bytes: token n is byte n."""
    return LLTokenizer(TokenizerWrapper(_Bytes()), slices=[])
