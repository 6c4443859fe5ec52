"""How two texts differ: two answers word by word, two files line by line."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import TypeAlias

__all__ = ["Comparison", "Span", "changed_lines", "compare"]

Span: TypeAlias = tuple[int, int]
"""A piece of a text, from one character to before another."""

_WORD = re.compile(r"\w+|[^\w\s]")
_LONGEST = 2000
"""Words that are compared: what it takes grows with the square."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is in one answer and not in the other, and how much longer the second is."""

    left: tuple[Span, ...]
    right: tuple[Span, ...]
    n_left: int
    n_right: int
    """Words that differ, on either side."""
    growth: float | None
    """1.0 is twice as long in words; None if there was nothing to begin with."""

    @property
    def are_alike(self) -> bool:
        """Whether they have the same words."""
        return not self.left and not self.right


def compare(left: str, right: str) -> Comparison:
    """Compare two answers by their words; white space counts for nothing."""
    words = [list(_WORD.finditer(text)) for text in (left, right)]
    texts = [[word[0] for word in side[:_LONGEST]] for side in words]
    spans: list[list[Span]] = [[], []]
    counts = [0, 0]
    operations = SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_opcodes()
    for kind, *places in operations:
        for side, (first, end) in enumerate((places[:2], places[2:])):
            if kind != "equal" and first < end:
                spans[side].append((words[side][first].start(), words[side][end - 1].end()))
                counts[side] += end - first
    growth = len(words[1]) / len(words[0]) - 1 if words[0] else None
    return Comparison(tuple(spans[0]), tuple(spans[1]), counts[0], counts[1], growth)


def changed_lines(before: str, after: str, name: str) -> tuple[str, ...]:
    """The lines of a file that differ, with three around them, as diff -u tells them."""
    lines = unified_diff(before.splitlines(), after.splitlines(), f"{name} (saved)", f"{name} (draft)", lineterm="")
    return tuple(lines)
