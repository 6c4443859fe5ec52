"""The sentences of a chunk, whose vectors find what is diluted in that of the whole."""

import re
from itertools import pairwise

from poly_engine.memory.boundaries import Ending, Rank, gap_rank

__all__ = ["sentences"]

_WORD = re.compile(r"\S+")
_WIDE_END = re.compile("(?<=[。\uff01\uff1f])(?![」』\uff09])")
_SHORTEST = 12
"""Characters: what is shorter says nothing alone, and stays with what follows."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, or its lines where it has none; [] if it is but one, which its own vector stands for."""
    found: list[str] = []
    start = 0
    for end in (*_ends(text), len(text)):
        sentence = text[start:end].strip()
        if len(sentence) >= _SHORTEST or (end == len(text) and sentence):
            found.append(sentence)
            start = end
    return found if len(found) > 1 else []


def _ends(text: str) -> list[int]:
    """Where sentences and lines end, but for the last one."""
    ends = {found.start() for found in _WIDE_END.finditer(text)}
    for word, following in pairwise(_WORD.finditer(text)):
        gap = text[word.end() : following.start()]
        rank = gap_rank(gap, Ending.of(word[0]), is_before_lower=following[0][:1].islower())
        if rank >= Rank.LINE:
            ends.add(word.end())
    return sorted(ends - {len(text)})
