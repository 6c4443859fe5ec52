"""Where in a JSON text a value stands, by the path to it."""

import re
from collections.abc import Mapping, Sequence
from json import JSONDecodeError, loads
from typing import TypeAlias

__all__ = ["Place", "place_of", "places"]

Place: TypeAlias = tuple[int, int]
"""A row and a column, both from 0."""

Path: TypeAlias = tuple[str | int, ...]

_TOKEN = re.compile(r'\s*(?P<text>"(?:\\.|[^"\\])*")|\s*(?P<sign>[{}\[\]:,])|\s*(?P<other>[^\s{}\[\]:,"]+)', re.DOTALL)


def places(text: str) -> Mapping[Path, Place]:
    """Where each value of a JSON text is: that of a table by its key, that of a list by itself.

    Raises JSONDecodeError if it is no JSON.
    """
    loads(text)
    found: dict[Path, Place] = {}
    stack: list[str | int] = []  # the key or index that is being read, of each table and list around it
    is_key = False
    for token in _TOKEN.finditer(text):
        start = token.start(token.lastgroup or 0)
        sign = token["sign"]
        if sign in ("}", "]"):
            stack.pop()
            is_key = False
            continue
        if sign == ",":
            is_key = isinstance(stack[-1], str)
            stack[-1] = "" if isinstance(stack[-1], str) else stack[-1] + 1
            continue
        if sign == ":":
            is_key = False
            continue
        if is_key:
            stack[-1] = loads(token["text"])
        found.setdefault(tuple(stack), _place(text, start))
        if sign in ("{", "["):
            stack.append("" if sign == "{" else 0)
            is_key = sign == "{"
    return found


def place_of(text: str, where: Sequence[str | int]) -> Place:
    """Where the value at a path is, or the innermost around it that is there."""
    try:
        found = places(text)
    except (JSONDecodeError, RecursionError):
        return 0, 0
    path = tuple(where)
    while path and path not in found:
        path = path[:-1]
    return found.get(path, (0, 0))


def _place(text: str, offset: int) -> Place:
    before = text[:offset]
    return before.count("\n"), offset - (before.rfind("\n") + 1)
