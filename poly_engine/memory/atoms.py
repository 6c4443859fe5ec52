"""A text as atoms: words, or parts of long runs, with what each costs in tokens and how well one may cut behind it."""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from poly_engine.memory.boundaries import Ending, edges_within, gap_rank, has_wide_mark, is_edge

__all__ = ["Atoms", "TokenCounter", "measure"]


class TokenCounter(Protocol):
    """Counts with the tokenizer of an embedding model."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text on its own, without special tokens."""


@dataclass(frozen=True, slots=True)
class Atoms:
    """Atom n is text[starts[n]:ends[n]]; only white space, if anything, lies between two. `ranks[n]` is how strong the
    boundary behind it is, and `sums[n]` estimates what all atoms before it take in tokens.
    """

    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    sums: "array[int]" = field(default_factory=lambda: array("q", [0]))
    ranks: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        return len(self.starts)

    def at(self, position: int) -> int:
        """The first atom that begins at a position of the text or behind it."""
        return bisect_left(self.starts, position)


def measure(text: str, counter: TokenCounter, *, longest_part: int, cuts: Mapping[int, int]) -> Atoms:
    """Cut a text into atoms. A run of characters that is too long for a word is cut into parts of `longest_part`
    characters, and any word at the positions `cuts`, whose values are the ranks of the boundaries there.
    """
    atoms = Atoms()
    words: dict[str, _Word] = {}
    ending = Ending.NOTHING
    for block in _blocks(_occurrences(text, words, longest_part, sorted(cuts))):
        if len(words) > _MOST_WORDS:
            words.clear()
        _learn(words, {word for word, _ in block}, counter)
        for occurrence, end in block:
            word = words[occurrence]
            if atoms.starts:
                atoms.ranks.append(gap_rank(word.gap, ending, is_before_lower=word.is_lower))
            atoms.starts.append(end - word.n_characters)
            atoms.ends.append(end)
            atoms.sums.append(atoms.sums[-1] + word.n_tokens)
            ending = word.ending
    _apply(cuts, atoms)
    return atoms


@dataclass(frozen=True, slots=True)
class _Word:
    """What is known of a word with the white space before it, wherever it occurs."""

    n_tokens: int
    n_characters: int
    gap: str
    ending: Ending
    is_lower: bool


_WORD = re.compile(r"\s*\S+")
_SPACES = re.compile(r"[^\S\n\r\f\v\x85\u2028\u2029]+")
_LONGEST_WORD = 48
_LONGEST_GAP = 16
_BLOCK = 1 << 14
_MOST_WORDS = 1 << 18
"""Of those that are remembered; about 60 MB."""

_BEFORE = "."
"""Words are counted behind it: many a tokenizer takes the first word of a text otherwise, and all cut behind it."""


def _occurrences(
    text: str, known: Mapping[str, _Word], longest_part: int, cuts: Sequence[int]
) -> Iterator[tuple[str, int]]:
    """Each atom, with the white space before it, and where it ends."""
    next_cut = 0
    # Without the end of the text, where the pattern would try every beginning of a long white space.
    for found in _WORD.finditer(text, 0, len(text.rstrip())):
        occurrence = found[0]
        begin, end = found.span()
        first_cut = next_cut
        while next_cut < len(cuts) and cuts[next_cut] < end:
            next_cut += 1
        if first_cut == next_cut and (occurrence in known or not _is_divisible(occurrence)):
            yield occurrence, end
            continue
        start = end - _n_characters(occurrence)
        gap = _short(text[begin:start])
        for edge in _edges(text, start, end, longest_part, cuts[first_cut:next_cut]):
            yield gap + text[start:edge], edge
            start, gap = edge, ""


def _short(gap: str) -> str:
    """A gap of a length that occurs more than once. It means the same: line breaks are kept, and what it ends with."""
    if len(gap) <= _LONGEST_GAP:
        return gap
    breaks, spaces = _SPACES.sub("", gap)[:3], " " * (_LONGEST_GAP - 4)
    return breaks + spaces + gap[-1] if _SPACES.match(gap[-1]) else spaces + breaks


def _edges(text: str, start: int, end: int, longest_part: int, cuts: Sequence[int]) -> list[int]:
    inner = {cut for cut in cuts if start < cut}
    if _is_divisible(text[start:end]):
        inner.update(edges_within(text, start, end, most=longest_part))
    return [*sorted(inner), end]


def _is_divisible(occurrence: str) -> bool:
    return len(occurrence) > _LONGEST_WORD or has_wide_mark(occurrence)


def _n_characters(occurrence: str) -> int:
    """The length of the word of an occurrence. A mark that stands on a space takes it along."""
    word = occurrence.lstrip()
    n_gap = len(occurrence) - len(word)
    return len(word) if is_edge(occurrence, n_gap) else len(word) + 1


def _blocks(occurrences: Iterator[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    while block := list(islice(occurrences, _BLOCK)):
        yield block


def _learn(words: dict[str, _Word], occurrences: set[str], counter: TokenCounter) -> None:
    new = sorted(occurrences.difference(words))
    n_before, *counts = counter.count([_BEFORE, *(_BEFORE + occurrence for occurrence in new)])
    for occurrence, n in zip(new, counts, strict=True):
        n_characters = _n_characters(occurrence)
        n_gap = len(occurrence) - n_characters
        word = occurrence[n_gap:]
        words[occurrence] = _Word(
            n_tokens=max(0, n - n_before),
            n_characters=n_characters,
            gap=occurrence[:n_gap] or occurrence[: len(occurrence) - len(occurrence.lstrip())],
            ending=Ending.of(word),
            is_lower=word[:1].islower(),
        )


def _apply(cuts: Mapping[int, int], atoms: Atoms) -> None:
    for position, rank in cuts.items():
        atom = atoms.at(position)
        if 0 < atom < len(atoms) and atoms.starts[atom] == position:
            atoms.ranks[atom - 1] = max(atoms.ranks[atom - 1], rank)
