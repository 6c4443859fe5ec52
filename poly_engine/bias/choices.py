"""Which of the bytes that may follow are worth trying, and what each of them costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from poly_engine.bias.place import CLOSERS, COMMA, QUOTE

__all__ = ["Choices", "choices"]

_BROAD = 48
"""Where more bytes than this may follow, it is a string or free text: any letter is as good as another."""

_MANY = 6
"""Where more bytes than this may follow, not all are tried, but some of each kind."""

_LONG = 24
"""Bytes of a member: so far it may be filled without looking right and left."""

_VERY_LONG, _STRIDE = 128, 16
"""Bytes of a text: from there on, others than the filler are tried in one place out of so many."""

_QUOTE_PRICE, _PRICE, _TEXT_PRICE = 1, 2, 6

_KINDS = (
    *(range(ord(first), ord(last) + 1) for first, last in (("a", "z"), ("0", "9"), ("A", "Z"))),
    *(range(ord(sign), ord(sign) + 1) for sign in '"}] -.@/:_,[{'),
    range(0xC2, 0xF5),
    range(0x80, 0xC0),
)
"""Letters, digits, signs, and the first and the other bytes of longer characters."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The bytes to go on with and their prices, the best first. In a text, no byte has a meaning."""

    prices: dict[int, int]
    is_text: bool = False


def choices(mask: bytes, alphabet: frozenset[int], *, n_member: int, is_thorough: bool) -> Choices:
    """Choose among the bytes of `mask` that are in `alphabet`, where `n_member` bytes of a member were written.

    What ends something is free, and so is a filler: the first of many bytes of which any may follow, where nothing can
    end. A search that `is_thorough` pays for it: what a number has to be a multiple of cannot be seen from outside.
    """
    is_free = n_member < _LONG and not is_thorough
    is_between = n_member >= _VERY_LONG and n_member % _STRIDE != 0 and not is_thorough
    return _choices(mask, alphabet, is_free=is_free, is_between=is_between, is_thorough=is_thorough)


@lru_cache(maxsize=1024)  # most bytes of a text may be followed by the same
def _choices(mask: bytes, alphabet: frozenset[int], *, is_free: bool, is_between: bool, is_thorough: bool) -> Choices:
    allowed = [byte for byte in _bits(mask) if byte in alphabet]
    if len(allowed) > _BROAD:
        if QUOTE in allowed:
            return Choices({QUOTE: 0}, is_text=True)
        first, *others = _some_of_each_kind(allowed, 1)
        if is_between:
            return Choices({first: 0}, is_text=True)
        return Choices({first: 0 if is_free else 1, **dict.fromkeys(others, _TEXT_PRICE)}, is_text=True)
    ends = [byte for byte in CLOSERS if byte in allowed] or [byte for byte in (COMMA,) if byte in allowed]
    prices = dict.fromkeys(ends, 0)
    if len(allowed) > _MANY:
        allowed = [*_some_of_each_kind(allowed, 10 if is_thorough else 2)]
        if is_free and not ends:
            prices[allowed[0]] = 0
    return Choices({**{byte: _QUOTE_PRICE if byte == QUOTE else _PRICE for byte in allowed}, **prices})


def _some_of_each_kind(allowed: Sequence[int], n: int) -> Iterator[int]:
    """The first and the last of each kind, up to `n`: they may lead different ways."""
    for kind in _KINDS:
        those = [byte for byte in allowed if byte in kind]
        yield from list(dict.fromkeys([*those[:1], *those[-1:], *those]))[:n]


def _bits(mask: bytes) -> list[int]:
    bits = int.from_bytes(mask[:32], "little")
    return [byte for byte in range(256) if bits >> byte & 1]
